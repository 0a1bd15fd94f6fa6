//! Connections on which a client logs in: what holds from one request to the next.

use std::{net::TcpListener, thread, time::Duration};

use crate::{
    BASIC, proxy_of_alice,
    support::{
        digest::{Digest, parameter},
        origin::Origin,
        proxy::Proxy,
        wire::{Answer, Wire},
    },
};

/// Asks without credentials, and is ready to answer the challenge as alice.
#[track_caller]
fn alice(wire: &mut Wire, head: &str) -> Digest {
    Digest::of(wire.ask(head).challenges())
}

/// A parameter of each Digest challenge.
fn parameters(answer: &Answer, name: &str) -> Vec<Option<String>> {
    let challenges = answer.challenges().filter(|one| one.starts_with("Digest "));
    challenges.map(|challenge| parameter(challenge, name)).collect()
}

#[track_caller]
fn check_stale(answer: &Answer) {
    assert_eq!(answer.status, 407);
    assert_eq!(
        parameters(answer, "stale"),
        [Some("true".to_owned()), Some("true".to_owned())],
        "{answer:?}"
    );
}

#[test]
fn the_nonce_count_rises_on_one_connection_and_no_count_passes_twice() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/seen"));
    let mut alice = alice(&mut wire, &head);
    for count in 1..=100 {
        let answer = wire.login(&head, &alice.answer("GET", "/seen"));
        assert_eq!(answer.status, 200, "{count}");
        // The example removes the field as well, so this is about the two together; that the
        // layer does so alone is for its own tests to show.
        assert!(!answer.text().contains("proxy-authorization"), "{answer:?}");
    }
    let twice = alice.answer("GET", "/seen");
    assert_eq!(wire.login(&head, &twice).status, 200);
    check_stale(&wire.login(&head, &twice));
    assert_eq!(wire.login(&head, &alice.answer("GET", "/seen")).status, 200);
    assert_eq!(origin.requests(), 102);
}

#[test]
fn an_expired_nonce_is_stale_and_the_next_one_is_good() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&["--nonce-lifetime", "2"]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut alice = alice(&mut wire, &head);
    thread::sleep(Duration::from_millis(2200));
    let answer = wire.login(&head, &alice.answer("GET", "/"));
    check_stale(&answer);
    let mut alice = Digest::of(answer.challenges());
    let answer = wire.login(&head, &alice.answer("GET", "/"));
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    // A wrong password is never told stale, whatever the nonce.
    thread::sleep(Duration::from_millis(2200));
    let refused = wire.ask(&head);
    let mut mallory = Digest { password: "rabbit".into(), ..Digest::of(refused.challenges()) };
    thread::sleep(Duration::from_millis(2200));
    let answer = wire.login(&head, &mallory.answer("GET", "/"));
    assert_eq!(answer.status, 407);
    assert_eq!(parameters(&answer, "stale"), [None, None]);
}

#[test]
fn a_login_is_for_one_request_not_for_the_connection() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut alice = alice(&mut wire, &head);
    for credentials in [BASIC, &alice.answer("GET", "/")] {
        assert_eq!(wire.login(&head, credentials).status, 200, "{credentials}");
        assert_eq!(wire.ask(&head).status, 407, "{credentials}");
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
        let (user, password) = (name.to_owned(), password.to_owned());
        let mut client = Digest { user, password, ..alice(&mut wire, &head) };
        let answer = wire.login(&head, &client.answer("GET", "/"));
        assert_eq!(answer.status, status, "{name} {}", client.password);
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
            let lines: Vec<_> = answer.challenges().collect();
            assert_eq!(lines.len(), offered.len(), "{options:?}: {lines:?}");
            for (line, offered) in lines.iter().zip(*offered) {
                assert!(line.len() <= 1024, "{line}");
                let (scheme, parameters) = line.split_once(' ').expect("a scheme");
                let algorithm = parameter(parameters, "algorithm");
                let found = if scheme == "Digest" { algorithm } else { Some(scheme.to_owned()) };
                assert_eq!(found.as_deref(), Some(*offered), "{options:?}: {line}");
                assert_eq!(parameter(parameters, "realm").as_deref(), Some("proxy"));
            }
            let nonces = parameters(&answer, "nonce");
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
    assert_eq!(wire.login(&head, BASIC).status, 407);
    let both = proxy_of_alice(&[]);
    let mut alice = alice(&mut Wire::connect(both.address()), &head);
    let proxy = proxy_of_alice(&["--scheme", "basic"]);
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.login(&head, &alice.answer("GET", "/")).status, 407);
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
    let mut alice = alice(&mut wire, &head);
    assert_eq!(wire.rest(), b"", "HTTP/1.0 ends with the answer");
    for credentials in [BASIC, &alice.answer("CONNECT", &authority)] {
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.login(&head, credentials).status, 200, "{credentials}");
        assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    }
}

#[test]
fn a_tunnel_opens_on_the_connection_that_was_refused() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let authority = origin.address().to_string();
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: {authority}");
    let mut wire = Wire::connect(proxy.address());
    let mut alice = alice(&mut wire, &head);
    assert_eq!(wire.login(&head, &alice.answer("CONNECT", &authority)).status, 200);
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
        let mut alice = alice(&mut wire, &head);
        let answer = wire.login(&head, &alice.answer("CONNECT", &uri));
        assert_eq!(answer.status, status, "{uri}");
    }
}
