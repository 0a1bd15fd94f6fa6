//! What the client sees of a response that comes from upstream.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, UserId};

use crate::support::engine::{Body, INFO, Proxy, basic, now, realm, request, users};

const OWN_FIELDS: [(HeaderName, &str); 2] =
    [(header::PROXY_AUTHENTICATE, "Basic realm=\"upstream\""), (INFO, "nextnonce=\"upstream\"")];

fn upstream(status: u16) -> impl Fn(&http::request::Parts) -> Response<Body> {
    move |_| {
        let mut response = Response::new(Full::from("from upstream"));
        *response.status_mut() = status.try_into().unwrap();
        for (name, value) in OWN_FIELDS {
            response.headers_mut().append(&name, HeaderValue::from_static(value));
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let challenge = HeaderValue::from_static("Basic realm=\"origin\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        let info = HeaderValue::from_static("nextnonce=\"origin\"");
        response.headers_mut().insert("authentication-info", info);
        response
    }
}

#[test]
fn a_407_from_upstream_becomes_a_502() {
    let proxy = Proxy::new().inner(upstream(407));
    for field in [basic("alice:wonder"), proxy.fresh().field()] {
        let answer = proxy.get(field);
        answer.is("from upstream", 502, "upstream-challenge");
        assert!(answer.challenges().is_empty());
        assert!(!format!("{:?}", answer.headers).contains("upstream"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("upstream"));
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::CONTENT_LENGTH], answer.body.len().to_string());
    }
}

#[test]
fn a_407_from_upstream_is_passed_on_where_proxies_are_chained() {
    let proxy = Proxy::new().inner(upstream(407)).layer(|layer| layer.allow_chaining(true));
    let digest = proxy.fresh();
    let answer = proxy.login(&digest);
    assert_eq!(answer.status, 407);
    assert_eq!(answer.challenges(), ["Basic realm=\"upstream\"", "Basic realm=\"upstream\""]);
    assert_eq!(answer.info("rspauth"), Some(digest.rspauth()));
    assert_eq!(answer.info("nextnonce"), None, "ours only");
    assert_eq!(answer.body, "from upstream");
    let answer = proxy.get(basic("alice:wonder"));
    assert_eq!(answer.challenges().len(), 2);
    assert!(!answer.headers.contains_key(INFO), "Basic has none");
}

#[test]
fn the_authentication_fields_of_upstream_are_removed_from_every_answer() {
    for status in [200, 204, 304, 401, 403, 404, 500, 502, 503] {
        for chained in [false, true] {
            let proxy = Proxy::new().inner(upstream(status));
            let proxy =
                if chained { proxy.layer(|layer| layer.allow_chaining(true)) } else { proxy };
            let digest = proxy.fresh();
            let answer = proxy.login(&digest);
            assert_eq!(answer.status, status);
            assert!(answer.challenges().is_empty(), "{status}");
            assert_eq!(answer.fields(INFO).len(), 1, "{status}");
            assert_eq!(answer.info("rspauth"), Some(digest.rspauth()), "{status}");
            assert_eq!(answer.info("nextnonce"), None, "{status}");
            let basic = proxy.get(basic("alice:wonder"));
            assert!(!basic.headers.contains_key(INFO), "{status}");
        }
    }
}

#[test]
fn what_the_origin_says_of_itself_is_never_touched() {
    let proxy = Proxy::new().inner(upstream(401));
    let answer = proxy.login(&proxy.fresh());
    assert_eq!(answer.fields(header::WWW_AUTHENTICATE), ["Basic realm=\"origin\""]);
    assert_eq!(answer.fields("authentication-info"), ["nextnonce=\"origin\""]);
    assert_eq!(answer.body, "from upstream");
}

#[test]
fn trailers_lose_the_authentication_fields_too() {
    let inner = service_fn(|_: Request<Body>| async {
        let mut trailers = HeaderMap::from_iter(
            OWN_FIELDS.map(|(name, value)| (name, HeaderValue::from_static(value))),
        );
        trailers.insert("x-checksum", HeaderValue::from_static("0"));
        let body = Full::<Bytes>::from("body").with_trailers(async { Some(Ok(trailers)) });
        Ok::<_, Infallible>(Response::new(body))
    });
    let auth = Authenticator::builder(realm()).with_basic(users()).build().unwrap();
    let service = ProxyAuthLayer::new(auth).layer(inner);
    let request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
    let response = now(service.oneshot(request)).unwrap();
    let body = now(response.into_body().collect()).unwrap();
    let trailers = body.trailers().unwrap();
    assert_eq!(trailers.keys().collect::<Vec<_>>(), ["x-checksum"]);
    assert_eq!(body.to_bytes(), "body");
}

#[test]
fn the_identity_goes_out_with_the_response_by_option_alone() {
    let status = |layer: ProxyAuthLayer| {
        let inner = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::default()))
        });
        let request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
        let response = now(layer.layer(inner).oneshot(request)).unwrap();
        let identity = response.extensions().get::<Identity>();
        identity.and_then(|identity| identity.user().map(UserId::to_string))
    };
    let auth = Authenticator::builder(realm()).with_basic(users()).build().unwrap();
    let layer = ProxyAuthLayer::new(auth);
    assert_eq!(status(layer.clone()), None);
    assert_eq!(status(layer.with_identity_in_response(true)).as_deref(), Some("alice"));
}
