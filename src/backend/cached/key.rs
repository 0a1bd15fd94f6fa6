//! What a verdict is found by.

use std::cell::OnceCell;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A MAC over what a client sent. All 32 bytes are compared.
pub(super) type Key = [u8; 32];

/// The key of the MAC: drawn anew for each cache, so that nobody can compute from outside what
/// falls together, nor test guesses on what is found in memory without it.
#[derive(Clone)]
pub(super) struct MacKey(Hmac<Sha256>);

/// The keys of one question.
pub(super) struct Keys {
    /// Covers all of it.
    pub(super) question: Key,
    named: Hmac<Sha256>,
    name: OnceCell<Key>,
}

impl MacKey {
    pub(super) fn random() -> Result<Self, ConfigError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|error| ConfigError::Randomness(error.into()))?;
        // An HMAC takes a key of any length.
        Hmac::new_from_slice(key.as_slice())
            .map(Self)
            .map_err(|error| ConfigError::Randomness(error.to_string().into()))
    }

    /// The keys of a question of those fields, and of a `password` where there is one.
    pub(super) fn of(&self, named: &[&[u8]], password: Option<&[u8]>) -> Keys {
        let mut mac = self.0.clone();
        for field in named {
            add(&mut mac, field);
        }
        let named = mac.clone();
        if let Some(password) = password {
            add(&mut mac, password);
        }
        Keys { question: mac.finalize().into_bytes().into(), named, name: OnceCell::new() }
    }
}

impl Keys {
    /// Covers all but the password. It is made when it is first asked for, which most never do.
    pub(super) fn name(&self) -> Key {
        *self.name.get_or_init(|| self.named.clone().finalize().into_bytes().into())
    }
}

/// Its length comes first, so that no two lists of fields run together to the same bytes.
fn add(mac: &mut Hmac<Sha256>, field: &[u8]) {
    mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
    mac.update(field);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{super::question::Question, *};
    use crate::{
        Users,
        backend::{BasicCredentials, DigestName, DigestUser},
        wire::{
            Realm,
            digest::{HashFunction, Userhash},
        },
    };

    fn keys(mac_key: &MacKey, realm: &str, name: &str, password: &str) -> Keys {
        let realm = Realm::new(realm).unwrap();
        let credentials = BasicCredentials::new(&realm, name, password);
        Question::<Users>::keys(&credentials, mac_key)
    }

    fn of_secret(mac_key: &MacKey, function: HashFunction, name: DigestName<'_>) -> Key {
        let realm = Realm::new("proxy").unwrap();
        Question::<Users>::keys(&DigestUser::new(&realm, function, name), mac_key).question
    }

    #[test]
    fn differs_with_every_field_and_with_where_one_ends() {
        let mac_key = MacKey::random().unwrap();
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
        let key = |(realm, name, password)| keys(&mac_key, realm, name, password).question;
        let all: HashSet<_> = sent.into_iter().map(key).collect();
        assert_eq!(all.len(), sent.len());
        assert!(all.contains(&key(("proxy", "ab", "c"))));
    }

    #[test]
    fn questions_for_secrets_differ_by_function_and_by_kind_of_name() {
        let mac_key = MacKey::random().unwrap();
        let hash = Userhash::new(HashFunction::Md5, "alice", "proxy");
        let mut all = HashSet::from([keys(&mac_key, "proxy", "alice", "").question]);
        for function in HashFunction::all() {
            for name in ["alice", "alicf"] {
                all.insert(of_secret(&mac_key, function, DigestName::UserId(name)));
            }
            all.insert(of_secret(&mac_key, function, DigestName::Userhash(&hash)));
        }
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn each_cache_has_a_key_of_its_own() {
        let [one, other] = [0; 2].map(|_| MacKey::random().unwrap());
        let key = |mac_key| keys(mac_key, "proxy", "alice", "wonder").question;
        assert_ne!(key(&one), key(&other));
        assert_eq!(key(&one), key(&one));
    }

    #[test]
    fn the_key_of_a_name_leaves_out_the_password_alone() {
        let mac_key = MacKey::random().unwrap();
        let name = |name, password| keys(&mac_key, "proxy", name, password).name();
        assert_eq!(name("alice", "wonder"), name("alice", "other"));
        assert_ne!(name("alice", "wonder"), name("alicf", "wonder"));
        assert_ne!(name("alice", ""), keys(&mac_key, "proxy", "alice", "").question);
    }
}
