//! Cache keys.

use crate::{
    backend::{BasicCredentials, DigestName, DigestUser},
    error::ConfigError,
    secret::MacKey,
};

/// A MAC over the credentials that a client sent.
pub(super) type Key = [u8; MacKey::MAC_LENGTH];

/// Makes the keys of one cache, with a random MAC key.
///
/// # Security
/// Without the MAC key, the keys of answers cannot be used to test guesses of a password.
pub(super) struct KeyMaker(MacKey);

impl KeyMaker {
    pub(super) fn random() -> Result<Self, ConfigError> {
        MacKey::random().map(Self)
    }

    pub(super) fn of_credentials(&self, credentials: BasicCredentials<'_>) -> Key {
        let realm = credentials.realm().as_str();
        self.0.mac(
            &[realm, "Basic", credentials.user_id(), credentials.password()].map(str::as_bytes),
        )
    }

    pub(super) fn of_user(&self, user: DigestUser<'_>) -> Key {
        let (kind, name) = match user.name() {
            DigestName::UserId(name) => ("user-id", name.as_bytes()),
            DigestName::Userhash(hash) => ("userhash", hash.as_bytes()),
        };
        let function = user.function().to_string();
        let [realm, scheme, function, kind] =
            [user.realm().as_str(), "Digest", &function, kind].map(str::as_bytes);
        self.0.mac(&[realm, scheme, function, kind, name])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::wire::{
        Realm,
        digest::{HashFunction, Userhash},
    };

    fn key(keys: &KeyMaker, (realm, name, password): (&str, &str, &str)) -> Key {
        let realm = Realm::new(realm).unwrap();
        keys.of_credentials(BasicCredentials::new(&realm, name, password))
    }

    #[test]
    fn differs_with_every_field_and_its_end() {
        let keys = KeyMaker::random().unwrap();
        let long = "n".repeat(60);
        let sent = [
            ("proxy", "ab", "c"),
            ("proxy", "a", "bc"),
            ("proxy", "abc", ""),
            ("proxyab", "c", ""),
            ("proxyBasic", "ab", "c"),
            ("other", "ab", "c"),
            ("proxy", "AB", "c"),
            ("proxy", "ab", "C"),
            ("proxy", &(long.clone() + "x"), "c"),
            ("proxy", &(long.clone() + "y"), "c"),
            ("proxy", &long, "xc"),
            ("proxy", "ab", &(long.clone() + "x")),
            ("proxy", "ab", &(long.clone() + "y")),
        ];
        let all: HashSet<_> = sent.into_iter().map(|sent| key(&keys, sent)).collect();
        assert_eq!(all.len(), sent.len());
        assert!(all.contains(&key(&keys, ("proxy", "ab", "c"))));
    }

    #[test]
    fn secrets_differ_by_function_and_kind_of_name() {
        let (keys, realm) = (KeyMaker::random().unwrap(), Realm::new("proxy").unwrap());
        let hash = Userhash::new(HashFunction::Md5, "alice", &realm);
        let mut all = HashSet::from([key(&keys, ("proxy", "alice", ""))]);
        for &function in HashFunction::ALL {
            for name in [
                DigestName::UserId("alice"),
                DigestName::UserId("alicf"),
                DigestName::Userhash(&hash),
            ] {
                all.insert(keys.of_user(DigestUser::new(&realm, function, name)));
            }
        }
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn each_cache_has_its_own_keys() {
        let [one, other] = [0; 2].map(|_| KeyMaker::random().unwrap());
        let sent = ("proxy", "alice", "wonder");
        assert_ne!(key(&one, sent), key(&other, sent));
        assert_eq!(key(&one, sent), key(&one, sent));
    }
}
