//! The keys that answers are kept under.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    backend::{BasicCredentials, DigestName, DigestUser},
    error::ConfigError,
    wire::digest::HashFunction,
};

/// A MAC over what a client sent.
pub(super) type Key = [u8; 32];

/// The random key of the MAC, one per cache.
///
/// # Security
/// Without it, the keys of answers cannot be used to test guesses of a password.
pub(super) struct MacKey(Hmac<Sha256>);

impl MacKey {
    pub(super) fn random() -> Result<Self, ConfigError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|error| ConfigError::Randomness(error.into()))?;
        // An HMAC accepts keys of any length.
        Hmac::new_from_slice(key.as_slice())
            .map(Self)
            .map_err(|error| ConfigError::Randomness(error.to_string().into()))
    }

    pub(super) fn of_credentials(&self, credentials: BasicCredentials<'_>) -> Key {
        let realm = credentials.realm().as_str();
        self.mac(
            &[realm, "Basic", credentials.user_id(), credentials.password()].map(str::as_bytes),
        )
    }

    pub(super) fn of_user(&self, user: DigestUser<'_>) -> Key {
        let (kind, name) = match user.name() {
            DigestName::UserId(name) => ("user-id", name.as_bytes()),
            DigestName::Userhash(hash) => ("userhash", hash.as_bytes()),
        };
        let function = match user.function() {
            HashFunction::Sha256 => "SHA-256",
            HashFunction::Sha512_256 => "SHA-512-256",
            HashFunction::Md5 => "MD5",
        };
        let [realm, scheme, function, kind] =
            [user.realm().as_str(), "Digest", function, kind].map(str::as_bytes);
        self.mac(&[realm, scheme, function, kind, name])
    }

    /// The length of each field goes first, so that different fields never give the same bytes.
    fn mac(&self, fields: &[&[u8]]) -> Key {
        let mut mac = self.0.clone();
        for field in fields {
            mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::wire::{Realm, digest::Userhash};

    fn key(mac_key: &MacKey, (realm, name, password): (&str, &str, &str)) -> Key {
        let realm = Realm::new(realm).unwrap();
        mac_key.of_credentials(BasicCredentials::new(&realm, name, password))
    }

    #[test]
    fn differs_with_every_field_and_its_end() {
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
        let all: HashSet<_> = sent.into_iter().map(|sent| key(&mac_key, sent)).collect();
        assert_eq!(all.len(), sent.len());
        assert!(all.contains(&key(&mac_key, ("proxy", "ab", "c"))));
    }

    #[test]
    fn secrets_differ_by_function_and_kind_of_name() {
        let (mac_key, realm) = (MacKey::random().unwrap(), Realm::new("proxy").unwrap());
        let hash = Userhash::new(HashFunction::Md5, "alice", "proxy");
        let mut all = HashSet::from([key(&mac_key, ("proxy", "alice", ""))]);
        for function in HashFunction::all() {
            for name in [
                DigestName::UserId("alice"),
                DigestName::UserId("alicf"),
                DigestName::Userhash(&hash),
            ] {
                all.insert(mac_key.of_user(DigestUser::new(&realm, function, name)));
            }
        }
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn each_cache_has_its_own_mac_key() {
        let [one, other] = [0; 2].map(|_| MacKey::random().unwrap());
        let sent = ("proxy", "alice", "wonder");
        assert_ne!(key(&one, sent), key(&other, sent));
        assert_eq!(key(&one, sent), key(&one, sent));
    }
}
