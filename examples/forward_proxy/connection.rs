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
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::Service;

use crate::{
    access_log,
    activity::{Activity, Busy, Holding},
    linger::Linger,
    newcomers::{Admission, Newcomers, Slot},
    shutdown::Tasks,
};

/// A connection on which no request is under way for this long is closed. The head of a request
/// must be there within this time too.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may take to close once it has been asked to.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

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
                    let stopping = tasks.clone();
                    tasks.spawn(converse(stream, peer, service.clone(), slot, stopping));
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
async fn converse<S, B>(stream: TcpStream, peer: SocketAddr, service: S, slot: Slot, tasks: Tasks)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // Without this a small answer would wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let service =
        OnConnection { service, peer, admission: Admission::new(slot), activity: activity.clone() };
    let builder = protocols();
    let connection = builder.serve_connection_with_upgrades(
        TokioIo::new(Linger::new(stream)),
        TowerToHyperService::new(service),
    );
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = activity.idle_for(IDLE_TIMEOUT) => None,
        () = tasks.stopping() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = activity.idle_for(CLOSE_TIMEOUT) => Err("it does not close".into()),
            }
        }
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
        let line = access_log::Line::start(self.peer, &request);
        let extensions = request.extensions_mut();
        // The authentication layer asks for the peer's address.
        extensions.insert(self.peer);
        extensions.insert(self.admission.clone());
        extensions.insert(self.activity.clone());
        let answer = self.service.call(request);
        Box::pin(async move {
            let response = answer.await?;
            line.write(&response);
            Ok(response.map(|body| Holding::new(body, busy)))
        })
    }
}
