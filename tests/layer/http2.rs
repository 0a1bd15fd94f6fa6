//! The layer over HTTP/2, between hyper's client and server on a connection in memory.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header, request};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self as client, SendRequest},
    ext::Protocol,
    server::conn::http2 as server,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, Service};
use tower_proxy_auth::{Identity, ProxyAuth, ProxyAuthLayer, UserId};

use crate::support::{
    digest::Digest,
    layer::{RIGHT, URL, WRONG, both, get, request, schemes, text, with_credentials},
};

type Page = Full<Bytes>;

/// An inner service that names the user, and echoes a tunnel in capitals.
#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Vec<request::Parts>>>);

impl Echo {
    fn calls(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Whether credentials of this proxy ever reached it.
    fn saw_credentials(&self) -> bool {
        let heads = self.0.lock().unwrap();
        heads.iter().any(|head| head.headers.contains_key(header::PROXY_AUTHORIZATION))
    }
}

impl Service<Request<Incoming>> for Echo {
    type Response = Response<Page>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Page>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        self.0.lock().unwrap().push(head.clone());
        Box::pin(async move {
            if head.method == Method::CONNECT {
                tokio::spawn(async move {
                    let mut tunnel = TokioIo::new(upgrade.await.unwrap());
                    let mut text = [0; 5];
                    while tunnel.read_exact(&mut text).await.is_ok() {
                        text.make_ascii_uppercase();
                        tunnel.write_all(&text).await.unwrap();
                    }
                });
                return Ok(Response::default());
            }
            let sent = body.collect().await.unwrap().to_bytes();
            let user =
                head.extensions.get().and_then(Identity::user).map_or("nobody", UserId::as_str);
            Ok(Response::new(Full::from(format!("{user}: {}", sent.len()))))
        })
    }
}

/// A client of `layer` around `echo`, over one connection.
async fn connect(layer: &ProxyAuthLayer, echo: &Echo) -> SendRequest<Page> {
    let (near, far) = tokio::io::duplex(64 * 1_024);
    let service: ProxyAuth<Echo> = layer.layer(echo.clone());
    tokio::spawn(
        server::Builder::new(TokioExecutor::new())
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(far), TowerToHyperService::new(service)),
    );
    let (mut sender, connection) =
        client::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap();
    sender
}

/// The headers of the 407 to a request.
async fn challenged(sender: &mut SendRequest<Page>, request: Request<Page>) -> HeaderMap {
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    let headers = response.headers().clone();
    assert_eq!(schemes(&headers), ["Digest", "Digest", "Basic"]);
    let page = text(response).await;
    assert_eq!(headers[header::CONTENT_LENGTH], page.len().to_string());
    headers
}

#[tokio::test]
async fn authenticates_each_request_of_a_connection() {
    let (layer, echo) = (ProxyAuthLayer::new(both()), Echo::default());
    let mut sender = connect(&layer, &echo).await;
    let headers = challenged(&mut sender, request(Method::GET, URL)).await;
    let mut client = Digest::of_headers(&headers);
    let first = client.answer("GET", "/a?b=c");
    let second = client.answer("GET", "/a?b=c");

    let table = [
        ("Basic", Some(RIGHT), 200),
        ("no credentials after some", None, 407),
        ("Digest", Some(first.as_str()), 200),
        ("the same again", Some(first.as_str()), 407),
        ("wrong", Some(WRONG), 407),
        ("the next count", Some(second.as_str()), 200),
    ];
    let mut passed = 0;
    for (name, credentials, status) in table {
        let sent = credentials.map_or_else(|| request(Method::GET, URL), get);
        let response = sender.send_request(sent).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.status(), status, "{name}");
        passed += usize::from(status == 200);
        assert_eq!(echo.calls(), passed, "{name}");
        if status == 200 {
            assert_eq!(text(response).await, "alice: 0", "{name}");
        }
    }
    assert!(!echo.saw_credentials());
}

#[tokio::test]
async fn keeps_concurrent_requests_apart() {
    let (layer, echo) = (ProxyAuthLayer::new(both()), Echo::default());
    let sender = connect(&layer, &echo).await;
    let mut tasks = Vec::new();
    for number in 0..30 {
        let mut sender = sender.clone();
        let (credentials, status) = [(RIGHT, 200), (WRONG, 407)][number % 2];
        tasks.push(tokio::spawn(async move {
            let response = sender.send_request(get(credentials)).await.unwrap();
            assert_eq!(response.status(), status);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(echo.calls(), 15);
    assert!(!echo.saw_credentials());
}

#[tokio::test]
async fn keeps_the_connection_after_an_unread_body() {
    let (layer, echo) = (ProxyAuthLayer::new(both()), Echo::default());
    let mut sender = connect(&layer, &echo).await;
    for _ in 0..3 {
        let mut refused = request(Method::POST, URL);
        // More than the window of a connection, and it stays unread.
        *refused.body_mut() = Full::from(vec![b'x'; 200_000]);
        let response = sender.send_request(refused).await.unwrap();
        assert_eq!(response.status(), 407);
        assert!(!response.headers().contains_key(header::CONNECTION));
        let mut passing = get(RIGHT);
        *passing.method_mut() = Method::POST;
        *passing.body_mut() = Full::from(vec![b'x'; 200_000]);
        let response = sender.send_request(passing).await.unwrap();
        assert_eq!(text(response).await, "alice: 200000");
    }
    assert_eq!(echo.calls(), 3);
}

#[tokio::test]
async fn regression_sends_no_body_to_head() {
    let mut sender = connect(&ProxyAuthLayer::new(both()), &Echo::default()).await;
    let response = sender.send_request(request(Method::HEAD, URL)).await.unwrap();
    assert_eq!(response.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_ne!(response.headers()[header::CONTENT_LENGTH], "0");
    // The length is that for GET; a data frame would be a protocol error.
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn opens_a_tunnel_after_authentication() {
    let (layer, echo) = (ProxyAuthLayer::new(both()), Echo::default());
    let mut sender = connect(&layer, &echo).await;
    let ask = || request(Method::CONNECT, "example.org:443");
    let headers = challenged(&mut sender, ask()).await;
    let mut client = Digest::of_headers(&headers);

    let for_elsewhere = client.answer("CONNECT", "example.com:443");
    let sent = with_credentials(ask(), &for_elsewhere);
    assert_eq!(sender.send_request(sent).await.unwrap().status(), 400);
    assert_eq!(echo.calls(), 0);

    let right = client.answer("CONNECT", "example.org:443");
    for credentials in [right.as_str(), RIGHT] {
        let sent = with_credentials(ask(), credentials);
        tunnel(sender.send_request(sent).await.unwrap()).await;
    }
    assert_eq!(echo.calls(), 2);
    assert!(!echo.saw_credentials());
}

#[tokio::test]
async fn checks_the_path_of_an_extended_connect() {
    let (layer, echo) = (ProxyAuthLayer::new(both()), Echo::default());
    let mut sender = connect(&layer, &echo).await;
    let ask = || {
        let mut ask = request(Method::CONNECT, "https://example.org/chat?room=1");
        ask.extensions_mut().insert(Protocol::from_static("websocket"));
        ask
    };
    let headers = challenged(&mut sender, ask()).await;
    let mut client = Digest::of_headers(&headers);
    for uri in ["example.org:443", "/", "/chat"] {
        let sent = with_credentials(ask(), &client.answer("CONNECT", uri));
        assert_eq!(sender.send_request(sent).await.unwrap().status(), 400, "{uri}");
    }
    assert_eq!(echo.calls(), 0);
    let sent = with_credentials(ask(), &client.answer("CONNECT", "/chat?room=1"));
    tunnel(sender.send_request(sent).await.unwrap()).await;
    let head = echo.0.lock().unwrap().pop().unwrap();
    assert_eq!(head.extensions.get::<Protocol>().unwrap().as_str(), "websocket");
    assert!(!head.headers.contains_key(header::PROXY_AUTHORIZATION));
}

/// Sends bytes through a tunnel in both directions, twice.
async fn tunnel(response: Response<Incoming>) {
    assert_eq!(response.status(), 200);
    let mut tunnel = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    for (sent, expected) in [(b"hello", b"HELLO"), (b"again", b"AGAIN")] {
        tunnel.write_all(sent).await.unwrap();
        let mut received = [0; 5];
        tunnel.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, expected);
    }
}
