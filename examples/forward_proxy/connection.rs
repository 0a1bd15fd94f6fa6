//! Connections of clients: accepts them, serves HTTP/1 and HTTP/2 on them, closes them in time.

use std::{
    error::Error,
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::Service;

use crate::{
    access_log,
    activity::{Activity, Busy, Holding},
    admission::{ADMISSION_TIME, Admission, Newcomers},
    lingering::Linger,
    shutdown::Tasks,
};

/// A connection on which no request is under way for this long is closed. The head of a request
/// must be there within this time too.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection that has been asked to close may stay open without a request.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may stay open at all then: a request that was under way may finish until here.
const CLOSE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How large the head of a request may be, with all its fields; past it the answer is 431.
const MAX_HEAD: usize = 64 * 1024;

/// How often an HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long to wait when no connection can be accepted, such as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many refused connections are told so at the same time; more are just closed.
const MAX_REFUSALS: usize = 64;

/// What a connection past the limits gets.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 78\r\n\
    cache-control: no-store\r\n\
    x-content-type-options: nosniff\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    \r\n\
    503 Service Unavailable: too many connections that have not authenticated yet\n";

type BoxError = Box<dyn Error + Send + Sync>;

/// Serves `service` to whoever connects, until the process is about to end.
pub(crate) async fn serve<S, B>(listener: TcpListener, service: S, tasks: Tasks)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let newcomers = Newcomers::default();
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stopping() => return,
        };
        match accepted {
            Ok((stream, peer)) => match newcomers.enter(peer.ip()) {
                Some(slot) => {
                    // Without this a small answer would wait for the client's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let service = OnConnection::new(service.clone(), peer, Admission::new(slot));
                    tasks.spawn(converse(stream, service, tasks.clone()));
                }
                None => {
                    tracing::warn!(%peer, "too many connections that have not authenticated yet");
                    if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                        tasks.spawn(async move {
                            refuse(stream).await;
                            drop(permit);
                        });
                    }
                }
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, from its first byte to its end.
async fn converse<I, S, B>(stream: I, service: OnConnection<S>, tasks: Tasks)
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let OnConnection { peer, admission, activity, .. } = service.clone();
    let builder = protocols();
    let connection = builder.serve_connection_with_upgrades(
        TokioIo::new(Linger::new(stream)),
        TowerToHyperService::new(service),
    );
    let mut connection = pin!(connection);
    let serving = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = activity.idle_for(IDLE_TIMEOUT) => {}
            () = tasks.stopping() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = activity.idle_for(CLOSE_TIMEOUT) => Err("it does not close".into()),
            () = sleep(CLOSE_LIMIT) => Err("it does not end its requests".into()),
        }
    };
    let ended = tokio::select! {
        ended = serving => ended,
        // Being busy does not help: an answer that the client does not take would be enough.
        () = admission.denied(ADMISSION_TIME) => Err("it has not authenticated".into()),
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection broken off");
    }
}

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL);
    builder
}

async fn refuse(stream: TcpStream) {
    let mut stream = Linger::new(stream);
    let told = async {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await
    };
    let _ = timeout(CLOSE_TIMEOUT, told).await;
}

/// The service as one connection sees it: knows the peer, and counts what is under way.
#[derive(Clone)]
struct OnConnection<S> {
    service: S,
    peer: SocketAddr,
    admission: Admission,
    activity: Activity,
}

impl<S> OnConnection<S> {
    fn new(service: S, peer: SocketAddr, admission: Admission) -> Self {
        Self { service, peer, admission, activity: Activity::new() }
    }
}

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<Holding<B, Busy>>, E>> + Send>>;

impl<S, B> Service<Request<Incoming>> for OnConnection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<Holding<B, Busy>>;
    type Error = S::Error;
    type Future = Answer<B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let busy = self.activity.begin();
        let entry = access_log::is_enabled().then(|| access_log::Entry::start(self.peer, &request));
        let extensions = request.extensions_mut();
        // The authentication layer asks for the peer's address.
        extensions.insert(self.peer);
        extensions.insert(self.admission.clone());
        extensions.insert(self.activity.clone());
        let answer = self.service.call(request);
        Box::pin(async move {
            let response = answer.await?;
            if let Some(entry) = entry {
                entry.finish(&response);
            }
            Ok(response.map(|body| Holding::new(body, busy)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{admission::Newcomers, shutdown};
    use http::StatusCode;
    use http_body_util::Full;
    use std::{convert::Infallible, future};
    use tokio::{
        io::{DuplexStream, duplex},
        task::yield_now,
        time::Instant,
    };
    use tower::service_fn;

    /// What the answers of a test hold on to.
    type Held = Arc<()>;

    /// Serves a client whose requests are refused, or admitted and never answered. Tells how long
    /// that took.
    async fn converse_with(
        stream: DuplexStream,
        admits: bool,
        tasks: Tasks,
        held: Held,
    ) -> Duration {
        let service = service_fn(move |request: Request<Incoming>| {
            let body = Full::new(Bytes::from_static(b"who are you?"));
            let mut response = Response::new(Holding::new(body, Arc::clone(&held)));
            *response.status_mut() = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            async move {
                if admits {
                    request.extensions().get::<Admission>().expect("inserted").passed();
                    future::pending::<()>().await;
                }
                Ok::<_, Infallible>(response)
            }
        });
        let (peer, start) = (SocketAddr::from(([192, 0, 2, 1], 1)), Instant::now());
        let admission = Admission::new(Newcomers::default().enter(peer.ip()).expect("room"));
        converse(stream, OnConnection::new(service, peer, admission), tasks).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn regression_an_untaken_refusal_over_http_2_does_not_keep_the_connection_open() {
        let (client, client_end) = duplex(64 * 1024);
        let (tasks, _drain) = shutdown::tasks();
        let held = Held::default();
        let asking = async {
            let (mut sender, connection) =
                hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                    // So no byte of any answer may be sent.
                    .initial_stream_window_size(0)
                    .handshake(TokioIo::new(client))
                    .await
                    .expect("the client can begin");
            let driver = tokio::spawn(connection);
            let request = Request::get("http://o.example/").body(Full::<Bytes>::default());
            let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            let _ = driver.await;
        };
        let (took, ()) =
            tokio::join!(converse_with(client_end, false, tasks, Arc::clone(&held)), asking);
        assert_eq!(took, ADMISSION_TIME);
        yield_now().await;
        assert_eq!(Arc::strong_count(&held), 1, "the answers are gone too");
    }

    #[tokio::test(start_paused = true)]
    async fn regression_refusals_over_http_1_do_not_keep_the_connection_open() {
        let (mut client, client_end) = duplex(64 * 1024);
        let (tasks, _drain) = shutdown::tasks();
        let asking = async {
            while client.write_all(b"GET http://o/ HTTP/1.1\r\nHost: o\r\n\r\n").await.is_ok() {
                sleep(IDLE_TIMEOUT / 3).await;
            }
        };
        let (took, ()) =
            tokio::join!(converse_with(client_end, false, tasks, Held::default()), asking);
        assert_eq!(took, ADMISSION_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_closing_has_an_end_although_a_request_has_none() {
        let (mut client, client_end) = duplex(1024);
        let (tasks, drain) = shutdown::tasks();
        let asking = async {
            client.write_all(b"GET http://o/ HTTP/1.1\r\nHost: o\r\n\r\n").await.expect("open");
            sleep(2 * ADMISSION_TIME).await;
            drain.stop();
        };
        let (took, ()) =
            tokio::join!(converse_with(client_end, true, tasks, Held::default()), asking);
        assert_eq!(took, 2 * ADMISSION_TIME + CLOSE_LIMIT);
    }
}
