//! Options that concern the head of a request.

use std::net::{IpAddr, SocketAddr};

use axum::{Router, extract::ConnectInfo};
use http::{Method, Response, Uri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, ServiceExt};
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer, Reason, RequestHead,
    authenticator::AuthenticatorBuilder,
    clock::{Clock, Timestamp},
};

use crate::support::{
    digest::Digest,
    layer::{Origin, URL, both, challenges, get, realm, reason, request, send, users},
};

fn options() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_basic(users())
}

/// Whether a request from `peer` passes without credentials.
async fn passes(layer: &ProxyAuthLayer, peer: Option<&str>) -> bool {
    let mut sent = request(Method::GET, URL);
    if let Some(peer) = peer {
        sent.extensions_mut().insert(peer.parse::<SocketAddr>().unwrap());
    }
    send(layer, &Origin::new(), sent).await.status() == 200
}

fn trusting_a_network() -> Authenticator {
    let trusted = |head: &RequestHead<'_>| match head.peer() {
        Some(IpAddr::V4(peer)) => peer.octets().starts_with(&[192, 0, 2]),
        _ => false,
    };
    options().with_bypass(trusted).build().unwrap()
}

#[tokio::test]
async fn takes_the_peer_address_from_the_extensions() {
    let layer = ProxyAuthLayer::new(trusting_a_network());
    assert!(passes(&layer, Some("192.0.2.7:4711")).await);
    assert!(passes(&layer, Some("[::ffff:192.0.2.7]:4711")).await, "a listener for IPv4 and IPv6");
    assert!(!passes(&layer, Some("198.51.100.7:4711")).await);
    assert!(!passes(&layer, Some("[::ffff:198.51.100.7]:4711")).await);
    assert!(!passes(&layer, None).await);
}

#[tokio::test]
async fn takes_the_peer_address_from_a_function() {
    let layer = ProxyAuthLayer::new(trusting_a_network()).with_peer_address(|head| {
        // For example from a proxy protocol.
        let address = head.extensions().get::<SocketAddr>()?;
        (address.port() == 1).then_some(IpAddr::from([192, 0, 2, 1]))
    });
    assert!(passes(&layer, Some("198.51.100.7:1")).await);
    assert!(!passes(&layer, Some("192.0.2.7:2")).await);
}

/// The status of a request without credentials to an axum server.
async fn status_of_axum(layer: ProxyAuthLayer) -> String {
    let router = Router::new().fallback(async || "forwarded").layer(layer);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = "GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    server.abort();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn bypasses_by_the_address_that_axum_stores() {
    let trusting = |trusted: [u8; 4]| {
        let is_trusted = move |head: &RequestHead<'_>| head.peer() == Some(trusted.into());
        ProxyAuthLayer::new(options().with_bypass(is_trusted).build().unwrap())
    };
    let from_axum = |layer: ProxyAuthLayer| {
        layer.with_peer_address(|head| {
            head.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
        })
    };
    for (name, layer, status) in [
        ("the address of the client", from_axum(trusting([127, 0, 0, 1])), "200"),
        ("another address", from_axum(trusting([192, 0, 2, 1])), "407"),
        ("an unknown address", trusting([127, 0, 0, 1]), "407"),
    ] {
        assert_eq!(status_of_axum(layer).await, status, "{name}");
    }
}

#[tokio::test]
async fn checks_the_target_from_before_a_router() {
    #[derive(Clone)]
    struct Original(Uri);

    let plain = ProxyAuthLayer::new(both());
    let layer = plain
        .clone()
        .with_request_target(|head| head.extensions().get().map(|Original(target)| target.clone()));
    let origin = Origin::new();
    let refused = send(&layer, &origin, request(Method::GET, "/a")).await;
    let mut client = Digest::of_headers(refused.headers());
    let mut routed = |target: &str, original: Option<&str>, uri: &str| {
        let mut sent = request(Method::GET, target);
        if let Some(original) = original {
            sent.extensions_mut().insert(Original(original.parse().unwrap()));
        }
        crate::support::layer::with_credentials(sent, &client.answer("GET", uri))
    };
    let sent = routed("/a", Some("/api/a"), "/api/a");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    // The inner service sees the target that the router made.
    assert_eq!(origin.head().uri, "/a");
    let sent = routed("/a", Some("/api/a"), "/a");
    assert_eq!(reason(&send(&layer, &origin, sent).await), Reason::OtherResource);
    let sent = routed("/a", None, "/a");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    let sent = routed("/a", Some("/api/a"), "/api/a");
    assert_eq!(reason(&send(&plain, &origin, sent).await), Reason::OtherResource);
}

#[tokio::test]
async fn counts_stale_responses_per_peer() {
    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(1_700_000_000_000_000)
        }
    }

    let auth = Authenticator::builder(realm())
        .with_digest(users())
        .with_max_consecutive_stale(2)
        .with_clock(Still)
        .build()
        .unwrap();
    let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let mut client = Digest::of_headers(refused.headers());
    let used = client.answer("GET", "/a?b=c");
    assert_eq!(send(&layer, &origin, get(&used)).await.status(), 200);
    // Another spelling makes another field of the same credentials.
    let repeat = |blanks: usize| get(&used.replacen(", ", &format!(",{}", " ".repeat(blanks)), 1));
    let mut stale = Vec::new();
    for blanks in 2..6 {
        let response = send(&layer, &origin, repeat(blanks)).await;
        assert_eq!(reason(&response), Reason::NonceReplayed);
        stale.push(challenges(response.headers())[0].ends_with("stale=true"));
    }
    assert_eq!(stale, [true, true, false, false]);
    // Another address has its own count, and a success resets this one.
    let is_stale =
        |response: &Response<_>| challenges(response.headers())[0].ends_with("stale=true");
    let mut elsewhere = repeat(6);
    elsewhere.extensions_mut().insert("192.0.2.7:1".parse::<SocketAddr>().unwrap());
    assert!(is_stale(&send(&layer, &origin, elsewhere).await));
    assert_eq!(send(&layer, &origin, get(&client.answer("GET", "/a?b=c"))).await.status(), 200);
    assert!(is_stale(&send(&layer, &origin, repeat(7)).await));
}

#[tokio::test]
async fn does_not_share_options_with_clones() {
    let first = ProxyAuthLayer::new(trusting_a_network());
    let service = first.layer(Origin::new());
    let second = first.clone().with_peer_address(|_| Some(IpAddr::from([192, 0, 2, 1])));
    assert!(passes(&second, None).await);
    assert!(!passes(&first, None).await);
    let response = service.oneshot(request(Method::GET, URL)).await.unwrap();
    assert_eq!(response.status(), 407);
}
