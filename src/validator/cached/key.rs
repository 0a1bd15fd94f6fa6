//! What a verdict is found by.

use std::cell::OnceCell;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{error::ConfigError, ports::BasicCredentials};

/// A MAC over what a client sent. All 32 bytes are compared.
pub(super) type Key = [u8; 32];

/// The key of the MAC: drawn anew for each cache, so that nobody can compute from outside what falls
/// together, nor test guesses on what is found in memory without it.
#[derive(Clone)]
pub(super) struct MacKey(Hmac<Sha256>);

/// The scheme that the credentials belong to.
const SCHEME: &str = "Basic";

/// The keys of one request.
pub(super) struct Keys {
    /// Covers all that was sent.
    pub(super) credentials: Key,
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

    pub(super) fn of(&self, credentials: &BasicCredentials<'_>) -> Keys {
        let mut named = self.0.clone();
        for field in [credentials.realm().as_str(), SCHEME, credentials.user_id()] {
            add(&mut named, field);
        }
        let mut whole = named.clone();
        add(&mut whole, credentials.password());
        Keys { credentials: whole.finalize().into_bytes().into(), named, name: OnceCell::new() }
    }
}

impl Keys {
    /// Covers all but the password. It is made when it is first asked for, which most never do.
    pub(super) fn name(&self) -> Key {
        *self.name.get_or_init(|| self.named.clone().finalize().into_bytes().into())
    }
}

/// Its length comes first, so that no two lists of fields run together to the same bytes.
fn add(mac: &mut Hmac<Sha256>, field: &str) {
    mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
    mac.update(field.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::scheme::Realm;

    fn key(mac_key: &MacKey, realm: &str, name: &str, password: &str) -> Key {
        let realm = Realm::new(realm).unwrap();
        mac_key.of(&BasicCredentials::new(&realm, name, password)).credentials
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
        let keys: HashSet<_> = sent
            .iter()
            .map(|(realm, name, password)| key(&mac_key, realm, name, password))
            .collect();
        assert_eq!(keys.len(), sent.len());
        assert!(keys.contains(&key(&mac_key, "proxy", "ab", "c")));
    }

    #[test]
    fn each_cache_has_a_key_of_its_own() {
        let [one, other] = [0; 2].map(|_| MacKey::random().unwrap());
        assert_ne!(key(&one, "proxy", "alice", "wonder"), key(&other, "proxy", "alice", "wonder"));
    }

    #[test]
    fn the_key_of_a_name_leaves_out_the_password_alone() {
        let (mac_key, realm) = (MacKey::random().unwrap(), Realm::new("proxy").unwrap());
        let name =
            |name, password| mac_key.of(&BasicCredentials::new(&realm, name, password)).name();
        assert_eq!(name("alice", "wonder"), name("alice", "other"));
        assert_ne!(name("alice", "wonder"), name("alicf", "wonder"));
        assert_ne!(
            name("alice", ""),
            mac_key.of(&BasicCredentials::new(&realm, "alice", "")).credentials
        );
    }
}
