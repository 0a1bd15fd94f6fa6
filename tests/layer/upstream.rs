//! The client's view of responses from upstream.

use http::{HeaderName, HeaderValue, Method, Request, Response, Version, header};
use http_body_util::Full;

use crate::support::{
    engine::{Body, INFO, Proxy, basic, request},
    layer::{self, Origin, RIGHT, get, send},
};

const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// An inner service that answers with `status`, and with every field of authentication.
fn upstream(status: u16) -> impl Fn(&http::request::Parts) -> Response<Body> {
    move |_| {
        Response::builder()
            .status(status)
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"origin\"")
            .header(header::WWW_AUTHENTICATE, "Digest realm=\"origin\", nonce=\"n\"")
            .header(AUTHENTICATION_INFO, "nextnonce=\"origin\"")
            .header(header::PROXY_AUTHENTICATE, "Basic realm=\"upstream\"")
            .header(header::PROXY_AUTHENTICATE, "Negotiate")
            .header(INFO, "nextnonce=\"upstream\"")
            .header(INFO, "rspauth=\"upstream\"")
            .header("x-other", "kept")
            .body(Full::from("from upstream"))
            .unwrap()
    }
}

#[test]
fn keeps_the_authentication_of_the_origin() {
    let proxy = Proxy::new().inner(upstream(401));
    for credentials in [basic("alice:wonder"), proxy.fresh().field()] {
        let request = Request::get("http://example.org/")
            .header(header::PROXY_AUTHORIZATION, credentials)
            .header(header::AUTHORIZATION, "Basic b3JpZ2luOnNlY3JldA==")
            .header(header::COOKIE, "a=b");
        let answer = proxy.send(request.body(Body::default()).unwrap());
        answer.passes("401", "alice");
        assert_eq!(answer.status, 401);
        let forwarded = &answer.forwarded.as_ref().unwrap().headers;
        assert_eq!(forwarded[header::AUTHORIZATION], "Basic b3JpZ2luOnNlY3JldA==");
        assert_eq!(forwarded[header::COOKIE], "a=b");
        let own = ["Basic realm=\"origin\"", "Digest realm=\"origin\", nonce=\"n\""];
        assert_eq!(answer.fields(header::WWW_AUTHENTICATE), own);
        assert_eq!(answer.fields(AUTHENTICATION_INFO), ["nextnonce=\"origin\""]);
        assert_eq!(answer.text(), "from upstream");
    }
}

#[test]
fn replaces_proxy_authentication_in_every_response() {
    for status in [200, 204, 206, 302, 304, 401, 403, 404, 500, 502, 503] {
        for chained in [false, true] {
            let proxy =
                Proxy::new().inner(upstream(status)).layer(|layer| layer.allow_chaining(chained));
            let digest = proxy.fresh();
            let answer = proxy.login(&digest);
            assert_eq!(answer.status, status);
            assert!(answer.challenges().is_empty(), "{status}");
            let info = format!("rspauth=\"{}\", ", digest.rspauth());
            assert_eq!(answer.fields(INFO).len(), 1, "{status}");
            assert!(answer.fields(INFO)[0].starts_with(&info), "{status}");
            assert_eq!(answer.info("nextnonce"), None, "{status}");
            assert_eq!(answer.fields("x-other"), ["kept"], "{status}");
            let answer = proxy.get(basic("alice:wonder"));
            assert!(answer.challenges().is_empty(), "{status}");
            assert!(!answer.headers.contains_key(INFO), "{status}");
        }
    }
}

#[test]
fn turns_an_upstream_407_into_a_502() {
    let proxy = Proxy::new().inner(upstream(407));
    let digest = proxy.fresh();
    for (credentials, info) in
        [(basic("alice:wonder"), None), (digest.field(), Some(digest.rspauth()))]
    {
        let answer = proxy.get(credentials);
        answer.is("from upstream", 502, "upstream-challenge");
        assert_eq!(answer.info("rspauth"), info);
        let mut names: Vec<_> = answer.headers.keys().map(HeaderName::as_str).collect();
        names.retain(|name| *name != INFO);
        names.sort_unstable();
        let content = ["content-language", "content-length", "content-type"];
        let expected = [&["cache-control"][..], &content, &["x-content-type-options"]].concat();
        assert_eq!(names, expected);
        assert!(answer.text().starts_with("502 Bad Gateway: "), "{answer:?}");
        assert!(!answer.text().contains("from upstream"));
    }
}

#[test]
fn regression_keeps_the_close_of_an_upstream_407() {
    for (sent, expected) in
        [("close", vec!["close"]), ("x-other, Close", vec!["close"]), ("keep-alive", vec![])]
    {
        let proxy = Proxy::new().inner(move |_| {
            let response = Response::builder().status(407).header(header::CONNECTION, sent);
            response.body(Body::default()).unwrap()
        });
        let answer = proxy.get(basic("alice:wonder"));
        answer.is(sent, 502, "upstream-challenge");
        assert_eq!(answer.fields(header::CONNECTION), expected, "{sent}");
        let mut request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
        *request.version_mut() = Version::HTTP_2;
        assert!(proxy.send(request).fields(header::CONNECTION).is_empty(), "{sent} to HTTP/2");
    }
}

#[test]
fn passes_on_a_407_if_chaining_is_allowed() {
    let proxy = Proxy::new().inner(upstream(407)).layer(|layer| layer.allow_chaining(true));
    let digest = proxy.fresh();
    for (credentials, info) in
        [(basic("alice:wonder"), None), (digest.field(), Some(digest.rspauth()))]
    {
        let answer = proxy.get(credentials);
        answer.passes("a 407 of upstream", "alice");
        assert_eq!(answer.status, 407);
        assert_eq!(answer.challenges(), ["Basic realm=\"upstream\"", "Negotiate"]);
        assert_eq!(answer.info("rspauth"), info);
        assert_eq!(answer.info("nextnonce"), None);
        assert_eq!(answer.fields("x-other"), ["kept"]);
        assert_eq!(answer.text(), "from upstream");
    }
    let refused = proxy.get(basic("alice:wrong"));
    refused.is("a 407 of this proxy", 407, "wrong-password");
    assert_eq!(refused.challenges().len(), 3);
}

#[tokio::test]
async fn passes_on_extensions_and_other_fields() {
    #[derive(Clone, Debug, PartialEq)]
    struct Note(u8);

    let origin = Origin::answering(|| {
        let mut response = Response::new(Full::from("noted"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        response.extensions_mut().insert(Note(3));
        response
    });
    let response = send(&layer::layer(), &origin, get(RIGHT)).await;
    assert_eq!(response.extensions().get(), Some(&Note(3)));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public");
}
