//! A stored password: no panic, and a check stays within the limits of the policy.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::backend::password_hash::{HashKind, HashPolicy, PasswordHash};

fuzz_target!(|text: &str| {
    let strict = HashPolicy::new()
        .with_max_bcrypt_cost(4)
        .with_max_sha_crypt_rounds(1_000)
        .with_max_argon2_memory(64)
        .with_max_argon2_passes(1)
        .with_max_yescrypt_memory(64);
    let weak = [
        HashKind::Apr1,
        HashKind::Md5Crypt,
        HashKind::Sha1,
        HashKind::SaltedSha1,
        HashKind::SaltedSha256,
        HashKind::SaltedSha512,
        HashKind::PlainText,
    ];
    let policy = weak.into_iter().fold(strict, HashPolicy::allow_kind);
    if let Ok(hash) = PasswordHash::parse(text, &policy) {
        assert_eq!(hash, PasswordHash::parse(&format!("{text} \r\n"), &policy).expect("the same"));
        assert!(!hash.kind().is_weak() || PasswordHash::parse(text, &strict).is_err());
        let _ = hash.verify("wonder");
    }
});
