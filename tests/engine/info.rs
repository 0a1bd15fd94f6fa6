//! The content of `Proxy-Authentication-Info`.

use tower_proxy_auth::digest::{Algorithm, AuthInfo};

use crate::support::{
    digest::Digest,
    engine::{INFO, Proxy},
};

#[test]
fn quotes_as_in_rfc_7616_and_proves_the_secret() {
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
fn sends_as_much_as_the_option_allows() {
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
fn sends_a_nextnonce_near_the_end_of_a_lifetime() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.clock.set(225);
    let early = proxy.login(&digest);
    early.passes("three quarters", "alice");
    assert_eq!(early.info("nextnonce"), None);
    proxy.clock.set(226);
    let late = proxy.login(&digest.count(2));
    late.passes("later", "alice");
    let next = late.info("nextnonce").unwrap();
    assert_ne!(next, digest.nonce);
    proxy.clock.set(301);
    proxy.login(&digest.count(3)).is("the old one", 407, "nonce-expired");
    proxy.login(&Digest::new(next)).passes("the next one", "alice");
}

#[test]
fn sends_no_nextnonce_in_a_session() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms([Algorithm::Sha256Sess]));
    let digest = Digest { algorithm: "SHA-256-sess", ..proxy.fresh() };
    proxy.clock.set(299);
    let answer = proxy.login(&digest);
    answer.passes("near the end", "alice");
    assert_eq!(answer.info("nextnonce"), None);
    assert_eq!(answer.info("rspauth"), Some(digest.rspauth()));
}
