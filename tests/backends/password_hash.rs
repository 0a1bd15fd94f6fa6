//! Stored passwords against the values of `vectors.json`, which other implementations computed.

use proptest::prelude::*;
use serde_json::Value;
use tower_proxy_auth::backend::password_hash::{HashKind, HashPolicy, PasswordHash};

/// Made by the reference implementation of Argon2 and by crypt(3).
const MORE: [(&str, &str); 5] = [
    ("password", "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"),
    (
        "password",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    ),
    (
        "password",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ),
    ("Hello world!", "$5$rounds=1000$saltstring$z/y8l95GSjij6uHx2xAJer7YCODLtrhIxItWC13D4g5"),
    ("password", LISTED_WRONGLY),
];

/// Listed as the hash of `Hello world!`, but according to crypt(3), it is the one of `password`.
const LISTED_WRONGLY: &str =
    "$5$rounds=1000$saltstring$S2dlplsLzofRuJ/frAjtaYev58CdqEN6fUby2laILG1";

fn policy() -> HashPolicy {
    HashPolicy::new()
        .allow_kind(HashKind::Apr1)
        .allow_kind(HashKind::Sha1)
        .allow_kind(HashKind::PlainText)
}

fn samples() -> Vec<(String, String)> {
    let all: Value = serde_json::from_str(include_str!("../support/vectors.json")).unwrap();
    let text = |sample: &Value, name: &str| sample[name].as_str().unwrap().to_owned();
    let listed = all["passwords"].as_array().unwrap().iter();
    let listed = listed.map(|sample| (text(sample, "password"), text(sample, "hash")));
    let mut samples: Vec<_> = listed.filter(|(_, hash)| hash != LISTED_WRONGLY).collect();
    assert!(samples.len() > 5, "{samples:?}");
    samples.extend(MORE.map(|(password, hash)| (password.to_owned(), hash.to_owned())));
    samples
}

#[test]
fn verifies_the_right_password_only() {
    for (password, hash) in samples() {
        let stored = PasswordHash::parse(&hash, &policy()).unwrap();
        assert!(stored.verify(&password), "{hash}");
        for wrong in [format!("{password}x"), format!("x{password}"), "wrong".to_owned()] {
            assert!(!stored.verify(&wrong), "{hash}: {wrong}");
        }
        assert_eq!(stored.verify(""), password.is_empty(), "{hash}");
    }
}

#[test]
fn refuses_the_password_of_another_hash() {
    let samples = samples();
    for (_, hash) in &samples {
        let stored = PasswordHash::parse(hash, &policy()).unwrap();
        let own = samples.iter().find(|(_, other)| other == hash).map(|(password, _)| password);
        for (password, _) in &samples {
            assert_eq!(stored.verify(password), Some(password) == own, "{hash}: {password}");
        }
    }
}

proptest! {
    /// Most of these texts are broken hashes. The others match none of these passwords.
    #[test]
    fn reads_any_text_without_a_panic(
        prefix in "(\\$2[abxy]\\$(0[0-9]\\$)?|\\$[156]\\$|\\$apr1\\$|\\$argon2(i|d|id)\\$(v=19\\$)?|\\{SHA\\})?",
        rest in "(\\PC{0,20}|[./0-9A-Za-z$=,+]{0,100}|m=[0-9]{1,2},t=1,p=1\\$[A-Za-z0-9+/$]{0,80})",
    ) {
        let text = format!("{prefix}{rest}");
        let policy = policy().with_max_bcrypt_cost(5);
        if let Ok(hash) = PasswordHash::parse(&text, &policy) {
            prop_assert_eq!(hash.verify(&text), hash.kind() == HashKind::PlainText);
        }
    }
}
