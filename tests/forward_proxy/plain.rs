//! Requests for http:// targets.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::{
    BASIC, open_proxy, proxy_of_alice,
    support::{origin::Origin, proxy::Proxy, wire::Wire},
};

fn both() -> (Origin, Proxy) {
    (Origin::http(), open_proxy())
}

#[test]
fn forwards_a_request_without_hop_by_hop_fields() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!(
        "GET {} HTTP/1.1\nHost: elsewhere.example\nAccept: text/*\nConnection: X-Mine, keep-alive\n\
         X-Mine: 1\nKeep-Alive: 5\nProxy-Connection: keep-alive\nTE: trailers, gzip\n\
         Proxy-Authorization: Basic YWxpY2U6d29uZGVy",
        origin.url("/seen?a=b")
    ));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("via").as_deref(), Some("1.1 forward_proxy"));
    let mut lines: Vec<&str> = answer.text().lines().collect();
    lines.sort_unstable();
    let host = format!("host: {}", origin.address());
    let wanted = [
        "GET /seen?a=b HTTP/1.1",
        "accept: text/*",
        "connection: te",
        &host,
        "te: trailers",
        "via: 1.1 forward_proxy",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn removes_hop_by_hop_fields_from_an_answer() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!("GET {} HTTP/1.1\nHost: o", origin.url("/private")));
    for name in ["connection", "x-private", "keep-alive", "proxy-connection"] {
        assert_eq!(answer.field(name), None, "{name}");
    }
    assert_eq!(answer.field("x-public").as_deref(), Some("1"));
}

#[test]
fn keeps_connections_alive_on_both_sides() {
    let (origin, proxy) = both();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/peer"));
    let mut wire = Wire::connect(proxy.address());
    let first = wire.ask(&head);
    let second = wire.ask(&head);
    assert_eq!(first.text(), second.text());
    let other = Wire::connect(proxy.address()).ask(&head);
    assert_eq!(first.text(), other.text(), "clients share the pool");
}

#[test]
fn regression_keeps_connection_logins_out_of_the_pool() {
    let (origin, proxy) = both();
    let ours = format!("GET {} HTTP/1.1\nHost: o", origin.url("/peer"));
    let mut wire = Wire::connect(proxy.address());
    let theirs = wire.ask(&format!("{ours}\nAuthorization: Negotiate YWJj"));
    let first = wire.ask(&ours);
    assert_ne!(first.text(), theirs.text(), "a login was shared");
    for login in ["Negotiate YWJj", "ntlm YWJj"] {
        let theirs = wire.ask(&format!("{ours}\nAuthorization: {login}"));
        assert_ne!(first.text(), theirs.text(), "{login} went over a shared connection");
        assert_eq!(first.text(), wire.ask(&ours).text(), "the shared connection is still used");
    }
}

#[test]
fn streams_bodies_both_ways() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 80;
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: o\r\nContent-Length: {}\r\n\r\n",
        origin.url("/echo"),
        PIECE * PIECES
    ));
    // 5 MiB; each piece comes back before the next one is sent, so the body is not collected.
    for number in 0..PIECES {
        let piece = vec![u8::try_from(number).expect("small"); PIECE];
        wire.send(&piece);
        if number == 0 {
            while !wire.line().is_empty() {}
        }
        assert!(wire.exactly(PIECE) == piece, "piece {number}");
    }
}

#[test]
fn forwards_a_chunked_body() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/echo");
    wire.send(format!(
        "POST {url} HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    ));
    assert_eq!(wire.answer("POST").text(), "hello world");
}

#[test]
fn regression_removes_credentials_from_trailers() {
    let proxy = proxy_of_alice(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let origin = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the proxy connects");
        let mut seen = String::new();
        while !seen.ends_with("\r\n\r\n") || !seen.contains("\r\n0\r\n") {
            let mut chunk = [0; 1024];
            let count = stream.read(&mut chunk).expect("the proxy writes");
            assert_ne!(count, 0, "unfinished: {seen}");
            seen += std::str::from_utf8(&chunk[..count]).expect("text");
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("the proxy reads");
        seen
    });
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST http://{address}/ HTTP/1.1\r\nHost: o\r\nProxy-Authorization: {BASIC}\r\nTransfer-Encoding: chunked\r\n\
         Connection: X-Mine\r\nTrailer: Proxy-Authorization, X-Mine, Keep-Alive, X-Sum\r\n\r\n\
         5\r\nhello\r\n0\r\nProxy-Authorization: {BASIC}\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nX-Sum: 7\r\n\r\n"
    ));
    assert_eq!(wire.answer("POST").status, 204);
    let seen = origin.join().expect("no panic").to_ascii_lowercase();
    assert!(seen.ends_with("5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n"), "{seen}");
}

#[test]
fn keeps_length_and_connection_on_head() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/");
    let answer = wire.ask(&format!("HEAD {url} HTTP/1.1\nHost: o"));
    assert_eq!(answer.field("content-length").as_deref(), Some("5"));
    assert_eq!(wire.ask(&format!("GET {url} HTTP/1.1\nHost: o")).text(), "hello");
}

#[test]
fn serves_http_1_0() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!("GET {} HTTP/1.0", origin.url("/seen")));
    assert!(answer.text().contains("via: 1.0 forward_proxy"), "{answer:?}");
    assert_eq!(answer.field("transfer-encoding"), None);
    assert_eq!(wire.rest(), b"");
}

#[tokio::test]
async fn serves_http_2() {
    let (origin, proxy) = both();
    let stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let driver = tokio::spawn(connection);
    let request = || {
        Request::get(origin.url("/seen"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Empty::<Bytes>::new())
            .unwrap()
    };
    let (one, two) =
        tokio::join!(sender.clone().send_request(request()), sender.send_request(request()));
    for response in [one, two] {
        let response = response.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let seen = String::from_utf8(body.to_vec()).unwrap();
        assert!(seen.contains("via: 2 forward_proxy\n"), "{seen}");
        assert!(seen.contains("cookie: a=1; b=2\n"), "{seen}");
        assert!(seen.contains(&format!("host: {}\n", origin.address())), "{seen}");
    }
    drop(sender);
    driver.await.unwrap().unwrap();
}

#[test]
fn sends_a_body_that_the_origin_asks_for() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let head = format!(
        "POST {} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue",
        origin.url("/length")
    );
    for _ in 0..2 {
        assert_eq!(wire.ask(&head).status, 100);
        wire.send("hello");
        assert_eq!(wire.answer("POST").text(), "5");
    }
}

#[test]
fn sends_the_body_after_an_early_answer_of_200() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/echo");
    wire.send(format!(
        "POST {url} HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    ));
    while !wire.line().is_empty() {}
    wire.send("hello");
    assert_eq!(wire.exactly(5), b"hello");
}

#[test]
fn sends_no_body_after_an_early_refusal() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!(
        "POST {} HTTP/1.1\nHost: o\nContent-Length: 5\nExpect: 100-continue",
        origin.url("/early")
    ));
    assert_eq!((answer.status, answer.text()), (413, "too much"));
    assert_eq!(answer.field("connection").as_deref(), Some("close"));
    assert_eq!(wire.rest(), b"", "no 100 after the answer");
}

#[test]
fn counts_max_forwards_down() {
    let (origin, proxy) = both();
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/seen");
    let answer = wire.ask(&format!("OPTIONS {url} HTTP/1.1\nHost: o\nMax-Forwards: 3"));
    assert!(answer.text().contains("max-forwards: 2\n"), "{answer:?}");
    let answer = wire.ask(&format!("OPTIONS {url} HTTP/1.1\nHost: o\nMax-Forwards: 0"));
    assert_eq!((answer.status, answer.text()), (200, ""));
    let answer = wire.ask(&format!("TRACE {url} HTTP/1.1\nHost: o\nMax-Forwards: 0"));
    assert_eq!(answer.status, 405);
    let answer = wire.ask(&format!("GET {url} HTTP/1.1\nHost: o\nMax-Forwards: 0"));
    assert!(answer.text().contains("max-forwards: 0\n"), "GET does not count: {answer:?}");
    assert_eq!(origin.requests(), 2);
    assert_eq!(wire.ask("OPTIONS * HTTP/1.1\nHost: proxy").status, 200);
}
