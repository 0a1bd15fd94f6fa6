//! What the inner service sees of a request.

use std::{
    convert::Infallible,
    slice,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version, header};
use tower::{Layer, Service, service_fn};
use tower_proxy_auth::{Account, Authenticator, Identity, ProxyAuthLayer, Users};

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
fn credentials_reach_the_inner_service_on_no_request_of_any_version() {
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        for (name, proxy) in Proxy::ready_and_waiting() {
            let digest = proxy.fresh();
            for count in 1..=5 {
                for field in [basic("alice:wonder"), digest.count(count).field()] {
                    let mut request = request(&Method::GET, "http://example.org/", [field]);
                    *request.version_mut() = version;
                    proxy.send(request).passes(name, "alice");
                }
            }
        }
    }
}

#[test]
fn each_request_of_a_connection_is_asked_about_anew() {
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
fn naming_the_field_as_hop_by_hop_changes_nothing() {
    let proxy = Proxy::new();
    let hop_by_hop = (header::CONNECTION, "proxy-authorization");
    let mut without = sent_by("", slice::from_ref(&hop_by_hop));
    without.headers_mut().remove(header::PROXY_AUTHORIZATION);
    proxy.send(without).is("no credentials", 407, "missing-credentials");
    proxy.send(sent_by("alice:wonder", &[hop_by_hop])).passes("with credentials", "alice");
}

#[test]
fn the_client_can_not_have_removed_what_is_added() {
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
fn an_identity_header_of_the_client_s_is_replaced() {
    let proxy = Proxy::new().layer(with_identity_header);
    let table: [&[(HeaderName, &'static str)]; 3] =
        [&[], &[(IDENTITY, "root")], &[(IDENTITY, "root"), (IDENTITY, "alice")]];
    for fields in table {
        let headers = forwarded(&proxy, sent_by("bob:builder", fields));
        assert_eq!(values(&headers, &IDENTITY), ["bob"]);
    }
    // Without the option nothing is added, and a field of any name is the client's own affair.
    let headers = forwarded(&Proxy::new(), sent_by("bob:builder", &[(IDENTITY, "root")]));
    assert_eq!(values(&headers, &IDENTITY), ["root"]);
}

#[test]
fn any_name_can_stand_in_the_identity_header() {
    for (name, encoded) in [
        ("alice", "alice"),
        ("J\u{e4}s\u{f8}n Doe", "J%C3%A4s%C3%B8n%20Doe"),
        ("100%", "100%25"),
        ("a,b;c=\"d\"", "a,b;c=\"d\""),
        ("\u{1f600}", "%F0%9F%98%80"),
    ] {
        let users = Users::new(&realm()).with_user(name, "x").unwrap();
        let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(users));
        let proxy = proxy.layer(with_identity_header);
        let headers = forwarded(&proxy, sent_by(&format!("{name}:x"), &[]));
        assert_eq!(values(&headers, &IDENTITY), [encoded]);
    }
}

#[test]
fn credentials_are_relayed_by_option_alone_and_only_those_that_were_proved() {
    let proxy = Proxy::new().layer(|layer| layer.relay_credentials(true));
    let digest = proxy.fresh();
    for field in [basic("alice:wonder"), digest.field()] {
        let request = request(&Method::GET, "http://example.org/", [field.clone()]);
        let headers = forwarded(&proxy, request);
        assert_eq!(
            headers.get_all(header::PROXY_AUTHORIZATION).iter().collect::<Vec<_>>(),
            [field]
        );
    }
    let wrong = Digest { password: "other".into(), ..digest.count(2) };
    proxy.login(&wrong).is("wrong", 407, "wrong-password");
}

#[test]
fn the_origin_s_credentials_are_none_of_the_proxy_s_business() {
    let proxy = Proxy::new();
    let own = (header::AUTHORIZATION, "Basic b3JpZ2luOnNlY3JldA==");
    let headers = forwarded(&proxy, sent_by("alice:wonder", &[own]));
    assert_eq!(values(&headers, &header::AUTHORIZATION), ["Basic b3JpZ2luOnNlY3JldA=="]);
    let mut without = sent_by("", &[]);
    let credentials = without.headers_mut().remove(header::PROXY_AUTHORIZATION).unwrap();
    without.headers_mut().insert(header::AUTHORIZATION, credentials);
    proxy.send(without).is("in the wrong field", 407, "missing-credentials");
}

#[test]
fn an_identity_that_the_server_attached_before_is_not_believed() {
    let proxy = Proxy::new();
    let account = Account::new("root");
    let mut request = sent_by("alice:wonder", &[]);
    request.extensions_mut().insert(Identity::new(account, "Basic", realm()));
    proxy.send(request).passes("replaced", "alice");
}
