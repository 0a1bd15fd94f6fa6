//! Decisions that depend on the rest of the request.

use std::slice;

use http::{HeaderValue, Method, Request, Version, header};
use tower_proxy_auth::{Authenticator, RequestHead};

use crate::support::engine::{Body, Proxy, basic, field, realm, request, users};

#[test]
fn refuses_several_fields_with_any_content() {
    let right = || basic("alice:wonder");
    let proxy = Proxy::new();
    let table = [
        ("right and wrong", vec![right(), basic("alice:other")]),
        ("wrong and right", vec![basic("alice:other"), right()]),
        ("the same twice", vec![right(), right()]),
        ("Digest and Basic", vec![proxy.fresh().field(), right()]),
        ("right and empty", vec![right(), field("")]),
        ("three", vec![right(), right(), right()]),
    ];
    for (name, fields) in table {
        let answer = proxy.send(request(&Method::GET, "http://example.org/", fields));
        answer.is(name, 400, "several-fields");
    }
}

#[test]
fn never_treats_credentials_as_anonymous() {
    let builder = Authenticator::builder(realm()).with_digest(users()).with_basic(users());
    let proxy = Proxy::of(builder.with_anonymous(true));
    let table = [
        ("wrong password", basic("alice:other"), 407),
        ("unknown user", basic("carol:wonder"), 407),
        ("undecodable", field("Basic ="), 407),
        ("another scheme", field("Bearer x"), 407),
        ("empty", field(""), 400),
        ("malformed", field("Digest x="), 400),
        ("incomplete", field("Digest"), 400),
        ("too long", field("x".repeat(20_000)), 431),
    ];
    for (name, sent, status) in table {
        assert_eq!(proxy.get(sent).status, status, "{name}");
    }
    let two = [basic("alice:wonder"), basic("alice:wonder")];
    let answer = proxy.send(request(&Method::GET, "http://example.org/", two));
    answer.is("two fields", 400, "several-fields");
    proxy.get(basic("alice:wonder")).passes("the right ones", "alice");

    let answer = proxy.send(request(&Method::GET, "http://example.org/", []));
    assert!(answer.identity().unwrap().is_anonymous());
    assert_eq!((answer.status, answer.user()), (200, None));
}

#[test]
fn allows_anonymous_requests_by_their_head() {
    let is_open = |head: &RequestHead<'_>| head.target().host() == Some("open.example");
    let builder = || {
        let builder = Authenticator::builder(realm()).with_digest(users()).with_basic(users());
        builder.with_anonymous_for(is_open)
    };
    let send = |proxy: &Proxy, target: &str, fields: &[HeaderValue]| {
        proxy.send(request(&Method::GET, target, fields.to_vec()))
    };
    let (open, closed) = ("http://open.example/", "http://example.org/");
    for proxy in [Proxy::of(builder()), Proxy::of(builder().with_anonymous(false))] {
        assert!(send(&proxy, open, &[]).identity().unwrap().is_anonymous());
        send(&proxy, closed, &[]).is("no credentials", 407, "missing-credentials");
        for target in [open, closed] {
            let right = basic("alice:wonder");
            send(&proxy, target, slice::from_ref(&right)).passes("the right ones", "alice");
            for (name, fields, status, reason) in [
                ("wrong password", vec![basic("alice:other")], 407, "wrong-password"),
                ("undecodable", vec![field("Basic =")], 407, "undecodable"),
                ("another scheme", vec![field("Bearer x")], 407, "scheme-not-offered"),
                ("malformed", vec![field("Digest x=")], 400, "malformed"),
                ("two fields", vec![right.clone(), right.clone()], 400, "several-fields"),
            ] {
                send(&proxy, target, &fields).is(name, status, reason);
            }
        }
    }
    let everywhere = Proxy::of(builder().with_anonymous(true));
    assert!(send(&everywhere, closed, &[]).identity().unwrap().is_anonymous());
}

#[test]
fn closes_an_http_1_connection_with_an_unread_body() {
    let proxy = Proxy::new();
    let smuggled = "GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n";
    let closing = vec!["close"];
    let table = [
        (Version::HTTP_10, smuggled, closing.clone()),
        (Version::HTTP_11, smuggled, closing.clone()),
        (Version::HTTP_2, smuggled, vec![]),
        (Version::HTTP_3, smuggled, vec![]),
        // HTTP/1.0 closes unless the client asks to keep the connection.
        (Version::HTTP_09, "", closing.clone()),
        (Version::HTTP_10, "", closing),
        (Version::HTTP_11, "", vec![]),
        (Version::HTTP_2, "", vec![]),
    ];
    for (version, body, expected) in table {
        for (sent, status) in [(None, 407), (Some(field("Digest")), 400)] {
            let mut post = Request::post("http://example.org/").version(version);
            if let Some(sent) = sent {
                post = post.header(header::PROXY_AUTHORIZATION, sent);
            }
            let answer = proxy.send(post.body(Body::from(body)).unwrap());
            assert_eq!(answer.status, status);
            assert_eq!(answer.fields(header::CONNECTION), expected, "{version:?} {body:?}");
        }
    }
}

#[test]
fn keeps_the_connection_of_a_forwarded_request() {
    let proxy = Proxy::new();
    let post = Request::post("http://example.org/")
        .header(header::PROXY_AUTHORIZATION, basic("alice:wonder"))
        .body(Body::from("a body that the inner service reads"));
    let answer = proxy.send(post.unwrap());
    answer.passes("a POST", "alice");
    assert!(answer.fields(header::CONNECTION).is_empty());
}
