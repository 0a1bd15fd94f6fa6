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

/// Hashes of the password `wonder`, and the programs that made them.
const WONDER: [(&str, HashKind, &str); 21] = [
    (
        "htpasswd -B",
        HashKind::Bcrypt,
        "$2y$05$TA5mbRKzvQwdychd9tJ99.S.tnGoozGX0nQhuO5E2jt/3MF/51SaK",
    ),
    (
        "mkpasswd -m bcrypt",
        HashKind::Bcrypt,
        "$2b$05$irC9m7bs5H60kCnu8FfdcuZN7sAy.kLH3yKq6FR1OPO4XtB.EfuC6",
    ),
    (
        "mkpasswd -m bcrypt-a",
        HashKind::Bcrypt,
        "$2a$05$XDgifR9HD9NED6KiqWy3oOvvJ7LkJvASVDQsy9MN2YB502ezFPDQK",
    ),
    (
        "htpasswd -2",
        HashKind::Sha256Crypt,
        "$5$ZlDivOzMm13QkK0h$45GAnYtDfuqZqZO/7PUprHDgpOT0zMUDh/GKME05Y1C",
    ),
    (
        "mkpasswd -m sha256crypt",
        HashKind::Sha256Crypt,
        "$5$6RfHkiXKU8i9Gmmr$vpzbe3CmUTHKmBTu5Dw6ig0voH8jx40ZkG2poowBxUA",
    ),
    (
        "openssl passwd -5",
        HashKind::Sha256Crypt,
        "$5$abcdefgh$LBuRH6O/ZSxqJaWNGryfvf6YBdC687SysEOlA783WA3",
    ),
    (
        "htpasswd -5",
        HashKind::Sha512Crypt,
        "$6$TVCTP1KdlcrOwlqz$8TvVsWGHdbXEJsrae2K9wyyNcD4JRhlufHHakDyrNmoVi1GaAE9vSkz5SgWsLBmICzv7.\
         IXpkOSSepNGvrSvX/",
    ),
    (
        "mkpasswd -m sha512crypt",
        HashKind::Sha512Crypt,
        "$6$FsZozdQFK/oStPiZ$uH8DRlcilxkLF6Arj1OC9asAs3qriqsn5GtD9YOBtpOkyKB45sU/Xfg1yRPKh03.9EYym\
         bwJcPbYWkbFvTFQB.",
    ),
    (
        "slappasswd, module argon2",
        HashKind::Argon2,
        "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$d9+l7DTX+Nbjn7aW5h6WyQ$VogKHV3miD7WeMm2+PAGJTtKRP9Z4W\
         CYzCqcjQ8NMvA",
    ),
    (
        "mkpasswd -m yescrypt",
        HashKind::Yescrypt,
        "$y$j9T$3qQUJcKEA4Ao/6Luytvvi.$E6ghDezQdGRwzz0GzHDYTNHpU/YV0mnvWrGGQAgoRc5",
    ),
    (
        "mkpasswd -m yescrypt -R 1",
        HashKind::Yescrypt,
        "$y$j75$eyHfBVyhQiZ2Mqozo13iL1$or/S9K4iVVwSMQJbU.XgIN1Y2dZ0F/zK7drD3nopyb5",
    ),
    (
        "mkpasswd -m yescrypt -R 2",
        HashKind::Yescrypt,
        "$y$j85$oLU5fHNscGpf2xq8jXEo50$AFKY69TqjYit0hslj5L/I3fm4Se4X.nzvspMGC9Vzj1",
    ),
    (
        "mkpasswd -m yescrypt -R 3",
        HashKind::Yescrypt,
        "$y$j7T$re7aYBPPSH2DrNkleeRh7.$5mP/zTIqwB.RBtdp5dL1h/ddwq66XAM4dCpALabTfB0",
    ),
    (
        "crypt(3) with N = 2^14, r = 8, p = 3",
        HashKind::Yescrypt,
        "$y$jB5./$abcdefgh$4KME.54MT/ZNOTkm0vcfUy/Opveg7qPCT5pvfotBfo4",
    ),
    ("mkpasswd -m md5crypt", HashKind::Md5Crypt, "$1$JQomid3.$ekq/lIRoYLKKC0j29Veer1"),
    ("openssl passwd -1", HashKind::Md5Crypt, "$1$abcdefgh$hqvCbNwzGGtJDzHd8m2pC1"),
    ("htpasswd -m", HashKind::Apr1, "$apr1$IylsSWDR$Wn9qRH6fLgv8BksKX3h0F/"),
    ("htpasswd -s", HashKind::Sha1, "{SHA}w3QkzGJswDXW5OKZHAJw0FELjfM="),
    ("slappasswd -h {SSHA}", HashKind::SaltedSha1, "{SSHA}9EB2oA1IZm7okxH4qwkjJuo7RPeKIWq9"),
    (
        "slappasswd -h {SSHA256}",
        HashKind::SaltedSha256,
        "{SSHA256}gvQ43UhH+s+nxv7NCtAjfNuscYT4lPAh2P/nYNsKPO7Kcyc9RaodnQ==",
    ),
    (
        "slappasswd -h {SSHA512}",
        HashKind::SaltedSha512,
        "{SSHA512}Ss/9fJBupt2h9CNRlxk0gje9JLqj7abjIG6Mej4AC2bzWRv5o10a5w4h2XdOtLfcYurCzMCRU7/2Ko7AZ\
         k/i+gViHEK9RSIs",
    ),
];

fn policy() -> HashPolicy {
    let weak = [
        HashKind::Apr1,
        HashKind::Md5Crypt,
        HashKind::Sha1,
        HashKind::SaltedSha1,
        HashKind::SaltedSha256,
        HashKind::SaltedSha512,
        HashKind::PlainText,
    ];
    weak.into_iter().fold(HashPolicy::new(), HashPolicy::allow_kind)
}

fn samples() -> Vec<(String, String)> {
    let all: Value = serde_json::from_str(include_str!("../support/vectors.json")).unwrap();
    let text = |sample: &Value, name: &str| sample[name].as_str().unwrap().to_owned();
    let listed = all["passwords"].as_array().unwrap().iter();
    let listed = listed.map(|sample| (text(sample, "password"), text(sample, "hash")));
    let mut samples: Vec<_> = listed.filter(|(_, hash)| hash != LISTED_WRONGLY).collect();
    assert!(samples.len() > 5, "{samples:?}");
    samples.extend(MORE.map(|(password, hash)| (password.to_owned(), hash.to_owned())));
    samples.extend(WONDER.map(|(_, _, hash)| ("wonder".to_owned(), hash.to_owned())));
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

#[test]
fn recognizes_hashes_of_real_programs() {
    for (program, kind, hash) in WONDER {
        let stored = PasswordHash::parse(hash, &policy()).unwrap();
        assert_eq!(stored.kind(), kind, "{program}");
        let strict = PasswordHash::parse(hash, &HashPolicy::new());
        assert_eq!(strict.is_ok(), !kind.is_weak(), "{program}");
    }
}

/// What Dovecot and OpenLDAP put before a hash.
const PREFIXES: [(&str, &[&str]); 8] = [
    ("{BLF-CRYPT}", &["$2y$", "$2b$", "$2a$"]),
    ("{SHA256-CRYPT}", &["$5$"]),
    ("{SHA512-CRYPT}", &["$6$"]),
    ("{MD5-CRYPT}", &["$1$"]),
    ("{CRYPT}", &["$2y$", "$2b$", "$2a$", "$5$", "$6$", "$y$", "$1$"]),
    ("{ARGON2ID}", &["$argon2id$"]),
    ("{ARGON2I}", &["$argon2i$"]),
    ("{ARGON2}", &["$argon2id$", "$argon2i$"]),
];

#[test]
fn reads_a_prefix_before_a_hash_of_its_kind_only() {
    let (mut read, mut refused) = (0, 0);
    for (_, hash) in samples().into_iter().filter(|(_, hash)| hash.starts_with('$')) {
        let bare = PasswordHash::parse(&hash, &policy()).unwrap();
        for (prefix, fitting) in PREFIXES {
            let fits = fitting.iter().any(|own| hash.starts_with(own));
            for prefix in [prefix.to_owned(), prefix.to_lowercase(), prefix.replace('R', "r")] {
                let parsed = PasswordHash::parse(&format!("{prefix}{hash}"), &policy());
                match parsed {
                    Ok(parsed) => assert!(fits && parsed == bare, "{prefix}{hash}"),
                    Err(error) => {
                        let text = error.to_string();
                        assert!(!fits && text.contains("correct the prefix"), "{text}");
                    }
                }
                *if fits { &mut read } else { &mut refused } += 1;
            }
        }
        for prefix in ["{CRYPT}{CRYPT}", "{BLF-CRYPT} ", "{}", "{PLAIN-MD5}", "{SHA512-CRYPT.HEX}"]
        {
            assert!(PasswordHash::parse(&format!("{prefix}{hash}"), &policy()).is_err());
        }
    }
    assert!(read > 50 && refused > 50, "{read} {refused}");
}

#[test]
fn ignores_blanks_and_line_breaks_behind_a_hash() {
    let padding = " ".repeat(100);
    for (_, hash) in samples() {
        let bare = PasswordHash::parse(&hash, &policy()).unwrap();
        for behind in [" ", "\n", "\r\n", "\t", padding.as_str()] {
            let padded = PasswordHash::parse(&format!("{hash}{behind}"), &policy());
            assert!(padded.is_ok_and(|padded| padded == bare), "{hash}{behind:?}");
            let before = PasswordHash::parse(&format!("{behind}{hash}"), &HashPolicy::new());
            assert!(before.is_err(), "{behind:?}{hash}");
        }
    }
}

proptest! {
    /// Most of these texts are broken hashes. The others match none of these passwords.
    #[test]
    fn reads_any_text_without_a_panic(
        prefix in "(\\{[A-Za-z0-9-]{0,12}\\})?(\\$2[abxy]\\$(0[0-9]\\$)?|\\$[156]\\$|\\$apr1\\$|\\$y\\$(j[/-9A-F][5T]\\$)?|\\$argon2(i|d|id)\\$(v=19\\$)?|\\{S?SHA(256|512)?\\})?",
        rest in "(\\PC{0,20}|[./0-9A-Za-z$=,+]{0,100}|m=[0-9]{1,2},t=1,p=1\\$[A-Za-z0-9+/$]{0,80})",
    ) {
        let text = format!("{prefix}{rest}");
        let policy = policy().with_max_bcrypt_cost(5).with_max_yescrypt_memory(1024);
        if let Ok(hash) = PasswordHash::parse(&text, &policy) {
            let is_plain = hash.kind() == HashKind::PlainText && !text.starts_with('{');
            prop_assert_eq!(hash.verify(text.trim_ascii_end()), is_plain);
        }
    }
}
