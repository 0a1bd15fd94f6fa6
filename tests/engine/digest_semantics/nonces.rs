//! Where a nonce comes from and how long it is good.

use std::time::Duration;

use tower_proxy_auth::{
    Authenticator, DigestScheme,
    authenticator::AuthenticatorBuilder,
    digest::{Algorithm, NonceKey, NonceKeys},
};

use crate::support::{
    digest::{Digest, parameter, quoted},
    engine::{Proxy, realm, users},
};

fn key(byte: u8) -> NonceKey {
    NonceKey::new(&[byte; 32]).unwrap()
}

fn with_keys(keys: &NonceKeys) -> AuthenticatorBuilder {
    let digest = DigestScheme::builder(users()).with_nonce_keys(keys.clone());
    let digest = digest.allow_unshared_replay_state().build().unwrap();
    Authenticator::builder(realm()).with_scheme(digest)
}

#[test]
fn a_nonce_lives_as_long_as_it_should() {
    let minute = |proxy: &Proxy, seconds, name: &str, reason: &str| {
        proxy.clock.set(0);
        let digest = proxy.fresh();
        proxy.clock.set(seconds);
        let answer = proxy.login(&digest);
        match reason {
            "" => answer.passes(name, "alice"),
            _ => answer.is(name, 407, reason),
        }
    };
    let proxy = Proxy::new();
    minute(&proxy, 0, "at once", "");
    minute(&proxy, 2, "after two seconds", "");
    minute(&proxy, 300, "at the end of its life", "");
    minute(&proxy, 301, "one second later", "nonce-expired");
    minute(&proxy, 1_000_000, "much later", "nonce-expired");
    minute(&proxy, -60, "from a minute ahead", "");
    minute(&proxy, -61, "from further ahead", "nonce-expired");
    let short = Proxy::with_digest(|digest| digest.with_nonce_lifetime(Duration::from_secs(1)));
    minute(&short, 1, "a lifetime of its own", "");
    minute(&short, 2, "past it", "nonce-expired");
}

#[test]
fn an_expired_nonce_is_stale_for_a_right_digest_alone() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.clock.set(301);
    let wrong = Digest { password: "other".into(), ..digest.clone() };
    proxy.login(&wrong).is("a wrong password", 407, "wrong-password");
    let nobody = Digest { user: "carol".into(), ..digest.clone() };
    proxy.login(&nobody).is("an unknown user", 407, "unknown-user");
    proxy.login(&digest).is("the right one", 407, "nonce-expired");
}

#[test]
fn instances_without_a_configured_key_refuse_each_other_s_nonces() {
    let (one, other) = (Proxy::new(), Proxy::new());
    other.login(&one.fresh()).is("one's at the other", 407, "nonce-unknown");
    one.login(&other.fresh()).is("the other's at one", 407, "nonce-unknown");
}

#[test]
fn a_header_from_before_a_restart_is_stale_although_the_key_is_the_same() {
    let keys = NonceKeys::new(key(7));
    let before = Proxy::of(with_keys(&keys));
    let (used, unused) = (before.fresh(), before.fresh());
    before.login(&used).passes("before", "alice");
    let after = Proxy::at(before.clock.clone(), with_keys(&keys));
    after.login(&used).is("used", 407, "nonce-unknown");
    after.login(&unused).is("unused", 407, "nonce-unknown");
    let answer = after.login(&used.count(2));
    answer.is("the next count", 407, "nonce-unknown");
    after.login(&Digest::new(answer.nonce())).passes("with the new nonce", "alice");
}

#[test]
fn a_rotated_key_leaves_the_nonces_of_the_one_before_good() {
    let keys = NonceKeys::new(key(1));
    let proxy = Proxy::of(with_keys(&keys));
    let digest = proxy.fresh();
    keys.rotate(key(2));
    proxy.login(&digest).passes("one rotation", "alice");
    keys.rotate(key(3));
    proxy.login(&digest.count(2)).is("two rotations", 407, "nonce-unknown");
    proxy.login(&proxy.fresh()).passes("the new key", "alice");
}

#[test]
fn a_process_changes_its_own_keys_without_anybody_noticing() {
    let day = Duration::from_secs(24 * 3_600);
    let proxy = Proxy::with_digest(|digest| digest.with_nonce_lifetime(day));
    let mut digest = proxy.fresh();
    for hour in 1..=72 {
        proxy.clock.set(hour * 3_600);
        let next = proxy.fresh();
        proxy.login(&digest).passes(&format!("hour {hour}"), "alice");
        digest = next;
    }
}

#[test]
fn any_flipped_bit_makes_a_nonce_unknown() {
    let proxy = Proxy::new();
    let nonce = proxy.nonce();
    // On record, where a shortcut spares the check of its seal.
    proxy.login(&Digest::new(&nonce)).passes("first", "alice");
    for position in 0..nonce.len() {
        for bit in 0..7 {
            let mut forged = nonce.clone().into_bytes();
            forged[position] ^= 1 << bit;
            let forged = String::from_utf8(forged).unwrap();
            if forged.contains(|c: char| c.is_control()) {
                continue;
            }
            let answer = proxy.login(&Digest::new(&forged).count(2));
            // The cap on stale answers belongs to another test.
            proxy.login(&proxy.fresh()).passes("in between", "alice");
            answer.is(&forged, 407, "nonce-unknown");
        }
    }
    proxy.login(&Digest::new(nonce).count(2)).passes("as it was", "alice");
}

#[test]
fn a_nonce_of_another_length_or_alphabet_is_unknown() {
    let proxy = Proxy::new();
    let nonce = proxy.nonce();
    let table = [
        ("empty", String::new()),
        ("one character", "A".into()),
        ("one less", nonce[1..].into()),
        ("one more", format!("{nonce}A")),
        ("padded", format!("{nonce}====")),
        ("no base64", "*".repeat(nonce.len())),
        ("standard base64", "+".repeat(nonce.len())),
        ("with blanks", format!(" {nonce} ")),
        ("12 KiB", "A".repeat(12 * 1_024)),
    ];
    for (name, nonce) in table {
        proxy.login(&Digest::new(nonce)).is(name, 407, "nonce-unknown");
    }
    let huge = Digest::new("A".repeat(65_536));
    proxy.login(&huge).is("64 KiB", 431, "field-too-long");
    let wrong = Digest { password: "other".into(), ..Digest::new("A") };
    proxy.login(&wrong).is("not stale with a wrong digest", 407, "wrong-password");
}

#[test]
fn the_client_s_opaque_is_never_sent_back() {
    let proxy = Proxy::new();
    let opaque = "cafe5eed";
    let params = proxy.fresh().params().and("opaque", quoted(opaque));
    let accepted = proxy.get(params.field());
    accepted.passes("any opaque", "alice");
    for answer in [accepted, proxy.get(params.field())] {
        assert!(!format!("{:?}", answer.headers).contains(opaque));
        assert!(!String::from_utf8_lossy(&answer.body).contains(opaque));
    }
}

#[test]
fn nextnonce_comes_near_the_end_of_a_nonce_and_is_good() {
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
fn a_session_is_never_told_a_next_nonce() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms([Algorithm::Sha256Sess]));
    let digest = Digest { algorithm: "SHA-256-sess", ..proxy.fresh() };
    proxy.clock.set(299);
    let answer = proxy.login(&digest);
    answer.passes("near the end", "alice");
    assert_eq!(answer.info("nextnonce"), None);
    assert_eq!(answer.info("rspauth"), Some(digest.rspauth()));
}

#[test]
fn all_challenges_of_an_answer_share_nonce_opaque_and_realm() {
    let proxy = Proxy::new();
    let answer = proxy.challenge();
    let digests: Vec<_> =
        answer.challenges().into_iter().filter(|one| one.starts_with("Digest ")).collect();
    assert_eq!(digests.len(), 2);
    for name in ["realm", "nonce", "opaque"] {
        let values: Vec<_> = digests.iter().map(|one| parameter(one, name).unwrap()).collect();
        assert_eq!(values[0], values[1], "{name}");
    }
    for algorithm in ["SHA-256", "MD5"] {
        let digest = Digest { algorithm, ..proxy.fresh() };
        proxy.login(&digest).passes("a nonce is not bound to an algorithm", "alice");
    }
}
