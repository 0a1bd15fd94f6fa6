//! What one client may take.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    open_proxy,
    support::{origin::Origin, proxy::Proxy, wire::Wire},
};

/// `MAX_NEWCOMERS_PER_PEER` of the example.
const NEWCOMERS: usize = 256;

#[test]
fn the_head_of_a_request_is_limited() {
    let proxy = open_proxy();
    let mut wire = Wire::connect(proxy.address());
    let filler = "x".repeat(100 * 1024);
    let answer = wire.ask(&format!("GET http://o.example/ HTTP/1.1\nHost: o\nX: {filler}"));
    assert_eq!(answer.status, 431);
    assert_eq!(wire.rest(), b"");
}

#[test]
fn newcomers_of_one_peer_are_limited() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut newcomers: Vec<Wire> = (0..NEWCOMERS).map(|_| Wire::connect(proxy.address())).collect();

    let refused = Wire::connect(proxy.address()).answer("GET");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.field("retry-after").as_deref(), Some("1"));
    assert!(refused.text().ends_with("yet\n"));

    // Whoever has passed counts no more, though the connection stays open ...
    let first = newcomers.first_mut().expect("there are some");
    assert_eq!(first.ask(&head).text(), "hello");
    assert_eq!(Wire::connect(proxy.address()).ask(&head).text(), "hello");
    assert_eq!(first.ask(&head).text(), "hello");

    // ... nor does who has gone.
    newcomers.clear();
    served_again(&proxy, &head);
}

/// The proxy notices in its own time that connections have gone.
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
    panic!("places are not given back");
}
