//! Accepts connections of clients, serves HTTP/1 and HTTP/2 on them, and closes them in time.

use std::{error::Error, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{BoxError, Service, ServiceExt};

use crate::{
    access_log, admission::PendingConnections, client::Client, error::chain, headers::MAX_FIELDS,
    lingering::Lingering, observe::open_count, places::Limits, read_gate::Gated,
};

/// A connection without a request in progress is closed after this time, which also limits the time
/// for the head of a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may stay open without a request after it was asked to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of the head of a request; above it the response is 431.
const MAX_HEAD: usize = 64 * 1024;

/// How often an idle HTTP/2 client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long to wait after a failure to accept, such as a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections above the limits get a response at a time; further ones are just closed.
const MAX_REFUSALS: usize = 64;

/// The response on a connection above the limits.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 78\r\n\
    cache-control: no-store\r\n\
    x-content-type-options: nosniff\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    \r\n\
    503 Service Unavailable: too many connections that have not authenticated yet\n";

/// Serves `service` on all connections until `shutdown`, with `limits` for those that have not
/// authenticated.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    limits: Limits,
    service: S,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let pending = PendingConnections::new(limits);
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Some(admission) = pending.add(address.ip()) {
            // Without this a small response would wait for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            let client = Client::new(address, admission);
            let (service, shutdown) = (service.clone(), shutdown.clone());
            tasks.spawn(serve_connection(stream, service, client, shutdown));
        } else {
            tracing::warn!(peer = %address, "too many connections that have not authenticated yet");
            if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                tasks.spawn(async move {
                    refuse(stream).await;
                    drop(permit);
                });
            }
        }
    }
}

async fn serve_connection<I, S, B>(
    stream: I,
    service: S,
    client: Client,
    shutdown: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let _open = open_count::CONNECTIONS.open();
    let Client { address, admission, activity, gate, evicted, .. } = client.clone();
    let protocols = protocols();
    let service = service_fn(move |request| respond(service.clone(), client.clone(), request));
    let stream = TokioIo::new(Gated::new(Lingering::new(stream), gate));
    let mut connection = pin!(protocols.serve_connection_with_upgrades(stream, service));
    let mut serving = pin!(async {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = evicted.cancelled() => return Err("other users need its descriptors".into()),
            () = activity.idle_for(IDLE_TIMEOUT) => {}
            () = shutdown.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = activity.idle_for(CLOSE_TIMEOUT) => Err("the client does not close it".into()),
        }
    });
    let ended = tokio::select! {
        biased;
        ended = serving.as_mut() => ended,
        // Applies to a busy connection, too: a response that the client does not read would
        // otherwise keep it open.
        is_admitted = admission.decided() => match is_admitted {
            true => serving.await,
            false => Err("the client has not authenticated".into()),
        },
    };
    if let Err(error) = ended {
        match malformed(&*error) {
            Some(cause) => tracing::info!(peer = %address, cause, "malformed request"),
            None => tracing::debug!(peer = %address, %error, "connection closed"),
        }
    }
}

async fn respond<S, B>(
    service: S,
    client: Client,
    mut request: Request<Incoming>,
) -> Result<Response<B>, S::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    let _busy = client.activity.begin();
    let entry =
        access_log::is_enabled().then(|| access_log::Entry::start(client.address, &request));
    request.extensions_mut().insert(client);
    let response = service.oneshot(request).await?;
    if let Some(entry) = entry {
        entry.finish(&response);
    }
    Ok(response)
}

/// Why hyper could not parse a request. It has answered with 400, 414 or 431 by itself.
fn malformed(error: &(dyn Error + 'static)) -> Option<String> {
    let error = chain(error).find_map(|error| error.downcast_ref::<hyper::Error>())?;
    let size = MAX_HEAD / 1024;
    match error {
        error if error.is_parse_too_large() => {
            Some(format!("{error}: more than {size} KiB or {MAX_FIELDS} fields"))
        }
        error => error.is_parse().then(|| error.to_string()),
    }
}

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // There is no timer, so hyper has no timeout for the head: `serve_connection` has one.
    // Some old clients recognize `Proxy-Authenticate` only in title case.
    builder.http1().max_buf_size(MAX_HEAD).max_headers(MAX_FIELDS).title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL);
    builder
}

async fn refuse(stream: TcpStream) {
    let mut stream = Lingering::new(stream);
    let refusing = async {
        stream.write_all(REFUSAL).await?;
        stream.shutdown().await
    };
    let _ = timeout(CLOSE_TIMEOUT, refusing).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::ADMISSION_TIME;
    use http::StatusCode;
    use http_body_util::{BodyExt, Full};
    use std::{convert::Infallible, future, net::SocketAddr};
    use tokio::{
        io::{AsyncReadExt, DuplexStream, duplex},
        task::yield_now,
        time::Instant,
    };
    use tower::service_fn;

    const REQUEST: &[u8] = b"GET http://o/ HTTP/1.1\r\nHost: o\r\n\r\n";

    /// Serves a client whose requests are admitted, or refused with a response that holds `held`.
    /// Returns how long the connection lasted.
    async fn serve_client(stream: DuplexStream, admits: bool, held: Arc<()>) -> Duration {
        let service = service_fn(move |request: Request<Incoming>| {
            let held = Arc::clone(&held);
            let body = Full::new(Bytes::from_static(b"who are you?"));
            let mut response = Response::new(body.map_frame(move |frame| {
                let _held = &held;
                frame
            }));
            if admits {
                request.extensions().get::<Client>().expect("inserted").admission.grant();
            } else {
                *response.status_mut() = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            }
            future::ready(Ok::<_, Infallible>(response))
        });
        let (address, start) = (SocketAddr::from(([192, 0, 2, 1], 1)), Instant::now());
        let pending = PendingConnections::new(Limits { total: 1, per_owner: 1 });
        let client = Client::new(address, pending.add(address.ip()).expect("a place"));
        serve_connection(stream, service, client, CancellationToken::new()).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn regression_an_unread_http_2_refusal_ends_the_connection() {
        let (client, client_end) = duplex(64 * 1024);
        let held = Arc::new(());
        let asking = async {
            let (mut sender, connection) =
                hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                    // The server may send no byte of any response.
                    .initial_stream_window_size(0)
                    .handshake(TokioIo::new(client))
                    .await
                    .unwrap();
            let driver = tokio::spawn(connection);
            let request = Request::get("http://o.example/").body(Full::<Bytes>::default());
            let response = sender.send_request(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            let _ = driver.await;
        };
        let (lasted, ()) = tokio::join!(serve_client(client_end, false, Arc::clone(&held)), asking);
        assert_eq!(lasted, IDLE_TIMEOUT + CLOSE_TIMEOUT);
        yield_now().await;
        assert_eq!(Arc::strong_count(&held), 1, "the responses are dropped, too");
    }

    #[tokio::test(start_paused = true)]
    async fn regression_http_1_refusals_end_the_connection() {
        let (mut client, client_end) = duplex(64 * 1024);
        let asking = async {
            while client.write_all(REQUEST).await.is_ok() {
                sleep(IDLE_TIMEOUT / 3).await;
            }
        };
        let (lasted, ()) = tokio::join!(serve_client(client_end, false, Arc::default()), asking);
        assert_eq!(lasted, ADMISSION_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn closes_a_connection_without_requests() {
        for (sent, limit) in [
            ("GET http://o/ HTTP/1.1\r\nHost: o\r\n\r\n", IDLE_TIMEOUT),
            ("GET http://o/ HTTP/1.1\r\nHost: o\r\n\r\nGET http://o/ HT", IDLE_TIMEOUT),
            ("GET http://o/ HT", IDLE_TIMEOUT + CLOSE_TIMEOUT),
        ] {
            let (mut client, client_end) = duplex(64 * 1024);
            let asking = async move {
                client.write_all(sent.as_bytes()).await.unwrap();
                client.read_to_end(&mut Vec::new()).await.unwrap();
            };
            let (lasted, ()) = tokio::join!(serve_client(client_end, true, Arc::default()), asking);
            assert_eq!(lasted, limit, "{sent:?}");
        }
    }
}
