//! Requests with a body that are refused: nobody reads the body, and yet the 407 gets through.

use std::time::{Duration, Instant};

use crate::{
    BASIC, proxy_of_alice,
    support::{
        origin::Origin,
        wire::{Answer, Wire},
    },
};

const BODY: usize = 4 * 1024 * 1024;

/// How soon an answer counts as given at once.
const AT_ONCE: Duration = Duration::from_secs(1);

#[track_caller]
fn check(answer: &Answer) {
    assert_eq!(answer.status, 407, "{answer:?}");
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert!(answer.text().starts_with("Proxy Authentication Required"), "{answer:?}");
}

#[test]
fn a_body_that_looks_like_a_request_is_not_taken_for_one() {
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
            assert_eq!(wire.rest(), b"", "one answer, and no more");
        }
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
fn the_407_can_be_read_by_a_client_that_sends_its_whole_body_first() {
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
fn the_407_does_not_wait_for_the_body() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    for start in [0, 100 * 1024] {
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!("POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: {BODY}\r\n\r\n"));
        wire.send(vec![b'x'; start]);
        let asked = Instant::now();
        check(&wire.answer("POST"));
        assert!(asked.elapsed() < AT_ONCE, "{start}: {:?}", asked.elapsed());
        assert_eq!(wire.rest(), b"");
    }
}

#[test]
fn the_body_is_not_asked_for() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let url = origin.url("/length");
    let wrong = "Proxy-Authorization: Basic YWxpY2U6cmFiYml0";
    for line in ["X: 1", wrong] {
        let mut wire = Wire::connect(proxy.address());
        // The answer comes right away: a 100 would be an answer of its own.
        check(&wire.ask(&format!(
            "POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue\n{line}"
        )));
        assert_eq!(wire.rest(), b"");
    }
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!(
        "POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue\nProxy-Authorization: {BASIC}"
    ));
    assert_eq!(answer.status, 100, "who has logged in is asked");
    wire.send("hello");
    assert_eq!(wire.answer("POST").text(), "5");
    assert_eq!(origin.requests(), 1);
}
