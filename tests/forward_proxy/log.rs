//! The log of the example.

use std::{
    io::{self, Read},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::support::{origin::Origin, proxy::Proxy, wire::Wire};

const END: Duration = Duration::from_secs(8);

#[test]
fn an_unread_stderr_delays_no_request() {
    // Far more lines than fit into the pipe, and fewer than may wait.
    const REQUESTS: usize = 3_000;
    let (mut stderr, writer) = io::pipe().unwrap();
    let mut proxy = Proxy::start_with_stderr(&["--insecure-no-auth"], writer);
    let mut wire = Wire::connect(proxy.address());
    for _ in 0..REQUESTS {
        assert_eq!(wire.ask("GET /not-absolute HTTP/1.1\nHost: o").status, 400);
    }
    proxy.terminate();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(proxy.ended(END).unwrap().code(), Some(0));
    assert_eq!(log.matches("target=/not-absolute status=400").count(), REQUESTS);
    assert!(log.lines().last().unwrap().contains("shutting down"), "{log}");
}

#[test]
fn regression_a_user_name_cannot_forge_or_hide_a_log_line() {
    let long = format!("long{}", "x".repeat(1_000));
    let names = [
        ("a\u{2028}b\u{202e}c d", r"a\u{2028}b\u{202e}c\u{20}d"),
        ("alice status=200", r"alice\u{20}status=200"),
        (&long, &format!("{}... ", &long[..64])),
    ];
    let (mut stderr, writer) = io::pipe().unwrap();
    let users = names.map(|(name, _)| format!("{name}:wonder"));
    let options: Vec<&str> = users.iter().flat_map(|user| ["--user", user]).collect();
    let mut proxy = Proxy::start_with_stderr(&options, writer);
    let origin = Origin::http();
    for user in &users {
        let credentials = BASE64_STANDARD.encode(user);
        let answer = Wire::connect(proxy.address()).ask(&format!(
            "GET {} HTTP/1.1\nHost: o\nProxy-Authorization: Basic {credentials}",
            origin.url("/")
        ));
        assert_eq!(answer.status, 200, "{user}");
    }
    proxy.terminate();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert!(proxy.ended(END).is_some());
    for (name, shown) in names {
        assert!(log.contains(&format!("user={shown}")), "{name}: {log}");
    }
    assert!(log.is_ascii(), "{log}");
}
