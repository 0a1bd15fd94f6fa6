//! Every version of HTTP, plain requests and tunnels.

use bytes::Bytes;
use http::{Method, Request, Version, header};
use http_body_util::Full;
use tower_proxy_auth::{ProxyAuthLayer, Reason};

use crate::support::{
    digest::Digest,
    layer::{Origin, RIGHT, URL, both, get, reason, request, schemes, send, with_credentials},
};

const VERSIONS: [Version; 5] =
    [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3];

/// Targets as each kind of request has them, and what Digest proves of them.
fn targets() -> [(Method, &'static str, &'static str); 6] {
    [
        (Method::GET, "http://example.org/a?b=c", "/a?b=c"),
        (Method::GET, "http://example.org/a?b=c", "http://example.org/a?b=c"),
        (Method::GET, "/a", "/a"),
        (Method::OPTIONS, "*", "*"),
        (Method::CONNECT, "example.org:443", "example.org:443"),
        (Method::CONNECT, "[2001:db8::1]:443", "[2001:db8::1]:443"),
    ]
}

#[tokio::test]
async fn all_versions_and_forms_of_target_are_served() {
    let (layer, origin) = (ProxyAuthLayer::new(both()), Origin::new());
    let mut passed = 0;
    for version in VERSIONS {
        for (method, target, uri) in targets() {
            let sent = |credentials: Option<&str>| {
                let mut sent = request(method.clone(), target);
                *sent.version_mut() = version;
                match credentials {
                    Some(credentials) => with_credentials(sent, credentials),
                    None => sent,
                }
            };
            let name = format!("{version:?} {method} {target}");
            let refused = send(&layer, &origin, sent(None)).await;
            assert_eq!(refused.status(), 407, "{name}");
            assert_eq!(schemes(refused.headers()), ["Digest", "Digest", "Basic"], "{name}");
            let is_told_to_close = refused.headers().contains_key(header::CONNECTION);
            assert_eq!(is_told_to_close, version <= Version::HTTP_10, "{name}");
            assert_eq!(origin.calls(), passed, "{name}");

            let mut client = Digest::of_headers(refused.headers());
            let other = client.answer("POST", uri);
            let response = send(&layer, &origin, sent(Some(&other))).await;
            assert_eq!(reason(&response), Reason::WrongPassword, "{name}");
            let other = client.answer(method.as_str(), "/other");
            let response = send(&layer, &origin, sent(Some(&other))).await;
            assert_eq!(reason(&response), Reason::OtherResource, "{name}");
            assert_eq!(origin.calls(), passed, "{name}");

            let digest = client.answer(method.as_str(), uri);
            for credentials in [digest.as_str(), RIGHT] {
                let response = send(&layer, &origin, sent(Some(credentials))).await;
                assert_eq!(response.status(), 200, "{name}");
                assert_eq!(
                    (origin.head().version, origin.head().method),
                    (version, method.clone())
                );
                passed += 1;
            }
        }
    }
    assert_eq!(origin.calls(), passed);
}

#[tokio::test]
async fn an_extended_connect_proves_its_path() {
    let (layer, origin) = (ProxyAuthLayer::new(both()), Origin::new());
    let target = "https://example.org/chat?room=1";
    let sent = || {
        let mut sent = request(Method::CONNECT, target);
        *sent.version_mut() = Version::HTTP_2;
        sent
    };
    let refused = send(&layer, &origin, sent()).await;
    let mut client = Digest::of_headers(refused.headers());
    for (uri, expected) in
        [("/chat?room=1", true), (target, true), ("example.org:443", false), ("/chat", false)]
    {
        let credentials = client.answer("CONNECT", uri);
        let response = send(&layer, &origin, with_credentials(sent(), &credentials)).await;
        if expected {
            assert_eq!(response.status(), 200, "{uri}");
        } else {
            assert_eq!(reason(&response), Reason::OtherResource, "{uri}");
        }
    }
    assert_eq!(origin.calls(), 2);
}

#[tokio::test]
async fn http_1_is_told_that_the_connection_ends_where_it_does() {
    let with_body = |version, body: &'static str| {
        let mut sent: Request<Full<Bytes>> = get("Basic");
        *sent.version_mut() = version;
        *sent.body_mut() = Full::from(body);
        sent
    };
    let layer = ProxyAuthLayer::new(both());
    for version in VERSIONS {
        for body in ["", "unread"] {
            let response = send(&layer, &Origin::new(), with_body(version, body)).await;
            assert_eq!(response.status(), 407);
            let is_http1 = version <= Version::HTTP_11;
            let closes = version <= Version::HTTP_10 || (is_http1 && !body.is_empty());
            let said = response.headers().get(header::CONNECTION);
            assert_eq!(said.is_some_and(|value| value == "close"), closes, "{version:?} {body}");
            assert_eq!(said.is_some(), closes, "{version:?} {body}");
        }
    }
    // What is forwarded is the inner service's to end, and to answer.
    let mut sent = with_body(Version::HTTP_11, "read by others");
    sent.headers_mut().insert(header::PROXY_AUTHORIZATION, RIGHT.parse().unwrap());
    let response = send(&layer, &Origin::new(), sent).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn a_request_without_host_is_served() {
    let mut sent = with_credentials(request(Method::CONNECT, "example.org:443"), RIGHT);
    *sent.version_mut() = Version::HTTP_10;
    assert!(!sent.headers().contains_key(header::HOST));
    let origin = Origin::new();
    assert_eq!(send(&ProxyAuthLayer::new(both()), &origin, sent).await.status(), 200);
    assert_ne!(origin.head().uri, URL);
    assert_eq!(origin.head().uri, "example.org:443");
}
