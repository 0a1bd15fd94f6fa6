//! The HTTP server at which metrics are read.

use std::{convert::Infallible, io, net, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};

/// The format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The maximum number of connections.
const MAX_CONNECTIONS: usize = 16;

/// The time for a connection, which serves one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait after a failure to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the text that `render` returns at `/metrics`.
///
/// # Errors
/// The socket cannot be used.
pub(super) async fn serve(
    listener: net::TcpListener,
    render: impl Fn() -> String + Clone + Send + Sync + 'static,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let render = render.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let response = respond(&request, &render);
            async { Ok::<_, Infallible>(response) }
        });
        let connection =
            http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = timeout(TIMEOUT, connection).await;
            drop(place);
        });
    }
}

fn respond<B>(request: &Request<B>, render: impl Fn() -> String) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if is_read {
        *response.body_mut() = Full::from(render());
        response.headers_mut().insert(CONTENT_TYPE, TEXT);
    } else {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
