//! The memory of stored hashes, which name their own cost.

use counting_allocator::count;
use proptest::prelude::*;
use tower_proxy_auth::backend::password_hash::{HashKind, HashPolicy, PasswordHash};

use crate::turn;

/// The highest memory of a check, in KiB.
const LIMIT: u32 = 1024;

fn policy() -> HashPolicy {
    [HashKind::Md5Crypt, HashKind::SaltedSha512, HashKind::PlainText]
        .into_iter()
        .fold(HashPolicy::new(), HashPolicy::allow_kind)
        .with_max_bcrypt_cost(4)
        .with_max_sha_crypt_rounds(5_000)
        .with_max_argon2_memory(LIMIT)
        .with_max_argon2_passes(2)
        .with_max_yescrypt_memory(LIMIT)
}

proptest! {
    #[test]
    fn stays_within_the_limits_of_the_policy(text in prop_oneof![
        "\\$y\\$j[./-9A-Za-z]{2,10}\\$[./-9A-Za-z]{22}\\$[./0-9A-Za-z]{42}[./01]",
        "\\$y\\$j[/-9][./-9][./01]{0,2}\\$[./-9A-Za-z]{20}\\$[./0-9A-Za-z]{42}[./01]",
        "\\$argon2(i|d|id)\\$v=19\\$m=[1-9][0-9]{0,9},t=[1-9][0-9]{0,8},p=[1-9][0-9]{0,7}\\$[A-Za-z0-9]{16}\\$[A-Za-z0-9]{43}",
        "\\$argon2id\\$v=19\\$m=[1-9][0-9]{2},t=[12],p=[1-9]\\$[A-Za-z0-9]{16}\\$[A-Za-z0-9]{42}A",
        "(\\$[1-7y]\\$|\\{[A-Z0-9]{2,12}\\})?\\PC{0,200}",
    ]) {
        let _turn = turn();
        let policy = policy();
        let (parsed, taken) = count(|| PasswordHash::parse(&text, &policy));
        prop_assert!(taken.bytes_taken < 4_096, "{taken:?}");
        if let Ok(hash) = parsed {
            let (_, taken) = count(|| hash.verify("wonder"));
            // yescrypt reserves the memory once before it takes it, and takes less before.
            prop_assert!(taken.bytes_taken < u64::from(LIMIT) * 1_024 * 4, "{taken:?}");
        }
    }
}
