//! Every version of HTTP and form of target.

use http::{Method, Version, header};
use tower_proxy_auth::{ProxyAuthLayer, Reason};

use crate::support::{
    digest::Digest,
    layer::{Origin, RIGHT, both, reason, request, schemes, send, with_credentials},
};

const VERSIONS: [Version; 5] =
    [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3];

/// Targets of each kind of request, and a `uri` for Digest.
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
async fn serves_every_version_and_form_of_target() {
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
            let closes = refused.headers().contains_key(header::CONNECTION);
            assert_eq!(closes, version <= Version::HTTP_10, "{name}");
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
