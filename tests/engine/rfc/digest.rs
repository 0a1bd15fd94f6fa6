//! RFC 7616, by section; RFC 2617 and RFC 2069 where they differ.

use http::{HeaderValue, Response};
use tower_proxy_auth::{
    Authenticator, DigestScheme, Users,
    digest::{Algorithm, AuthInfo},
};

use crate::support::{
    digest::{Digest, parameter, quoted},
    engine::{Body, INFO, Proxy, realm},
};

/// The Digest challenges of an answer.
fn digests(answer: &crate::support::engine::Answer) -> Vec<&str> {
    answer.challenges().into_iter().filter(|one| one.starts_with("Digest ")).collect()
}

#[test]
fn the_challenge_quotes_what_is_to_be_quoted_and_sends_no_domain_3_3() {
    let proxy = Proxy::with_digest(|digest| digest.with_userhash());
    let answer = proxy.login(&Digest::new("unknown"));
    assert_eq!(digests(&answer).len(), 2);
    for challenge in digests(&answer) {
        let list = challenge.strip_prefix("Digest ").unwrap();
        for param in list.split(", ") {
            let (name, value) = param.split_once('=').unwrap();
            let is_quoted = value.starts_with('"') && value.ends_with('"');
            let expected = match name {
                "realm" | "nonce" | "opaque" | "qop" => true,
                "stale" | "algorithm" | "charset" | "userhash" => false,
                other => panic!("{other} in {challenge}"),
            };
            assert_eq!(is_quoted, expected, "{param}");
        }
        assert_eq!(parameter(challenge, "qop").as_deref(), Some("auth"));
    }
}

#[test]
fn the_nonce_is_another_one_in_every_407_3_3() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    let answers = [
        proxy.challenge(),
        proxy.challenge(),
        proxy.login(&Digest { password: "other".into(), ..digest.clone() }),
        proxy.login(&Digest::new("unknown")),
    ];
    let mut nonces: Vec<_> = answers.iter().map(|answer| answer.nonce()).collect();
    nonces.push(digest.nonce);
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 5);
}

#[test]
fn stale_is_said_exactly_when_the_digest_is_right_and_the_nonce_is_not_3_3() {
    let proxy = Proxy::new();
    let (used, expired) = (proxy.fresh(), proxy.fresh());
    proxy.login(&used).passes("first", "alice");
    let wrong = |digest: &Digest| Digest { password: "other".into(), ..digest.clone() };
    let unknown = Digest::new("never ours");
    proxy.login(&used).is("used", 407, "nonce-replayed");
    proxy.login(&wrong(&used)).is("used, wrong", 407, "wrong-password");
    proxy.login(&unknown).is("never ours", 407, "nonce-unknown");
    proxy.login(&wrong(&unknown)).is("never ours, wrong", 407, "wrong-password");
    proxy.clock.set(1_000);
    proxy.login(&expired).is("expired", 407, "nonce-expired");
    let answer = proxy.login(&wrong(&expired));
    answer.is("expired, wrong", 407, "wrong-password");
    assert!(digests(&answer).iter().all(|one| !one.contains("stale")));
}

#[test]
fn each_parameter_is_accepted_quoted_or_not_3_4() {
    let proxy = Proxy::new();
    // These cannot be tokens: a path holds a slash.
    let quoted_only = ["uri"];
    for name in
        ["username", "realm", "nonce", "uri", "response", "cnonce", "algorithm", "qop", "nc"]
    {
        let flip = |other: &str, value: String| match value.strip_prefix('"') {
            _ if other != name || quoted_only.contains(&name) => value,
            Some(rest) => rest.trim_end_matches('"').to_owned(),
            None => quoted(&value),
        };
        proxy.get(proxy.fresh().params().map(flip).field()).passes(name, "alice");
    }
    let opaque = proxy.fresh().params().and("opaque", "token");
    proxy.get(opaque.field()).passes("opaque as a token", "alice");
    let opaque = proxy.fresh().params().and("opaque", "\"quoted\"");
    proxy.get(opaque.field()).passes("opaque, quoted", "alice");
}

#[test]
fn a_count_is_eight_hex_digits_above_zero_and_never_used_twice_3_4() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for nc in ["1", "0000001", "000000001", "0000000x", "00000000"] {
        let sent = Digest { nc: nc.into(), ..digest.clone() };
        proxy.login(&sent).is(nc, 400, "improper-parameter");
    }
    let upper = Digest { nc: "0000000A".into(), ..digest.clone() };
    proxy.login(&upper).passes("upper case", "alice");
    let lower = Digest { nc: "0000000a".into(), ..digest };
    proxy.login(&lower).is("the same count", 407, "nonce-replayed");
}

#[test]
fn what_is_missing_improper_or_was_not_offered_is_refused_3_4() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms([Algorithm::Md5]));
    let md5 = Digest { algorithm: "MD5", ..proxy.fresh() };
    let params = md5.params();
    proxy.get(params.clone().without("nc").field()).is("missing", 400, "missing-parameter");
    proxy.get(params.clone().with("nc", "x").field()).is("improper", 400, "improper-parameter");
    proxy.get(params.clone().with("qop", "auth-int").field()).is("qop", 400, "improper-parameter");
    let sha256 = Digest { algorithm: "SHA-256", ..md5.clone() };
    proxy.login(&sha256).is("not offered", 407, "algorithm-not-offered");
    proxy.get(params.without("algorithm").field()).passes("MD5 by default", "alice");
}

#[test]
fn a_user_is_named_by_username_or_its_extended_form_and_never_both_3_4() {
    let proxy = Proxy::with_digest(|digest| digest.with_userhash());
    let extended = || proxy.fresh().params().and("username*", "UTF-8''alice");
    proxy.get(extended().without("username").field()).passes("extended", "alice");
    proxy.get(extended().field()).is("both", 400, "improper-parameter");
    let hashed = extended().without("username").and("userhash", "true");
    proxy.get(hashed.field()).is("extended hash", 400, "improper-parameter");
}

#[test]
fn a_failed_log_in_does_not_show_the_name_that_was_typed_3_4() {
    let proxy = Proxy::new();
    let typed = "hunter2";
    for (name, digest) in [
        ("unknown user", Digest { user: typed.into(), ..proxy.fresh() }),
        ("wrong password", Digest { password: typed.into(), ..proxy.fresh() }),
        ("another resource", Digest { uri: format!("/{typed}"), ..proxy.fresh() }),
    ] {
        let refused = proxy.get(digest.field()).refused.unwrap();
        assert!(refused.account().is_none(), "{name}");
        assert!(!format!("{refused} {refused:?}").contains(typed), "{name}");
    }
    let stale = proxy.login(&Digest::new("unknown")).refused.unwrap();
    assert_eq!(stale.account().unwrap().user().as_str(), "alice", "a proved name is one");
}

#[test]
fn a_session_takes_nonce_and_cnonce_of_the_request_at_hand_3_4_2() {
    let sess = [Algorithm::Sha256Sess, Algorithm::Sha512_256Sess, Algorithm::Md5Sess];
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(sess));
    for algorithm in ["SHA-256-sess", "SHA-512-256-sess", "MD5-sess"] {
        let first = Digest { algorithm, ..proxy.fresh() };
        proxy.login(&first).passes(algorithm, "alice");
        let next = Digest { cnonce: "another".into(), ..first.count(2) };
        let answer = proxy.login(&next);
        answer.passes(algorithm, "alice");
        assert_eq!(answer.info("rspauth"), Some(next.rspauth()));
        // A session key of the first request, as the RFC would have it.
        let stuck = first.hash(format!("{}:{}:{}", first.ha1(), first.nonce, first.cnonce));
        let plain = Digest { algorithm: algorithm.trim_end_matches("-sess"), ..next.count(3) };
        let response = quoted(&plain.digest(&stuck, "GET"));
        let sent = plain.params().with("algorithm", algorithm).with("response", response);
        proxy.get(sent.field()).is(algorithm, 407, "wrong-password");
    }
}

#[test]
fn a_hash_may_stand_in_for_the_name_where_that_was_offered_3_4_4() {
    for algorithm in ["SHA-256", "MD5"] {
        for (offered, status) in [(true, 200), (false, 400)] {
            let proxy = Proxy::with_digest(|digest| match offered {
                true => digest.with_userhash(),
                false => digest,
            });
            let digest = Digest { algorithm, ..proxy.fresh() };
            let hash = quoted(&digest.hash("alice:proxy"));
            let sent = digest.params().with("username", hash).and("userhash", "true");
            let answer = proxy.get(sent.field());
            assert_eq!(answer.status, status);
            assert_eq!(answer.user(), offered.then_some("alice"), "the name, not the hash");
        }
    }
}

#[test]
fn the_uri_names_the_resource_of_the_request_line_3_4_6() {
    let proxy = Proxy::new();
    let digest = Digest { uri: "/a".into(), ..proxy.fresh() };
    let other = proxy.ask(&http::Method::GET, "http://example.org/b", digest.field());
    other.is("another one", 400, "other-resource");
    proxy.login(&digest).passes("this one", "alice");
}

#[test]
fn the_info_quotes_what_is_to_be_quoted_and_proves_the_proxy_3_5() {
    let proxy = Proxy::new();
    let digest = Digest { nc: "0000000A".into(), cnonce: r#"a"b\c"#.into(), ..proxy.fresh() };
    let answer = proxy.login(&digest);
    let expected =
        format!(r#"rspauth="{}", cnonce="a\"b\\c", nc=0000000A, qop=auth"#, digest.rspauth());
    assert_eq!(answer.fields(INFO), [expected.as_str()]);
    proxy.clock.set(290);
    let late = proxy.login(&digest.count(11));
    let next = late.info("nextnonce").unwrap();
    assert!(late.fields(INFO)[0].ends_with(&format!(", nextnonce=\"{next}\"")));
}

#[test]
fn how_much_the_info_says_is_an_option_3_5() {
    for (option, early, late) in [
        (AuthInfo::Off, vec![], vec![]),
        (AuthInfo::NextNonce, vec![], vec!["nextnonce"]),
        (AuthInfo::Full, vec!["rspauth"], vec!["rspauth", "nextnonce"]),
    ] {
        let proxy = Proxy::with_digest(|digest| digest.with_auth_info(option));
        let digest = proxy.fresh();
        for (seconds, count, expected) in [(0, 1, early), (299, 2, late)] {
            proxy.clock.set(seconds);
            let answer = proxy.login(&digest.count(count));
            let said: Vec<_> = ["rspauth", "nextnonce"]
                .into_iter()
                .filter(|name| answer.info(name).is_some())
                .collect();
            assert_eq!(said, expected, "{option:?}");
            assert_eq!(answer.headers.contains_key(INFO), !expected.is_empty());
        }
    }
}

#[test]
fn an_old_nonce_is_stale_and_the_new_one_good_3_6() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.clock.set(301);
    let answer = proxy.login(&digest);
    answer.is("old", 407, "nonce-expired");
    proxy.login(&Digest::new(answer.nonce())).passes("new", "alice");
}

#[test]
fn there_is_a_challenge_for_each_algorithm_the_most_preferred_first_3_7() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::all()));
    let answer = proxy.challenge();
    let offered: Vec<_> =
        digests(&answer).iter().map(|one| parameter(one, "algorithm").unwrap()).collect();
    let expected =
        ["SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess", "MD5", "MD5-sess"];
    assert_eq!(offered, expected);
    for algorithm in expected {
        proxy.login(&Digest { algorithm, ..proxy.fresh() }).passes(algorithm, "alice");
    }
}

#[test]
fn the_proxy_s_challenges_are_never_mixed_with_the_origin_s_3_8() {
    let proxy = Proxy::new().inner(|_| {
        let mut response = Response::new(Body::default());
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        let challenge = HeaderValue::from_static("Digest realm=\"origin\", nonce=\"n\"");
        response.headers_mut().insert("www-authenticate", challenge);
        response
    });
    // That a refusal has no WWW-Authenticate is looked at in every answer.
    proxy.challenge().is("the proxy's", 407, "missing-credentials");
    let answer = proxy.login(&proxy.fresh());
    assert_eq!((answer.status, answer.challenges().len()), (401, 0));
    assert_eq!(answer.fields("www-authenticate").len(), 1);
}

#[test]
fn utf_8_is_announced_and_names_are_compared_as_sent_4() {
    let name = "J\u{e4}s\u{f8}n Doe";
    let users = Users::new(&realm()).with_user(name, "Secret, or n\u{f6}t?").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users));
    let answer = proxy.challenge();
    assert!(digests(&answer).iter().all(|one| one.contains(", charset=UTF-8")));
    let password = "Secret, or n\u{f6}t?".to_owned();
    let digest = Digest { user: name.into(), password, ..proxy.fresh() };
    proxy.login(&digest).passes("as stored", name);
    let user = "Ja\u{308}s\u{f8}n Doe".to_owned();
    proxy.login(&Digest { user, ..digest.clone() }).is("decomposed", 407, "unknown-user");
    let password = "Secret, or no\u{308}t?".to_owned();
    proxy.login(&Digest { password, ..digest }).is("decomposed", 407, "wrong-password");
}

#[test]
fn rfc_2069_is_an_option_with_nonces_for_one_request() {
    let by_default = Proxy::new();
    let legacy = |proxy: &Proxy| Digest { algorithm: "MD5", qop: None, ..proxy.fresh() };
    by_default.login(&legacy(&by_default)).is("by default", 400, "missing-parameter");

    let proxy = Proxy::with_digest(|digest| digest.legacy_rfc2069());
    let answer = proxy.challenge();
    let offers_qop: Vec<_> =
        digests(&answer).iter().map(|one| parameter(one, "qop").is_some()).collect();
    assert_eq!(offers_qop, [true, false], "SHA-256 with qop, MD5 without");
    let digest = legacy(&proxy);
    proxy.login(&digest).passes("once", "alice");
    proxy.login(&digest).is("twice", 407, "nonce-replayed");
    let sha256 = Digest { algorithm: "SHA-256", ..legacy(&proxy) };
    proxy.login(&sha256).is("where qop was offered", 400, "missing-parameter");
    let sess = DigestScheme::builder(crate::support::engine::users())
        .with_algorithms([Algorithm::Md5, Algorithm::Md5Sess])
        .legacy_rfc2069();
    let sess = Proxy::of(Authenticator::builder(realm()).with_scheme(sess.build().unwrap()));
    let without_qop = Digest { algorithm: "MD5-sess", ..legacy(&sess) };
    sess.login(&without_qop).is("a session", 400, "missing-parameter");
}

#[test]
fn unknown_parameters_are_ignored() {
    let proxy = Proxy::new();
    let sent = proxy.fresh().params().and("auth-param", "\"1\"").and("domain", "\"/\"");
    proxy.get(sent.field()).passes("unknown", "alice");
}
