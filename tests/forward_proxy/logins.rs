//! Logins, and the state of a connection between two requests.

use std::{net::TcpListener, thread, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    BASIC, proxy_of_alice,
    support::{
        digest::{Digest, parameter},
        origin::Origin,
        proxy::Proxy,
        wire::{Answer, Wire},
    },
};

/// Sends a request without credentials; alice can answer its challenge.
#[track_caller]
fn alice(wire: &mut Wire, head: &str) -> Digest {
    Digest::of(wire.ask(head).challenges())
}

/// The value of one parameter in each Digest challenge.
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
fn accepts_rising_nonce_counts_once_each() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut wire = Wire::connect(proxy.address());
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/seen"));
    let mut alice = alice(&mut wire, &head);
    for count in 1..=100 {
        let answer = wire.login(&head, &alice.answer("GET", "/seen"));
        assert_eq!(answer.status, 200, "{count}");
        // The example removes the field too; the layer's own tests show that the layer does.
        assert!(!answer.text().contains("proxy-authorization"), "{answer:?}");
    }
    let twice = alice.answer("GET", "/seen");
    assert_eq!(wire.login(&head, &twice).status, 200);
    check_stale(&wire.login(&head, &twice));
    assert_eq!(wire.login(&head, &alice.answer("GET", "/seen")).status, 200);
    assert_eq!(origin.requests(), 102);
}

#[test]
fn sends_stale_for_an_expired_nonce() {
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
    // With a wrong password, no nonce is called stale.
    thread::sleep(Duration::from_millis(2200));
    let refused = wire.ask(&head);
    let mut mallory = Digest { password: "rabbit".into(), ..Digest::of(refused.challenges()) };
    thread::sleep(Duration::from_millis(2200));
    let answer = wire.login(&head, &mallory.answer("GET", "/"));
    assert_eq!(answer.status, 407);
    assert_eq!(parameters(&answer, "stale"), [None, None]);
}

#[test]
fn requires_credentials_on_each_request() {
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
fn does_not_decode_names_on_the_command_line() {
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
fn sends_one_short_challenge_per_line_in_order() {
    let all = ["--algorithm", "md5", "--algorithm", "sha-512-256", "--algorithm", "sha-256"];
    let rows: &[(&[&str], &[&str])] = &[
        (&[], &["SHA-256", "MD5", "Basic"]),
        (&["--scheme", "both"], &["SHA-256", "MD5", "Basic"]),
        (&["--scheme", "digest"], &["SHA-256", "MD5"]),
        (&["--scheme", "basic"], &["Basic"]),
        (&all, &["MD5", "SHA-512-256", "SHA-256", "Basic"]),
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
fn refuses_a_scheme_that_is_not_offered() {
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
fn honours_connection_close_on_a_407() {
    // For PHP, an answer is complete only when the connection ends.
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
fn regression_announces_the_end_of_an_http_1_0_connection() {
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
fn accepts_credentials_of_an_http_1_0_connect() {
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
fn opens_a_tunnel_on_a_connection_once_refused() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let authority = origin.address().to_string();
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: {authority}");
    let mut wire = Wire::connect(proxy.address());
    let mut alice = alice(&mut wire, &head);
    assert_eq!(wire.login(&head, &alice.answer("CONNECT", &authority)).status, 200);
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
}

#[test]
fn opens_a_tunnel_to_an_ipv6_address() {
    // Without IPv6 the tunnel fails, but only after the credentials were accepted.
    let origin = TcpListener::bind("[::1]:0").is_ok().then(Origin::http_on_ipv6);
    let (authority, status) = match &origin {
        Some(origin) => (origin.address().to_string(), 200),
        None => ("[::1]:9".to_owned(), 502),
    };
    assert!(authority.starts_with("[::1]:"));
    let proxy = proxy_of_alice(&["--scheme", "digest"]);
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: {authority}");
    // Firefox omits the brackets.
    for uri in [authority.clone(), authority.replace(['[', ']'], "")] {
        let mut wire = Wire::connect(proxy.address());
        let mut alice = alice(&mut wire, &head);
        let answer = wire.login(&head, &alice.answer("CONNECT", &uri));
        assert_eq!(answer.status, status, "{uri}");
    }
}

#[test]
fn reads_latin_1_by_option() {
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    for (options, status) in [(&[][..], 407), (&["--latin1"], 200)] {
        let user = ["--user", "J\u{fc}rgen:w\u{f6}nder"];
        let proxy = Proxy::start(&[&user, options].concat());
        let mut wire = Wire::connect(proxy.address());
        let basic = BASE64_STANDARD.encode(b"J\xfcrgen:w\xf6nder");
        let refused = wire.ask(&head);
        assert_eq!(wire.login(&head, &format!("Basic {basic}")).status, status, "{options:?}");

        let mut digest = Digest::of(refused.challenges());
        (digest.user, digest.password) = ("J\u{fc}rgen".into(), "w\u{f6}nder".into());
        let digest = digest.answer("GET", "/");
        let (before, after) = digest.split_once('\u{fc}').expect("the name is sent");
        let lines = head.replace('\n', "\r\n") + "\r\nProxy-Authorization: ";
        let digest = [before.as_bytes(), b"\xfc", after.as_bytes(), b"\r\n\r\n"].concat();
        wire.send([lines.as_bytes(), &digest].concat());
        assert_eq!(wire.answer("GET").status, status, "{options:?}");
    }
}
