//! The options for Digest.

use std::{thread, time::Duration};

use crate::{
    proxy_of_alice,
    support::{
        digest::{Digest, parameter},
        origin::Origin,
        proxy::Proxy,
        wire::{Answer, Wire},
    },
};

/// Requests `target` with Digest credentials for `uri`.
#[track_caller]
fn ask(
    proxy: &Proxy,
    algorithm: &str,
    (method, target): (&str, &str),
    uri: &str,
) -> (Answer, Digest) {
    let mut wire = Wire::connect(proxy.address());
    let head = format!("{method} {target} HTTP/1.1\nHost: o");
    let refused = wire.ask(&head);
    let is_wanted = |one: &&str| parameter(one, "algorithm").as_deref() == Some(algorithm);
    let mut alice = Digest::of(refused.challenges().filter(is_wanted));
    (wire.login(&head, &alice.answer(method, uri)), alice)
}

#[test]
fn authenticates_both_sides_with_every_algorithm() {
    let origin = Origin::http();
    for (option, algorithm) in [
        ("md5", "MD5"),
        ("sha-256", "SHA-256"),
        ("sha-512-256", "SHA-512-256"),
        ("md5-sess", "MD5-sess"),
        ("sha-256-sess", "SHA-256-sess"),
        ("sha-512-256-sess", "SHA-512-256-sess"),
    ] {
        let proxy = proxy_of_alice(&["--algorithm", option]);
        let url = origin.url("/a?b=c");
        let (answer, alice) = ask(&proxy, algorithm, ("GET", &url), "/a?b=c");
        assert_eq!((answer.status, answer.text()), (200, "hello"), "{algorithm}");
        let info = answer.field("proxy-authentication-info").expect("an info field");
        for (name, value) in [
            ("rspauth", alice.rspauth().as_str()),
            ("cnonce", &alice.cnonce),
            ("nc", "00000001"),
            ("qop", "auth"),
        ] {
            assert_eq!(parameter(&info, name).as_deref(), Some(value), "{algorithm}: {info}");
        }
        assert_eq!(parameter(&info, "nextnonce"), None, "{info}");

        let tunnel = origin.address().to_string();
        let (answer, alice) = ask(&proxy, algorithm, ("CONNECT", &tunnel), &tunnel);
        let info = answer.field("proxy-authentication-info").expect("an info field");
        assert_eq!(answer.status, 200, "{algorithm}");
        assert_eq!(parameter(&info, "rspauth"), Some(alice.rspauth()), "{algorithm}: {info}");
    }
}

#[test]
fn keeps_the_order_in_which_algorithms_are_given() {
    for (options, expected) in [
        (&[] as &[&str], ["SHA-256", "MD5"].as_slice()),
        (&["--algorithm", "md5", "--algorithm", "sha-256"], &["MD5", "SHA-256"]),
        (
            &["--algorithm", "md5", "--algorithm", "sha-512-256", "--algorithm", "sha-256"],
            &["MD5", "SHA-512-256", "SHA-256"],
        ),
    ] {
        let proxy = proxy_of_alice(options);
        let refused = Wire::connect(proxy.address()).ask("GET http://o/ HTTP/1.1\nHost: o");
        let offered: Vec<_> =
            refused.challenges().filter_map(|one| parameter(one, "algorithm")).collect();
        assert_eq!(offered, expected, "{options:?}");
    }
}

#[test]
fn sends_as_much_auth_info_as_the_option_says() {
    let origin = Origin::http();
    for (option, with_info) in [("off", false), ("next-nonce", false), ("full", true)] {
        let proxy = proxy_of_alice(&["--auth-info", option]);
        let (answer, _) = ask(&proxy, "SHA-256", ("GET", &origin.url("/")), "/");
        let info = answer.field("proxy-authentication-info");
        assert_eq!((answer.status, info.is_some()), (200, with_info), "{option}: {info:?}");
    }
}

#[test]
fn sends_a_good_nextnonce_near_the_end_of_a_lifetime() {
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let rows = [("off", false, false), ("next-nonce", true, false), ("full", true, true)];
    let rows = rows.map(|(option, with_next, with_proof)| {
        let proxy = proxy_of_alice(&["--nonce-lifetime", "8", "--auth-info", option]);
        let refused = Wire::connect(proxy.address()).ask(&head);
        let alice = Digest::of(refused.challenges());
        (option, with_next, with_proof, proxy, alice)
    });
    thread::sleep(Duration::from_millis(6200));
    for (option, with_next, with_proof, proxy, mut alice) in rows {
        let mut wire = Wire::connect(proxy.address());
        let answer = wire.login(&head, &alice.answer("GET", "/"));
        assert_eq!(answer.status, 200, "{option}");
        let info = answer.field("proxy-authentication-info").unwrap_or_default();
        assert_eq!(parameter(&info, "rspauth").is_some(), with_proof, "{option}: {info}");
        let next = parameter(&info, "nextnonce");
        assert_eq!(next.is_some(), with_next, "{option}: {info}");
        if let Some(nonce) = next {
            let mut alice = Digest { nonce, ..alice.count(0) };
            let answer = wire.login(&head, &alice.answer("GET", "/"));
            assert_eq!(answer.status, 200, "{option}");
        }
    }
}

#[test]
fn requires_the_uri_to_name_the_resource() {
    let origin = Origin::http();
    let (url, tunnel) = (origin.url("/a?b"), origin.address().to_string());
    for option in ["strict", "lenient"] {
        let proxy = proxy_of_alice(&["--uri-check", option]);
        let own = proxy.address().to_string();
        let lenient = if option == "lenient" { 200 } else { 400 };
        for (target, uri, status) in [
            (("GET", url.as_str()), "/a?b", 200),
            (("GET", &url), &url, 200),
            (("GET", &url), "/a", 400),
            (("GET", &url), "/", 400),
            (("GET", &url), "/a?c", 400),
            (("GET", &url), &own, lenient),
            (("CONNECT", &tunnel), &tunnel, 200),
            (("CONNECT", &tunnel), "/a?b", lenient),
            (("CONNECT", &tunnel), "localhost:1", 400),
        ] {
            let (answer, _) = ask(&proxy, "MD5", target, uri);
            assert_eq!(answer.status, status, "{option}: {uri} for {target:?}");
            assert_eq!(answer.field("proxy-authenticate"), None);
        }
    }
}

#[test]
fn takes_the_realm_from_the_option() {
    let origin = Origin::http();
    let proxy = proxy_of_alice(&["--realm", "corp proxy"]);
    let (answer, _) = ask(&proxy, "SHA-256", ("GET", &origin.url("/")), "/");
    assert_eq!(answer.status, 200);
    let refused = Wire::connect(proxy.address()).ask("GET http://o/ HTTP/1.1\nHost: o");
    let realms = refused.field("proxy-authenticate").expect("challenges");
    assert_eq!(realms.matches("realm=\"corp proxy\"").count(), 3, "{realms}");
}

#[test]
fn accepts_responses_without_qop_by_option() {
    let origin = Origin::http();
    for (options, is_accepted) in [(&[][..], false), (&["--legacy-rfc2069"], true)] {
        let proxy = proxy_of_alice(options);
        let mut wire = Wire::connect(proxy.address());
        let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
        let refused = wire.ask(&head);
        let challenge = refused
            .challenges()
            .find(|one| parameter(one, "algorithm").as_deref() == Some("MD5"))
            .expect("a challenge for MD5");
        let mut alice = Digest {
            algorithm: "MD5",
            qop: None,
            nc: "00000000".to_owned(),
            opaque: parameter(challenge, "opaque"),
            ..Digest::new(parameter(challenge, "nonce").expect("a nonce"))
        };
        let answer = wire.login(&head, &alice.answer("GET", "/"));
        assert_eq!(answer.status == 200, is_accepted, "{answer:?}");
    }
}
