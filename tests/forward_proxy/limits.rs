//! Limits per client.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use crate::{
    open_proxy,
    support::{
        origin::Origin,
        proxy::Proxy,
        wire::{Wire, basic},
    },
};

/// `MAX_PENDING_PER_PEER` of the example.
const NEWCOMERS: usize = 256;

#[test]
fn limits_the_head_of_a_request() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let filler = "x".repeat(100 * 1024);
    let answer = wire.ask(&format!("GET http://o.example/ HTTP/1.1\nHost: o\nX: {filler}"));
    assert_eq!(answer.status, 431);
    assert_eq!(wire.rest(), b"");
}

#[test]
fn serves_messages_of_256_fields() {
    /// An origin whose answers have `count` fields.
    fn origin(count: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let fields = "X: 1\r\n".repeat(count - 1);
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 16 * 1024]).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{fields}\r\nhello").unwrap();
        });
        address
    }
    let (seen, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let fields = "\nX: 1".repeat(255);
    let answer = wire.ask(&format!("GET {} HTTP/1.1\nHost: o{fields}", seen.url("/seen")));
    assert_eq!(answer.text().matches("x: 1\n").count(), 255);

    let answer = wire.ask(&format!("GET http://{}/ HTTP/1.1\nHost: o{fields}", origin(256)));
    assert_eq!(answer.fields.iter().filter(|(name, _)| name == "x").count(), 255);
    assert_eq!(answer.text(), "hello");

    let answer = wire.ask(&format!("GET http://{}/ HTTP/1.1\nHost: o", origin(257)));
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("more than 256 fields"), "{answer:?}");
}

#[test]
fn limits_new_connections_of_one_peer() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut newcomers: Vec<Wire> = (0..NEWCOMERS).map(|_| Wire::connect(proxy.address())).collect();

    let refused = Wire::connect(proxy.address()).answer("GET");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.field("retry-after").as_deref(), Some("1"));
    assert!(refused.text().ends_with("yet\n"));

    // A connection that has authenticated no longer counts, even while it stays open.
    let first = newcomers.first_mut().expect("256 connections");
    assert_eq!(first.ask(&head).text(), "hello");
    assert_eq!(Wire::connect(proxy.address()).ask(&head).text(), "hello");
    assert_eq!(first.ask(&head).text(), "hello");

    // Nor does one that is closed.
    newcomers.clear();
    served_again(&proxy, &head);
}

/// Waits until the proxy has noticed that connections were closed.
#[track_caller]
fn served_again(proxy: &Proxy, head: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let wires: Vec<Wire> = (0..NEWCOMERS - 1).map(|_| Wire::connect(proxy.address())).collect();
        let status = Wire::connect(proxy.address()).ask(head).status;
        drop(wires);
        if status == 200 {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the limit is still reached");
}

#[test]
fn limits_the_open_tunnels_of_a_user() {
    let origin = Origin::http();
    let options = ["--user", "alice:wonder", "--user", "bob:builder"];
    let proxy = Proxy::start(&[&options[..], &["--max-tunnels-per-user", "2"]].concat());
    let connect = |user_pass: &str| {
        let mut wire = Wire::connect(proxy.address());
        let head = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
        let answer = wire.login(&head, &basic(user_pass));
        (wire, answer)
    };
    let (first, _) = connect("alice:wonder");
    let (mut second, answer) = connect("alice:wonder");
    assert_eq!(answer.status, 200);
    let (_, refused) = connect("alice:wonder");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.field("retry-after").as_deref(), Some("5"));
    assert_eq!(connect("bob:builder").1.status, 200);
    assert_eq!(second.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    drop(first);
    // The proxy must notice that the tunnel has ended.
    let end = Instant::now() + Duration::from_secs(30);
    while connect("alice:wonder").1.status != 200 {
        assert!(Instant::now() < end, "the place of an ended tunnel stays taken");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(second.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
}
