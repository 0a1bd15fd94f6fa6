//! Signs nonces, and verifies their signatures.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::NonceId;
use crate::{
    error::ConfigError,
    secret::{MacKey, constant_time_eq},
    wire::Realm,
};

/// A key for signing nonces: at least 32 secret bytes. Do not use it for anything else. `Debug`
/// does not show it.
#[derive(Clone)]
pub struct NonceKey(MacKey);

/// The first 128 bits of a MAC.
const MAC_LENGTH: usize = MacKey::MAC_LENGTH / 2;
const SIGNED_LENGTH: usize = NonceId::LENGTH + MAC_LENGTH;
/// 48 bytes are 64 characters of base64, without padding.
const TEXT_LENGTH: usize = SIGNED_LENGTH / 3 * 4;

impl NonceKey {
    /// The shortest key, in bytes.
    pub const MIN_LENGTH: usize = 32;

    /// Creates a key from bytes, which several processes can share.
    ///
    /// # Errors
    /// [`ConfigError::ShortNonceKey`] for fewer than 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, ConfigError> {
        let (length, minimum) = (key.len(), Self::MIN_LENGTH);
        if length < minimum {
            return Err(ConfigError::ShortNonceKey { length, minimum });
        }
        Ok(Self(MacKey::derive("tower-proxy-auth nonces v1", key)))
    }

    /// Generates a key from the operating system's random bytes.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if there are none.
    pub fn random() -> Result<Self, ConfigError> {
        MacKey::random().map(Self)
    }

    /// Signs a nonce for use in `realm`: 64 letters, digits, `-` and `_`.
    pub(crate) fn sign(&self, id: &NonceId, realm: &Realm) -> String {
        let id = id.to_bytes();
        let mut signed = [0; SIGNED_LENGTH];
        let (claimed, mac) = signed.split_at_mut(NonceId::LENGTH);
        claimed.copy_from_slice(&id);
        mac.copy_from_slice(&self.mac(&id, realm));
        URL_SAFE_NO_PAD.encode(signed)
    }

    /// The nonce, if it was signed with this key for `realm`.
    pub(crate) fn verify(&self, nonce: &[u8], realm: &Realm) -> Option<NonceId> {
        if nonce.len() != TEXT_LENGTH {
            return None;
        }
        let mut signed = [0; SIGNED_LENGTH];
        let length = URL_SAFE_NO_PAD.decode_slice(nonce, &mut signed).ok()?;
        let (id, mac) = signed.get(..length)?.split_first_chunk()?;
        constant_time_eq(mac, &self.mac(id, realm)).then(|| NonceId::from_bytes(id))
    }

    fn mac(&self, id: &[u8; NonceId::LENGTH], realm: &Realm) -> [u8; MAC_LENGTH] {
        let mut cut = [0; MAC_LENGTH];
        cut.copy_from_slice(&self.0.mac(&[id, realm.as_str().as_bytes()])[..MAC_LENGTH]);
        cut
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{clock::Timestamp, nonce_store::Epoch};

    fn realm(name: &str) -> Realm {
        Realm::new(name).unwrap()
    }

    fn key() -> NonceKey {
        NonceKey::new(&[7; 32]).unwrap()
    }

    fn id() -> NonceId {
        let epoch = Epoch::new(*b"sixteen bytes ..");
        NonceId::new(Timestamp::from_micros(1_700_000_000_123_456), epoch, 42)
    }

    fn verify(key: &NonceKey, nonce: &str, name: &str) -> Option<NonceId> {
        key.verify(nonce.as_bytes(), &realm(name))
    }

    #[test]
    fn verifies_signed_nonces() {
        let nonce = key().sign(&id(), &realm("proxy"));
        assert_eq!(nonce.as_str().len(), 64);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(nonce.as_str().chars().all(is_plain));
        assert_eq!(verify(&key(), nonce.as_str(), "proxy"), Some(id()));
    }

    #[test]
    fn refuses_any_flipped_bit() {
        let nonce = key().sign(&id(), &realm("proxy"));
        for position in 0..TEXT_LENGTH {
            for bit in 0..8 {
                let mut forged = nonce.as_bytes().to_vec();
                forged[position] ^= 1 << bit;
                assert_eq!(key().verify(&forged, &realm("proxy")), None, "{position}, {bit}");
            }
        }
    }

    #[test]
    fn refuses_other_lengths_and_other_alphabets() {
        let nonce = key().sign(&id(), &realm("proxy"));
        let nonce = nonce.as_str();
        let table = [
            String::new(),
            nonce[..1].to_owned(),
            nonce[..63].to_owned(),
            format!("{nonce}A"),
            format!("{nonce}A==="),
            "A".repeat(65_536),
            "*".repeat(64),
            nonce.replace(|c: char| c.is_ascii_digit(), "="),
        ];
        for text in table {
            assert_eq!(verify(&key(), &text, "proxy"), None, "{}", text.len());
        }
    }

    #[test]
    fn a_nonce_is_valid_for_one_key_and_one_realm() {
        let nonce = key().sign(&id(), &realm("a"));
        let other = NonceKey::new(&[8; 32]).unwrap();
        assert_eq!(verify(&other, nonce.as_str(), "a"), None);
        assert_eq!(verify(&key(), nonce.as_str(), "b"), None);
        assert_eq!(verify(&key(), nonce.as_str(), "a"), Some(id()));
    }

    #[test]
    fn a_million_nonces_are_all_different() {
        let (key, realm) = (key(), realm("proxy"));
        let count = if cfg!(miri) { 1_000 } else { 1_000_000 };
        let nonce = |counter| NonceId::new(id().issued(), id().epoch(), counter);
        let seen: HashSet<_> = (0..count).map(|at| key.sign(&nonce(at), &realm)).collect();
        assert_eq!(seen.len() as u64, count);
    }

    #[test]
    fn requires_32_bytes() {
        assert_eq!(
            NonceKey::new(&[0; 31]).unwrap_err().to_string(),
            "the nonce key is 31 bytes long: use at least 32 random bytes"
        );
        assert!(NonceKey::new(&[0; 32]).is_ok());
        assert!(NonceKey::new(&[0; 200]).is_ok());
    }

    #[test]
    fn random_keys_differ() {
        let (one, two) = (NonceKey::random().unwrap(), NonceKey::random().unwrap());
        let nonce = one.sign(&id(), &realm("proxy"));
        assert!(verify(&one, nonce.as_str(), "proxy").is_some());
        assert!(verify(&two, nonce.as_str(), "proxy").is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key()), "NonceKey(..)");
    }
}
