//! The origin and the lifetime of nonces, and `stale`.

use std::{collections::HashSet, time::Duration};

use tower_proxy_auth::{
    Authenticator, DigestScheme,
    authenticator::AuthenticatorBuilder,
    digest::{Algorithm, NonceKey, NonceKeys},
};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Proxy, realm, users},
};

fn key(byte: u8) -> NonceKey {
    NonceKey::new(&[byte; 32]).unwrap()
}

fn with_keys(keys: &NonceKeys) -> AuthenticatorBuilder {
    let digest = DigestScheme::builder(users()).with_nonce_keys(keys.clone());
    let digest = digest.build().unwrap();
    Authenticator::builder(realm()).with_scheme(digest)
}

#[test]
fn accepts_a_nonce_until_its_lifetime_ends() {
    let check = |proxy: &Proxy, seconds, name: &str, reason: &str| {
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
    check(&proxy, 0, "at once", "");
    check(&proxy, 2, "after two seconds", "");
    check(&proxy, 300, "at the end of its life", "");
    check(&proxy, 301, "one second later", "nonce-expired");
    check(&proxy, 1_000_000, "much later", "nonce-expired");
    check(&proxy, -60, "from a minute ahead", "");
    check(&proxy, -61, "from further ahead", "nonce-expired");
    let short = Proxy::with_digest(|digest| digest.with_nonce_lifetime(Duration::from_secs(1)));
    check(&short, 1, "a lifetime of its own", "");
    check(&short, 2, "past it", "nonce-expired");
}

#[test]
fn sends_stale_only_if_the_response_is_right() {
    let proxy = Proxy::new();
    let (used, expired, unknown) = (proxy.fresh(), proxy.fresh(), Digest::new("never ours"));
    proxy.login(&used).passes("first", "alice");
    let mut fresh = Vec::new();
    for (name, seconds, digest, reason) in [
        ("used", 0, &used, "nonce-replayed"),
        ("never ours", 0, &unknown, "nonce-unknown"),
        ("expired", 1_000, &expired, "nonce-expired"),
    ] {
        proxy.clock.set(seconds);
        let wrong = Digest { password: "other".into(), ..digest.clone() };
        let stranger = Digest { user: "carol".into(), ..digest.clone() };
        for (digest, reason) in
            [(digest, reason), (&wrong, "wrong-password"), (&stranger, "unknown-user")]
        {
            let answer = proxy.login(digest);
            answer.is(name, 407, reason);
            let stale =
                answer.challenges().iter().filter(|one| one.ends_with(", stale=true")).count();
            assert_eq!(stale, if reason.starts_with("nonce-") { 2 } else { 0 }, "{name} {reason}");
            fresh.push(answer.nonce());
        }
    }
    assert_eq!(fresh.iter().collect::<HashSet<_>>().len(), 9, "every 407 has a new nonce");
}

#[test]
fn refuses_nonces_of_an_instance_with_another_key() {
    let (one, other) = (Proxy::new(), Proxy::new());
    other.login(&one.fresh()).is("one's at the other", 407, "nonce-unknown");
    one.login(&other.fresh()).is("the other's at one", 407, "nonce-unknown");
}

#[test]
fn refuses_nonces_from_before_a_restart_as_stale() {
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
fn accepts_nonces_after_one_key_rotation() {
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
fn refuses_a_nonce_with_any_flipped_bit() {
    let proxy = Proxy::new();
    let nonce = proxy.nonce();
    // A nonce in use is verified like any other.
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
            // A success ends the count of stale answers, whose limit is not tested here.
            proxy.login(&proxy.fresh()).passes("in between", "alice");
            answer.is(&forged, 407, "nonce-unknown");
        }
    }
    proxy.login(&Digest::new(nonce).count(2)).passes("as it was", "alice");
}

#[test]
fn refuses_nonces_of_another_length_or_alphabet() {
    let proxy = Proxy::new();
    let nonce = proxy.nonce();
    let table = [
        ("empty", String::new()),
        ("one character", "A".into()),
        ("one less", nonce[1..].into()),
        ("one more", format!("{nonce}A")),
        ("padded", format!("{nonce}====")),
        ("not base64", "*".repeat(nonce.len())),
        ("standard base64", "+".repeat(nonce.len())),
        ("with blanks", format!(" {nonce} ")),
        ("12 KiB", "A".repeat(12 * 1_024)),
    ];
    for (name, nonce) in table {
        proxy.login(&Digest::new(nonce)).is(name, 407, "nonce-unknown");
    }
    let huge = Digest::new("A".repeat(65_536));
    proxy.login(&huge).is("64 KiB", 431, "field-too-long");
}

#[test]
fn never_reflects_the_opaque_of_the_client() {
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
fn derives_the_session_key_from_each_request() {
    let sess = [Algorithm::Sha256Sess, Algorithm::Sha512_256Sess, Algorithm::Md5Sess];
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(sess));
    for algorithm in ["SHA-256-sess", "SHA-512-256-sess", "MD5-sess"] {
        let first = Digest { algorithm, ..proxy.fresh() };
        proxy.login(&first).passes(algorithm, "alice");
        let next = Digest { cnonce: "another".into(), ..first.count(2) };
        let answer = proxy.login(&next);
        answer.passes(algorithm, "alice");
        assert_eq!(answer.info("rspauth"), Some(next.rspauth()));
        // The RFC would keep the session key of the first request.
        let stuck = first.hash(format!("{}:{}:{}", first.ha1(), first.nonce, first.cnonce));
        let plain = Digest { algorithm: algorithm.trim_end_matches("-sess"), ..next.count(3) };
        let response = quoted(&plain.digest(&stuck, "GET"));
        let sent = plain.params().with("algorithm", algorithm).with("response", response);
        proxy.get(sent.field()).is(algorithm, 407, "wrong-password");
    }
}
