//! What comes from upstream: its own authentication is left alone, ours is not its business.

use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use tower_proxy_auth::{
    Authenticator, DigestScheme, ProxyAuthLayer, Reason, Refusal, digest::AuthInfo,
};

use crate::support::{
    digest::Digest,
    layer::{
        INFO, Origin, RIGHT, URL, alice, both, challenges, get, layer, realm, reason, request,
        send, text, users, waiting, with_field,
    },
};

/// An upstream that answers with `status`, and with all fields of authentication there are.
fn talkative(status: u16) -> Origin {
    Origin::answering(move || {
        Response::builder()
            .status(status)
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"origin\"")
            .header(header::WWW_AUTHENTICATE, "Digest realm=\"origin\", nonce=\"n\"")
            .header("authentication-info", "nextnonce=\"m\"")
            .header(header::PROXY_AUTHENTICATE, "Basic realm=\"upstream\"")
            .header(header::PROXY_AUTHENTICATE, "Negotiate")
            .header(INFO, "nextnonce=\"upstream\"")
            .header("x-other", "kept")
            .body(Full::from("upstream's page"))
            .unwrap()
    })
}

#[tokio::test]
async fn the_origins_own_authentication_is_left_alone() {
    let origin = talkative(401);
    let sent = with_field(get(RIGHT), header::AUTHORIZATION, "Basic b3JpZ2luOnNlY3JldA==");
    let sent = with_field(sent, header::COOKIE, "a=b");
    let response = send(&layer(), &origin, sent).await;
    let head = origin.head();
    assert_eq!(head.headers[header::AUTHORIZATION], "Basic b3JpZ2luOnNlY3JldA==");
    assert_eq!(head.headers[header::COOKIE], "a=b");
    assert_eq!(response.status(), 401);
    let headers = response.headers();
    let own: Vec<_> = headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
    assert_eq!(own, ["Basic realm=\"origin\"", "Digest realm=\"origin\", nonce=\"n\""]);
    assert_eq!(headers["authentication-info"], "nextnonce=\"m\"");
    assert!(response.extensions().get::<Refusal>().is_none());
    assert_eq!(text(response).await, "upstream's page");
}

#[tokio::test]
async fn credentials_for_the_origin_are_none_for_the_proxy() {
    let origin = Origin::new();
    let sent = with_field(request(Method::GET, URL), header::AUTHORIZATION, RIGHT);
    let response = send(&layer(), &origin, sent).await;
    assert_eq!(response.status(), 407);
    assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(origin.calls(), 0);
}

#[tokio::test]
async fn what_only_this_proxy_says_is_removed_from_every_response() {
    let (waits, answers) = waiting();
    for status in [200, 302, 401, 500] {
        answers.send(Ok(alice())).unwrap();
        for layer in [layer(), waits.clone()] {
            let response = send(&layer, &talkative(status), get(RIGHT)).await;
            assert_eq!(response.status(), status);
            let headers = response.headers();
            assert!(!headers.contains_key(header::PROXY_AUTHENTICATE));
            assert!(!headers.contains_key(INFO));
            assert_eq!(headers["x-other"], "kept");
        }
    }
}

/// Sends one right Digest request through `layer`.
async fn digest(
    layer: &ProxyAuthLayer,
    origin: &Origin,
) -> Response<crate::support::layer::Outgoing> {
    let refused = send(layer, &Origin::new(), request(Method::GET, URL)).await;
    let credentials = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    send(layer, origin, get(&credentials)).await
}

#[tokio::test]
async fn our_info_stands_in_the_place_of_upstreams() {
    for origin in [Origin::new(), talkative(200), talkative(407)] {
        let response = digest(&ProxyAuthLayer::new(both()), &origin).await;
        let infos: Vec<_> = response.headers().get_all(INFO).iter().collect();
        assert_eq!(infos.len(), 1);
        let info = infos[0].to_str().unwrap();
        assert!(info.starts_with("rspauth=\""), "{info}");
        assert!(info.ends_with(", nc=00000001, qop=auth"), "{info}");
    }
}

#[tokio::test]
async fn no_info_is_said_where_it_is_off_or_not_due() {
    for info in [AuthInfo::Off, AuthInfo::NextNonce] {
        let scheme = DigestScheme::builder(users()).with_auth_info(info).build().unwrap();
        let auth = Authenticator::builder(realm()).with_scheme(scheme).build().unwrap();
        let response = digest(&ProxyAuthLayer::new(auth), &talkative(200)).await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key(INFO), "{info:?}");
    }
}

#[tokio::test]
async fn a_407_from_upstream_becomes_a_502_without_a_trace_of_it() {
    let (waits, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    for layer in [layer(), waits] {
        let origin = talkative(407);
        let response = send(&layer, &origin, get(RIGHT)).await;
        assert_eq!(origin.calls(), 1);
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        let headers = response.headers().clone();
        let mut names: Vec<_> = headers.keys().map(header::HeaderName::as_str).collect();
        names.sort_unstable();
        let expected =
            ["cache-control", "content-length", "content-type", "x-content-type-options"];
        assert_eq!(names, expected);
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(reason(&response), Reason::UpstreamChallenge);
        let page = text(response).await;
        assert_eq!(headers[header::CONTENT_LENGTH], page.len().to_string());
        assert!(page.starts_with("Bad Gateway\n"), "{page}");
        assert!(!page.contains("upstream's"));
    }
}

#[tokio::test]
async fn regression_the_502_for_a_407_from_upstream_ends_the_connection_where_that_did() {
    for (said, expected) in [("close", Some("close")), ("x-other, Close", Some("close"))]
        .into_iter()
        .chain([("keep-alive", None)])
    {
        let upstream = Origin::answering(move || {
            let response = Response::builder().status(407).header(header::CONNECTION, said);
            response.body(Full::default()).unwrap()
        });
        let response = send(&layer(), &upstream, get(RIGHT)).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        let connection = response.headers().get(header::CONNECTION);
        assert_eq!(connection.map(|value| value.to_str().unwrap()), expected, "{said}");
    }
}

#[tokio::test]
async fn a_407_from_upstream_reaches_the_client_where_chaining_is_on() {
    let layer = layer().allow_chaining(true);
    let response = send(&layer, &talkative(407), get(RIGHT)).await;
    assert_eq!(response.status(), 407);
    assert_eq!(challenges(response.headers()), ["Basic realm=\"upstream\"", "Negotiate"]);
    assert!(!response.headers().contains_key(INFO));
    assert_eq!(response.headers()["x-other"], "kept");
    assert!(response.extensions().get::<Refusal>().is_none());
    assert_eq!(text(response).await, "upstream's page");
    // Only what belongs to a 407 passes.
    let response = send(&layer, &talkative(200), get(RIGHT)).await;
    assert!(challenges(response.headers()).is_empty());
    // Our own 407 has our own challenge.
    let response = send(&layer, &talkative(407), get("Basic")).await;
    assert_eq!(challenges(response.headers()), ["Basic realm=\"proxy\", charset=\"UTF-8\""]);
}

#[tokio::test]
async fn extensions_of_the_response_pass() {
    #[derive(Clone, Debug, PartialEq)]
    struct Note(u8);

    let origin = Origin::answering(|| {
        let mut response = Response::new(Full::from("noted"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        response.extensions_mut().insert(Note(3));
        response
    });
    let response = send(&layer(), &origin, get(RIGHT)).await;
    assert_eq!(response.extensions().get(), Some(&Note(3)));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public");
}
