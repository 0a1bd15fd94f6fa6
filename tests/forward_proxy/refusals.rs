//! What the proxy answers itself.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use crate::{
    open_proxy,
    support::{
        origin::{Origin, closed_port},
        wire::{Answer, Wire},
    },
};

#[track_caller]
fn check(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.text();
    assert!(body.contains(text), "{body:?} does not tell {text:?}");
    assert_eq!(body.lines().count(), 1, "{body:?}");
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.field(name).as_deref(), Some(value), "{name}");
    }
}

/// An origin that answers anything with `bytes` and closes.
fn origin_that_says(bytes: &'static [u8]) -> SocketAddr {
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
fn requests_that_make_no_sense_to_a_proxy_are_refused() {
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
        // The connection is fine; a client may go on.
        check(&wire.ask(head), 400, text);
    }
    // These are no requests at all; hyper answers them, without a text, and closes.
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
fn nothing_that_was_sent_comes_back() {
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
fn tells_why_there_is_no_answer() {
    let proxy = open_proxy();
    let gone = closed_port();
    let garbage = origin_that_says(b"SSH-2.0-OpenSSH_9.6\r\n");
    let silent = origin_that_says(b"");
    let switching = origin_that_says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
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
fn an_answer_that_is_cut_off_does_not_look_complete() {
    let proxy = open_proxy();
    for (answer, length) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"[..], true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false),
    ] {
        let mut wire = Wire::connect(proxy.address());
        let url = format!("http://{}/", origin_that_says(answer));
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: o\r\n\r\n"));
        let text = String::from_utf8(wire.rest()).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert_eq!(text.contains("content-length: 10\r\n"), length, "{text}");
        assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    }
}

#[test]
fn other_transfer_codings_are_not_served() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/echo");
    wire.send(format!(
        "POST {url} HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    ));
    check(&wire.answer("POST"), 501, "chunked");
    assert_eq!(origin.requests(), 0);

    let coded = origin_that_says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    );
    let mut wire = Wire::connect(proxy.address());
    check(&wire.ask(&format!("GET http://{coded}/ HTTP/1.1\nHost: o")), 502, "HTTP");
}

#[test]
fn regression_a_transfer_coding_that_is_not_text_is_refused() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let start = format!("POST {} HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: ", origin.url("/echo"));
    wire.send([start.as_bytes(), b"\xff\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"].concat());
    check(&wire.answer("POST"), 501, "chunked");
    assert_eq!(origin.requests(), 0);

    let coded = origin_that_says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \xff\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    let mut wire = Wire::connect(proxy.address());
    check(&wire.ask(&format!("GET http://{coded}/ HTTP/1.1\nHost: o")), 502, "HTTP");
}

#[test]
fn head_gets_no_body() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let head = format!("HEAD http://{}/ HTTP/1.1\nHost: o", closed_port());
    assert_eq!(wire.ask(&head).status, 502);
    assert_eq!(wire.ask(&head).status, 502);
}

#[test]
fn connect_with_a_body_is_refused() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let address = origin.address();
    wire.send(format!("CONNECT {address} HTTP/1.1\r\nHost: o\r\nContent-Length: 3\r\n\r\nabc"));
    check(&wire.answer("CONNECT"), 400, "body");
}

/// Sends a request with a body of 4 MiB before it looks for the answer.
fn ask_with_large_body(wire: &mut Wire, url: &str) -> Answer {
    const BODY: usize = 4 * 1024 * 1024;
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: {BODY}\r\n\r\n"));
    for _ in 0..64 {
        wire.send(vec![b'x'; BODY / 64]);
    }
    wire.answer("POST")
}

#[test]
fn an_answer_can_be_read_while_a_large_body_is_being_sent() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let answer = ask_with_large_body(&mut wire, &format!("http://{}/", closed_port()));
    check(&answer, 502, "refused");
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert_eq!(wire.rest(), b"");
}

#[test]
fn an_early_answer_of_the_origin_can_be_read() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let answer = ask_with_large_body(&mut wire, &origin.url("/early"));
    assert_eq!((answer.status, answer.text()), (413, "too much"));
    // Whether the connection goes on depends on who was faster.
    wire.finish();
    assert_eq!(wire.rest(), b"");
}

#[test]
fn an_answer_can_be_read_when_the_body_never_comes() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let url = format!("http://{}/", closed_port());
    let answer = wire.ask(&format!("POST {url} HTTP/1.1\nHost: o\nContent-Length: 4194304"));
    check(&answer, 502, "refused");
    assert_eq!(wire.rest(), b"");
}

#[test]
fn there_is_no_100_when_there_is_no_origin() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let url = format!("http://{}/", closed_port());
    let answer =
        wire.ask(&format!("POST {url} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue"));
    check(&answer, 502, "refused");
    assert_eq!(wire.rest(), b"");
}
