//! The request that the inner service sees.

use std::{
    convert::Infallible,
    slice,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version, header};
use tower::{Layer, Service, service_fn};
use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, Identity, ProxyAuthLayer, Verdict, backend::from_fn,
};

use crate::support::{
    digest::Digest,
    engine::{Body, Proxy, basic, now, realm, request, users},
};

const IDENTITY: HeaderName = HeaderName::from_static("x-user");

fn with_identity_header(layer: ProxyAuthLayer) -> ProxyAuthLayer {
    layer.with_identity_header(IDENTITY).unwrap()
}

fn sent_by(user_pass: &str, fields: &[(HeaderName, &'static str)]) -> Request<Body> {
    let mut request = request(&Method::GET, "http://example.org/", [basic(user_pass)]);
    for (name, value) in fields {
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    request
}

#[track_caller]
fn forwarded(proxy: &Proxy, request: Request<Body>) -> HeaderMap {
    let answer = proxy.send(request);
    answer.forwarded.unwrap_or_else(|| panic!("refused: {:?}", answer.refused)).headers
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[test]
fn removes_credentials_in_every_version() {
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        let proxy = Proxy::new();
        let digest = proxy.fresh();
        for count in 1..=5 {
            for field in [basic("alice:wonder"), digest.count(count).field()] {
                let mut request = request(&Method::GET, "http://example.org/", [field]);
                *request.version_mut() = version;
                proxy.send(request).passes(&format!("{version:?}"), "alice");
            }
        }
    }
}

#[test]
fn authenticates_each_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let recording = Arc::clone(&seen);
    let inner = service_fn(move |request: Request<Body>| {
        let user = request.extensions().get::<Identity>().and_then(Identity::user);
        recording.lock().unwrap().push(user.unwrap().to_string());
        assert!(!request.headers().contains_key(header::PROXY_AUTHORIZATION));
        async { Ok::<_, Infallible>(Response::new(Body::default())) }
    });
    let auth = Authenticator::builder(realm()).with_digest(users()).with_basic(users());
    let mut service = ProxyAuthLayer::new(auth.build().unwrap()).layer(inner);
    let mut ask = |fields: Vec<HeaderValue>| {
        let request = request(&Method::GET, "http://example.org/", fields);
        now(service.call(request)).unwrap().status().as_u16()
    };
    for (fields, status) in [
        (vec![], 407),
        (vec![basic("alice:wonder")], 200),
        (vec![], 407),
        (vec![basic("bob:builder")], 200),
        (vec![basic("bob:wonder")], 407),
        (vec![basic("alice:wonder")], 200),
        (vec![], 407),
    ] {
        assert_eq!(ask(fields), status);
    }
    assert_eq!(*seen.lock().unwrap(), ["alice", "bob", "alice"]);
}

#[test]
fn ignores_the_field_in_connection() {
    let proxy = Proxy::new();
    let hop_by_hop = (header::CONNECTION, "proxy-authorization");
    let mut without = sent_by("", slice::from_ref(&hop_by_hop));
    without.headers_mut().remove(header::PROXY_AUTHORIZATION);
    proxy.send(without).is("no credentials", 407, "missing-credentials");
    proxy.send(sent_by("alice:wonder", &[hop_by_hop])).passes("with credentials", "alice");
}

#[test]
fn keeps_added_fields_out_of_connection() {
    let proxy =
        Proxy::new().layer(with_identity_header).layer(|layer| layer.relay_credentials(true));
    for (sent, left) in [
        ("x-user", ""),
        ("X-User, proxy-authorization", ""),
        ("close, x-user", "close"),
        ("Proxy-Authorization , keep-alive", " keep-alive"),
        ("keep-alive", "keep-alive"),
    ] {
        let headers = forwarded(&proxy, sent_by("alice:wonder", &[(header::CONNECTION, sent)]));
        assert_eq!(values(&headers, &IDENTITY), ["alice"]);
        assert_eq!(headers[header::PROXY_AUTHORIZATION], basic("alice:wonder"));
        assert_eq!(values(&headers, &header::CONNECTION), [left], "{sent}");
    }
}

#[test]
fn replaces_the_identity_header_of_the_client() {
    let proxy = Proxy::new().layer(with_identity_header);
    let table: [&[(HeaderName, &'static str)]; 3] =
        [&[], &[(IDENTITY, "root")], &[(IDENTITY, "root"), (IDENTITY, "alice")]];
    for fields in table {
        let headers = forwarded(&proxy, sent_by("bob:builder", fields));
        assert_eq!(values(&headers, &IDENTITY), ["bob"]);
    }
    // Without the option, fields of the client pass unchanged.
    let headers = forwarded(&Proxy::new(), sent_by("bob:builder", &[(IDENTITY, "root")]));
    assert_eq!(values(&headers, &IDENTITY), ["root"]);
}

#[test]
fn encodes_any_name_in_the_identity_header() {
    for (name, encoded) in [
        ("alice", "alice"),
        ("J\u{e4}s\u{f8}n Doe", "J%C3%A4s%C3%B8n%20Doe"),
        ("100%", "100%25"),
        ("a,b;c=\"d\"", "a,b;c=\"d\""),
        ("\u{1f600}", "%F0%9F%98%80"),
        ("a\r\nx-admin: yes", "a%0D%0Ax-admin:%20yes"),
    ] {
        let account = Account::new(name);
        let named = from_fn(move |_: &BasicCredentials<'_>| Verdict::Accepted(account.clone()));
        let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(named));
        let proxy = proxy.layer(with_identity_header);
        let headers = forwarded(&proxy, sent_by("alice:wonder", &[]));
        assert_eq!(values(&headers, &IDENTITY), [encoded]);
    }
}

#[test]
fn relays_credentials_by_option_once_proved() {
    let proxy = Proxy::new().layer(|layer| layer.relay_credentials(true));
    let digest = proxy.fresh();
    for field in [basic("alice:wonder"), digest.field()] {
        let request = request(&Method::GET, "http://example.org/", [field.clone()]);
        let headers = forwarded(&proxy, request);
        let relayed: Vec<_> = headers.get_all(header::PROXY_AUTHORIZATION).iter().collect();
        assert_eq!(relayed, [&field]);
        assert!(relayed[0].is_sensitive());
    }
    let wrong = Digest { password: "other".into(), ..digest.count(2) };
    proxy.login(&wrong).is("wrong", 407, "wrong-password");
}

#[test]
fn does_not_take_credentials_for_the_origin() {
    let proxy = Proxy::new();
    let own = (header::AUTHORIZATION, "Basic b3JpZ2luOnNlY3JldA==");
    let headers = forwarded(&proxy, sent_by("alice:wonder", &[own]));
    assert_eq!(values(&headers, &header::AUTHORIZATION), ["Basic b3JpZ2luOnNlY3JldA=="]);
    let mut without = sent_by("", &[]);
    let credentials = without.headers_mut().remove(header::PROXY_AUTHORIZATION).unwrap();
    without.headers_mut().insert(header::AUTHORIZATION, credentials);
    proxy.send(without).is("in the wrong field", 407, "missing-credentials");
}
