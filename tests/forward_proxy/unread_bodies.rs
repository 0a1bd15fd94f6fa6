//! Refused requests with a body: the body stays unread, and the client can still read the 407.

use std::time::{Duration, Instant};

use crate::{
    BASIC, proxy_of_alice,
    support::{
        origin::Origin,
        wire::{Answer, Wire},
    },
};

const BODY: usize = 4 * 1024 * 1024;

/// An answer that takes less does not wait for the body.
const IMMEDIATE: Duration = Duration::from_secs(1);

#[track_caller]
fn check(answer: &Answer) {
    assert_eq!(answer.status, 407, "{answer:?}");
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert!(answer.text().starts_with("407 Proxy Authentication Required: "), "{answer:?}");
}

#[test]
fn does_not_take_a_body_for_a_request() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/");
    for line in ["X: 1", &format!("Proxy-Authorization: {BASIC}")] {
        let body = format!("GET {url} HTTP/1.1\r\nHost: o\r\n{line}\r\n\r\n");
        for framing in ["Content-Length: ", "Transfer-Encoding: chunked\r\nX: "] {
            let mut wire = Wire::connect(proxy.address());
            let length = body.len();
            let start =
                if framing.starts_with('C') { String::new() } else { format!("{length:x}\r\n") };
            wire.send(format!(
                "POST {url} HTTP/1.1\r\nHost: o\r\n{framing}{length}\r\n\r\n{start}{body}"
            ));
            check(&wire.answer("POST"));
            wire.finish();
            assert_eq!(wire.rest(), b"", "one answer only");
        }
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
fn lets_the_407_be_read_after_the_whole_body() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/length");
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: {BODY}\r\n\r\n"));
    for _ in 0..64 {
        wire.send(vec![b'x'; BODY / 64]);
    }
    check(&wire.answer("POST"));
    assert_eq!(wire.rest(), b"");
    assert_eq!(origin.requests(), 0);
}

#[test]
fn sends_the_407_without_waiting_for_the_body() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    for start in [0, 100 * 1024] {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: {BODY}\r\n\r\n"));
        wire.send(vec![b'x'; start]);
        let asked = Instant::now();
        check(&wire.answer("POST"));
        assert!(asked.elapsed() < IMMEDIATE, "{start}: {:?}", asked.elapsed());
        assert_eq!(wire.rest(), b"");
    }
}

#[test]
fn does_not_ask_for_the_body_of_a_refused_request() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    let wrong = "Proxy-Authorization: Basic YWxpY2U6cmFiYml0";
    for line in ["X: 1", wrong] {
        let mut wire = Wire::connect(proxy.address());
        // A 100 would come before the answer.
        check(&wire.ask(&format!(
            "POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue\n{line}"
        )));
        assert_eq!(wire.rest(), b"");
    }
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!(
        "POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue\nProxy-Authorization: {BASIC}"
    ));
    assert_eq!(answer.status, 100, "asked for after authentication");
    wire.send("hello");
    assert_eq!(wire.answer("POST").text(), "5");
    assert_eq!(origin.requests(), 1);
}
