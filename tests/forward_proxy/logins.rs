//! Connections on which a client logs in: what holds from one request to the next.

use std::{net::TcpListener, thread, time::Duration};

use crate::{
    BASIC, proxy_of_alice,
    support::{
        digest::{self, Challenge, Client},
        origin::Origin,
        proxy::Proxy,
        wire::{Answer, Wire},
    },
};

/// Asks without credentials, and takes the challenge for SHA-256.
#[track_caller]
fn challenge(wire: &mut Wire, head: &str) -> Challenge {
    Challenge::of(&wire.ask(head), "SHA-256")
}

#[track_caller]
fn check_stale(answer: &Answer) {
    assert_eq!(answer.status, 407);
    let stale: Vec<_> =
        digest::all(answer).iter().map(|challenge| challenge.value("stale")).collect();
    assert_eq!(stale, [Some("true".to_owned()), Some("true".to_owned())], "{answer:?}");
}

#[test]
fn the_nonce_count_rises_on_one_connection_and_no_count_passes_twice() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/seen"));
    let mut alice = Client::alice(challenge(&mut wire, &head));
    for count in 1..=100 {
        let login = alice.login("GET", "/seen");
        assert_eq!(login.count, format!("{count:08x}"));
        let answer = wire.ask(&format!("{head}\n{}", login.line));
        assert_eq!(answer.status, 200, "{count}");
        // The example removes the field as well, so this is about the two together; that the
        // layer does so alone is for its own tests to show.
        assert!(!answer.text().contains("proxy-authorization"), "{answer:?}");
    }
    let twice = format!("{head}\n{}", alice.login("GET", "/seen").line);
    assert_eq!(wire.ask(&twice).status, 200);
    check_stale(&wire.ask(&twice));
    let next = format!("{head}\n{}", alice.login("GET", "/seen").line);
    assert_eq!(wire.ask(&next).status, 200);
    assert_eq!(origin.requests(), 102);
}

#[test]
fn an_expired_nonce_is_stale_and_the_next_one_is_good() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&["--nonce-lifetime", "2"]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut alice = Client::alice(challenge(&mut wire, &head));
    thread::sleep(Duration::from_millis(2200));
    let answer = wire.ask(&format!("{head}\n{}", alice.login("GET", "/").line));
    check_stale(&answer);
    let mut alice = Client::alice(Challenge::of(&answer, "SHA-256"));
    let answer = wire.ask(&format!("{head}\n{}", alice.login("GET", "/").line));
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    // A wrong password is never told stale, whatever the nonce.
    thread::sleep(Duration::from_millis(2200));
    let mut mallory = Client::new("alice", "rabbit", Challenge::of(&wire.ask(&head), "SHA-256"));
    thread::sleep(Duration::from_millis(2200));
    let answer = wire.ask(&format!("{head}\n{}", mallory.login("GET", "/").line));
    assert_eq!(answer.status, 407);
    assert_eq!(Challenge::of(&answer, "SHA-256").value("stale"), None);
}

#[test]
fn a_login_is_for_one_request_not_for_the_connection() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut alice = Client::alice(challenge(&mut wire, &head));
    let digest = alice.login("GET", "/").line;
    for line in [BASIC, &digest] {
        assert_eq!(wire.ask(&format!("{head}\n{line}")).status, 200, "{line}");
        assert_eq!(wire.ask(&head).status, 407, "{line}");
    }
    assert_eq!(origin.requests(), 2);
}

#[test]
fn names_are_not_decoded() {
    let origin = Origin::http();
    let proxy = Proxy::start(&["--user", "per%20cent:%41", "--user", "Jürgen Öl:50%"]);
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    for (name, password, status) in [
        ("per%20cent", "%41", 200),
        ("per%20cent", "A", 407),
        ("per cent", "%41", 407),
        ("Jürgen Öl", "50%", 200),
        ("J\u{75}\u{308}rgen Öl", "50%", 407),
    ] {
        let mut wire = Wire::connect(proxy.address());
        let mut client = Client::new(name, password, challenge(&mut wire, &head));
        let answer = wire.ask(&format!("{head}\n{}", client.login("GET", "/").line));
        assert_eq!(answer.status, status, "{name} {password}");
    }
}

#[test]
fn challenges_come_one_per_line_in_the_order_of_strength_and_short() {
    let all = ["--algorithm", "md5", "--algorithm", "sha-512-256", "--algorithm", "sha-256"];
    let rows: &[(&[&str], &[&str])] = &[
        (&[], &["SHA-256", "MD5", "Basic"]),
        (&["--scheme", "both"], &["SHA-256", "MD5", "Basic"]),
        (&["--scheme", "digest"], &["SHA-256", "MD5"]),
        (&["--scheme", "basic"], &["Basic"]),
        (&all, &["SHA-256", "SHA-512-256", "MD5", "Basic"]),
        (&["--algorithm", "md5-sess"], &["MD5-sess", "Basic"]),
    ];
    for (options, offered) in rows {
        let proxy = proxy_of_alice(options);
        for head in ["GET http://o.example/ HTTP/1.1\nHost: o", "CONNECT o:443 HTTP/1.1\nHost: o"] {
            let answer = Wire::connect(proxy.address()).ask(head);
            assert_eq!(answer.status, 407);
            let lines: Vec<&String> = answer
                .fields
                .iter()
                .filter_map(|(name, value)| (name == "proxy-authenticate").then_some(value))
                .collect();
            assert_eq!(lines.len(), offered.len(), "{options:?}: {lines:?}");
            for (line, offered) in lines.iter().zip(*offered) {
                assert!(line.len() <= 1024, "{line}");
                let (scheme, parameters) = line.split_once(' ').expect("a scheme");
                let algorithm = digest::parameter(parameters, "algorithm");
                let found = if scheme == "Digest" { algorithm } else { Some(scheme.to_owned()) };
                assert_eq!(found.as_deref(), Some(*offered), "{options:?}: {line}");
                assert_eq!(digest::parameter(parameters, "realm").as_deref(), Some("proxy"));
            }
            let nonces: Vec<_> =
                digest::all(&answer).iter().map(|challenge| challenge.value("nonce")).collect();
            assert!(nonces.windows(2).all(|pair| pair[0] == pair[1]), "{nonces:?}");
        }
    }
}

#[test]
fn a_scheme_that_is_not_offered_is_of_no_use() {
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let proxy = proxy_of_alice(&["--scheme", "digest"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.ask(&format!("{head}\n{BASIC}")).status, 407);
    let both = proxy_of_alice(&[]);
    let mut alice = Client::alice(challenge(&mut Wire::connect(both.address()), &head));
    let proxy = proxy_of_alice(&["--scheme", "basic"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.ask(&format!("{head}\n{}", alice.login("GET", "/").line)).status, 407);
    assert_eq!(origin.requests(), 0);
}

#[test]
fn connection_close_is_honoured_on_a_407() {
    // PHP waits for the end of the connection before it takes the answer for complete.
    let proxy = proxy_of_alice(&[]);
    for target in ["GET http://o.example/", "CONNECT o.example:443"] {
        for version in ["1.0", "1.1"] {
            let mut wire = Wire::connect(proxy.address());
            let answer = wire.ask(&format!("{target} HTTP/{version}\nHost: o\nConnection: close"));
            assert_eq!(answer.status, 407, "{target}");
            assert_eq!(answer.field("connection").as_deref(), Some("close"), "{target}");
            let length = answer.field("content-length").expect("a length");
            assert_eq!(length.parse(), Ok(answer.body.len()), "{target}");
            assert_eq!(wire.rest(), b"", "{target}");
        }
    }
}

#[test]
fn regression_http_1_0_is_told_when_its_connection_ends() {
    let proxy = proxy_of_alice(&[]);
    for target in ["GET http://o.example/", "CONNECT o.example:443"] {
        let mut wire = Wire::connect(proxy.address());
        let kept = format!("{target} HTTP/1.0\nConnection: keep-alive");
        for _ in 0..2 {
            let answer = wire.ask(&kept);
            assert_eq!(answer.field("connection").as_deref(), Some("keep-alive"), "{target}");
        }
        let answer = wire.ask(&format!("{target} HTTP/1.0"));
        assert_eq!(answer.status, 407, "{target}");
        assert_eq!(answer.field("connection").as_deref(), Some("close"), "{target}");
        assert_eq!(wire.rest(), b"");
    }
}

#[test]
fn connect_as_http_1_0_without_host_logs_in() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let authority = origin.address().to_string();
    let head = format!("CONNECT {authority} HTTP/1.0");
    let mut wire = Wire::connect(proxy.address());
    let mut alice = Client::alice(challenge(&mut wire, &head));
    assert_eq!(wire.rest(), b"", "HTTP/1.0 ends with the answer");
    let digest = alice.login("CONNECT", &authority).line;
    for line in [BASIC, &digest] {
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.ask(&format!("{head}\n{line}")).status, 200, "{line}");
        assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    }
}

#[test]
fn a_tunnel_opens_on_the_connection_that_was_refused() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let authority = origin.address().to_string();
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: {authority}");
    let mut wire = Wire::connect(proxy.address());
    let mut alice = Client::alice(challenge(&mut wire, &head));
    let login = alice.login("CONNECT", &authority);
    assert_eq!(wire.ask(&format!("{head}\n{}", login.line)).status, 200);
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
}

#[test]
fn the_target_of_a_tunnel_may_be_an_ipv6_address() {
    // Where there is no IPv6 the tunnel fails, but only after the login has been taken.
    let origin = TcpListener::bind("[::1]:0").is_ok().then(Origin::http_on_ipv6);
    let (authority, status) = match &origin {
        Some(origin) => (origin.address().to_string(), 200),
        None => ("[::1]:9".to_owned(), 502),
    };
    assert!(authority.starts_with("[::1]:"));
    let proxy = proxy_of_alice(&["--scheme", "digest"]);
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: {authority}");
    // Firefox leaves the brackets out.
    for uri in [authority.clone(), authority.replace(['[', ']'], "")] {
        let mut wire = Wire::connect(proxy.address());
        let mut alice = Client::alice(challenge(&mut wire, &head));
        let login = alice.login("CONNECT", &uri);
        assert_eq!(wire.ask(&format!("{head}\n{}", login.line)).status, status, "{uri}");
    }
}
