//! Limits per client.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    open_proxy,
    support::{origin::Origin, proxy::Proxy, wire::Wire},
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
