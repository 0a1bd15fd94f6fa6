//! The proxy's own answers, apart from authentication.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use crate::{
    open_proxy, proxy_of_alice,
    support::{
        origin::{Origin, closed_port},
        wire::{Answer, Wire},
    },
};

#[track_caller]
fn check(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.text();
    assert!(body.contains(text), "{text:?} is missing in {body:?}");
    assert_eq!(body.lines().count(), 1, "{body:?}");
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.field(name).as_deref(), Some(value), "{name}");
    }
}

/// An origin that answers every request with `bytes` and closes.
fn origin_sending(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(bytes).unwrap();
        }
    });
    address
}

#[test]
fn refuses_requests_that_are_not_for_a_proxy() {
    let proxy = open_proxy();
    for (head, text) in [
        ("GET / HTTP/1.1\nHost: proxy", "absolute http:// target"),
        ("GET https://o.example/ HTTP/1.1\nHost: o", "use CONNECT"),
        ("GET ftp://o.example/ HTTP/1.1\nHost: o", "only http://"),
        ("GET http://o.example:0/ HTTP/1.1\nHost: o", "port"),
        ("GET http://o.example/ HTTP/1.1\nHost: o\nHost: p", "more than one Host"),
        ("CONNECT o.example HTTP/1.1\nHost: o", "port"),
        ("CONNECT o.example:0 HTTP/1.1\nHost: o", "port"),
        ("CONNECT me@o.example:443 HTTP/1.1\nHost: o", "host:port"),
        ("CONNECT http://o.example:443/ HTTP/1.1\nHost: o", "host:port"),
        ("OPTIONS http://o.example/ HTTP/1.1\nHost: o\nMax-Forwards: x", "Max-Forwards"),
    ] {
        let mut wire = Wire::connect(proxy.address());
        check(&wire.ask(head), 400, text);
        // The connection stays usable.
        check(&wire.ask(head), 400, text);
    }
    // These are not valid requests: hyper answers without a body and closes.
    for head in [
        "CONNECT o.example:99999 HTTP/1.1\nHost: o",
        "CONNECT o.example:x HTTP/1.1\nHost: o",
        "CONNECT :443 HTTP/1.1\nHost: o",
        "GET http:// HTTP/1.1\nHost: o",
        "GET http://o.example/ HTTP/1.1\nno field",
    ] {
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.ask(head).status, 400, "{head}");
    }
}

#[test]
fn refuses_credentials_on_a_folded_line() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let head = format!("GET {} HTTP/1.1\nHost: o\nProxy-Authorization: Basic", origin.url("/"));
    for folded in [" \n YWxpY2U6d29uZGVy", "\n YWxpY2U6d29uZGVy", "\n\tYWxpY2U6d29uZGVy"] {
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.ask(&format!("{head}{folded}")).status, 400, "{folded:?}");
    }
    assert_eq!(origin.requests(), 0);
    let unfolded = format!("{head} YWxpY2U6d29uZGVy");
    assert_eq!(Wire::connect(proxy.address()).ask(&unfolded).status, 200);
}

#[test]
fn repeats_nothing_that_the_client_sent() {
    let proxy = open_proxy();
    for head in [
        "GET /MARK HTTP/1.1\nHost: MARK\nX: MARK",
        "GET http://MARK.invalid/MARK HTTP/1.1\nHost: MARK",
        "CONNECT MARK.invalid:1 HTTP/1.1\nHost: MARK",
        "CONNECT MARK HTTP/1.1\nHost: MARK",
    ] {
        let mut wire = Wire::connect(proxy.address());
        let answer = format!("{:?}", wire.ask(head));
        assert!(!answer.contains("MARK"), "{answer}");
    }
}

#[test]
fn explains_a_failed_connection() {
    let proxy = open_proxy();
    let gone = closed_port();
    let garbage = origin_sending(b"SSH-2.0-OpenSSH_9.6\r\n");
    let silent = origin_sending(b"");
    let switching = origin_sending(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    for (head, text) in [
        (format!("GET http://{gone}/ HTTP/1.1\nHost: o"), "refused"),
        (format!("CONNECT {gone} HTTP/1.1\nHost: o"), "refused"),
        ("GET http://nobody.invalid/ HTTP/1.1\nHost: o".to_owned(), "could not be resolved"),
        ("CONNECT nobody.invalid:443 HTTP/1.1\nHost: o".to_owned(), "could not be resolved"),
        (format!("GET http://{garbage}/ HTTP/1.1\nHost: o"), "not valid HTTP"),
        (format!("GET http://{silent}/ HTTP/1.1\nHost: o"), "without an answer"),
        (format!("GET http://{switching}/ HTTP/1.1\nHost: o"), "not valid HTTP"),
    ] {
        let mut wire = Wire::connect(proxy.address());
        check(&wire.ask(&head), 502, text);
        check(&wire.ask(&head), 502, text);
    }
}

#[test]
fn does_not_make_a_truncated_answer_look_complete() {
    let proxy = open_proxy();
    for (answer, length) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"[..], true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false),
    ] {
        let mut wire = Wire::connect(proxy.address());
        let url = format!("http://{}/", origin_sending(answer));
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: o\r\n\r\n"));
        let text = String::from_utf8(wire.rest()).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert_eq!(text.contains("Content-Length: 10\r\n"), length, "{text}");
        assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    }
}

#[test]
fn refuses_transfer_codings_other_than_chunked() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/echo");
    wire.send(format!(
        "POST {url} HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    ));
    check(&wire.answer("POST"), 501, "chunked");
    assert_eq!(origin.requests(), 0);

    let coded = origin_sending(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    );
    let mut wire = Wire::connect(proxy.address());
    check(&wire.ask(&format!("GET http://{coded}/ HTTP/1.1\nHost: o")), 502, "HTTP");
}

#[test]
fn regression_refuses_a_transfer_coding_that_is_not_text() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let start = format!("POST {} HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: ", origin.url("/echo"));
    wire.send([start.as_bytes(), b"\xff\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"].concat());
    check(&wire.answer("POST"), 501, "chunked");
    assert_eq!(origin.requests(), 0);

    let coded = origin_sending(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \xff\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    let mut wire = Wire::connect(proxy.address());
    check(&wire.ask(&format!("GET http://{coded}/ HTTP/1.1\nHost: o")), 502, "HTTP");
}

#[test]
fn sends_no_body_to_head() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let head = format!("HEAD http://{}/ HTTP/1.1\nHost: o", closed_port());
    assert_eq!(wire.ask(&head).status, 502);
    assert_eq!(wire.ask(&head).status, 502);
}

#[test]
fn closes_after_refusing_a_connect_with_content() {
    let (open, closed) = (open_proxy(), proxy_of_alice(&[]));
    let (origin, gone) = (Origin::http(), closed_port());
    let coded = "Transfer-Encoding: chunked";
    for (proxy, target, field, status) in [
        (&closed, origin.address(), "Content-Length: 5", 407),
        (&open, gone, "Content-Length: 5", 502),
        (&open, origin.address(), coded, 400),
        (&open, gone, coded, 400),
    ] {
        for content in ["", "0\r\n\r\n"] {
            let mut wire = Wire::connect(proxy.address());
            wire.send(format!("CONNECT {target} HTTP/1.1\r\nHost: o\r\n{field}\r\n\r\n{content}"));
            let answer = wire.answer("CONNECT");
            assert_eq!(answer.status, status, "{field}");
            assert_eq!(answer.field("connection").as_deref(), Some("close"), "{field}");
            wire.finish();
            assert_eq!(wire.rest(), b"", "{field}");
        }
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
fn regression_removes_a_length_that_contradicts_the_chunks() {
    let proxy = open_proxy();
    let origin = origin_sending(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
          5\r\nhello\r\n0\r\n\r\n",
    );
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET http://{origin}/ HTTP/1.1\nHost: o");
    for _ in 0..2 {
        let answer = wire.ask(&head);
        assert_eq!(answer.field("content-length"), None);
        assert_eq!(answer.text(), "hello");
    }
}

/// Sends a request with a body of 4 MiB, then reads the answer.
fn ask_with_large_body(wire: &mut Wire, url: &str) -> Answer {
    const BODY: usize = 4 * 1024 * 1024;
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: {BODY}\r\n\r\n"));
    for _ in 0..64 {
        wire.send(vec![b'x'; BODY / 64]);
    }
    wire.answer("POST")
}

#[test]
fn lets_an_answer_be_read_after_a_large_body() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let answer = ask_with_large_body(&mut wire, &format!("http://{}/", closed_port()));
    check(&answer, 502, "refused");
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert_eq!(wire.rest(), b"");
}

#[test]
fn forwards_an_early_answer_of_the_origin() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let answer = ask_with_large_body(&mut wire, &origin.url("/early"));
    assert_eq!((answer.status, answer.text()), (413, "too much"));
    // Whether the connection stays open depends on timing.
    wire.finish();
    assert_eq!(wire.rest(), b"");
}

#[test]
fn answers_when_the_body_never_comes() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let url = format!("http://{}/", closed_port());
    let answer = wire.ask(&format!("POST {url} HTTP/1.1\nHost: o\nContent-Length: 4194304"));
    check(&answer, 502, "refused");
    assert_eq!(wire.rest(), b"");
}

#[test]
fn sends_no_100_without_an_origin() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let url = format!("http://{}/", closed_port());
    let answer =
        wire.ask(&format!("POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue"));
    check(&answer, 502, "refused");
    assert_eq!(wire.rest(), b"");
}
