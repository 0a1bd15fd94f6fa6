//! How nonces are sealed against forgery.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::NonceId;
use crate::{error::ConfigError, secret::constant_time_eq, wire::Realm};

/// The key that nonces are sealed with: at least 32 bytes, known to nobody else.
///
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct NonceKey {
    mac: Hmac<Sha256>,
}

const ID_LENGTH: usize = NonceId::LENGTH;
/// 144 bits of HMAC-SHA-256: beyond guessing, and no padding in base64.
const MAC_LENGTH: usize = 18;
/// The block of SHA-256, in bytes.
const BLOCK_LENGTH: usize = 64;
const SEALED_LENGTH: usize = ID_LENGTH + MAC_LENGTH;
/// 42 bytes are 56 characters of base64 without a bit left over.
const TEXT_LENGTH: usize = SEALED_LENGTH / 3 * 4;

impl NonceKey {
    /// The shortest key, in bytes.
    pub const MIN_LENGTH: usize = 32;

    /// Takes a key that several processes share.
    ///
    /// # Errors
    /// [`ConfigError::ShortNonceKey`] below 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, ConfigError> {
        let short = ConfigError::ShortNonceKey { length: key.len(), minimum: Self::MIN_LENGTH };
        if key.len() < Self::MIN_LENGTH {
            return Err(short);
        }
        // An HMAC takes a key of any length, so the second way to "short" is never gone.
        let mac = Hmac::new_from_slice(key).map_err(|_| short)?;
        Ok(Self { mac })
    }

    /// Draws a key from the operating system's random numbers.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if there are none.
    pub fn random() -> Result<Self, ConfigError> {
        let mut key = Zeroizing::new([0; Self::MIN_LENGTH]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|error| ConfigError::Randomness(error.into()))?;
        Self::new(key.as_slice())
    }

    /// Seals a nonce for use in `realm`: 56 letters, digits, `-` and `_`.
    #[must_use]
    pub fn seal(&self, id: &NonceId, realm: &Realm) -> NonceText {
        let id = id.to_bytes();
        let mut sealed = [0; SEALED_LENGTH];
        let (claimed, mac) = sealed.split_at_mut(ID_LENGTH);
        claimed.copy_from_slice(&id);
        mac.copy_from_slice(&self.mac(&id, realm));
        let mut text = [0; TEXT_LENGTH];
        let written = URL_SAFE_NO_PAD.encode_slice(sealed, &mut text);
        debug_assert_eq!(written, Ok(TEXT_LENGTH));
        NonceText(text)
    }

    /// What a nonce says of itself, if it was sealed with this key for `realm`.
    #[must_use]
    pub fn open(&self, nonce: &[u8], realm: &Realm) -> Option<NonceId> {
        let nonce = SealedNonce::read(nonce)?;
        self.has_sealed(&nonce, realm).then_some(nonce.claimed)
    }

    /// Whether the nonce was sealed with this key for `realm`.
    pub(crate) fn has_sealed(&self, nonce: &SealedNonce, realm: &Realm) -> bool {
        let mac = self.mac(&nonce.claimed.to_bytes(), realm);
        constant_time_eq(&mac, &nonce.mac)
    }

    fn mac(&self, id: &[u8; ID_LENGTH], realm: &Realm) -> [u8; MAC_LENGTH] {
        let mut mac = self.hash_realm(realm);
        mac.update(id);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        *full.first_chunk().unwrap_or(&[0; MAC_LENGTH])
    }

    /// What comes before the nonce itself: purpose and realm, each with its length before it, so
    /// that no two inputs run together to the same bytes. Zeros fill the last block of the hash
    /// function, so that all of it is hashed already and the nonce begins a block of its own.
    fn hash_realm(&self, realm: &Realm) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        let mut length = 0;
        for field in [b"tower-proxy-auth nonce".as_slice(), realm.as_bytes()] {
            mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(field);
            length += size_of::<u64>() + field.len();
        }
        let filled = length % BLOCK_LENGTH;
        mac.update([0; BLOCK_LENGTH].get(filled..).unwrap_or_default());
        mac
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

/// A nonce that came back. What it says of itself is true only if its seal is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SealedNonce {
    claimed: NonceId,
    mac: [u8; MAC_LENGTH],
}

impl SealedNonce {
    /// Takes the nonce apart; `None` if it does not even look like one of ours.
    pub(crate) fn read(nonce: &[u8]) -> Option<Self> {
        let mut sealed = [0; SEALED_LENGTH];
        if URL_SAFE_NO_PAD.decode_slice(nonce, &mut sealed) != Ok(SEALED_LENGTH) {
            return None;
        }
        let (&id, mac) = sealed.split_first_chunk()?;
        Some(Self { claimed: NonceId::from_bytes(id), mac: mac.try_into().ok()? })
    }

    /// The seal, as it was sent.
    pub(crate) const fn mac(&self) -> &[u8] {
        &self.mac
    }

    /// What the nonce says of itself: nothing to rely on, for anybody can write it.
    pub(crate) const fn claimed(&self) -> &NonceId {
        &self.claimed
    }
}

/// A sealed nonce as it stands in a challenge.
#[derive(Clone, Copy)]
pub struct NonceText([u8; TEXT_LENGTH]);

impl NonceText {
    /// 56 letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for NonceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::clock::Timestamp;

    fn realm(name: &str) -> Realm {
        Realm::new(name).unwrap()
    }

    fn key() -> NonceKey {
        NonceKey::new(&[7; 32]).unwrap()
    }

    fn id() -> NonceId {
        NonceId::new(Timestamp::from_micros(1_700_000_000_123_456), u64::MAX - 1, 42)
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let nonce = key().seal(&id(), &realm("proxy"));
        assert_eq!(nonce.as_str().len(), 56);
        assert_eq!(format!("{nonce:?}"), format!("{:?}", nonce.as_str()));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(nonce.as_str().chars().all(plain));
        let opened = key().open(nonce.as_str().as_bytes(), &realm("proxy")).unwrap();
        assert_eq!(opened, id());
        assert_eq!(
            (opened.issued(), opened.node(), opened.counter()),
            (Timestamp::from_micros(1_700_000_000_123_456), u64::MAX - 1, 42)
        );
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let nonce = key().seal(&id(), &realm("proxy"));
        for position in 0..TEXT_LENGTH {
            for bit in 0..8 {
                let mut forged = nonce.as_str().as_bytes().to_vec();
                forged[position] ^= 1 << bit;
                assert_eq!(key().open(&forged, &realm("proxy")), None, "{position}, {bit}");
            }
        }
    }

    #[test]
    fn refuses_other_lengths_and_what_is_not_base64() {
        let nonce = key().seal(&id(), &realm("proxy"));
        let nonce = nonce.as_str();
        let table = [
            String::new(),
            nonce[..1].to_owned(),
            nonce[..55].to_owned(),
            format!("{nonce}A"),
            format!("{nonce}A==="),
            "A".repeat(65_536),
            "*".repeat(56),
            nonce.replace(|c: char| c.is_ascii_digit(), "="),
        ];
        for text in table {
            assert_eq!(key().open(text.as_bytes(), &realm("proxy")), None, "{}", text.len());
        }
    }

    #[test]
    fn a_nonce_is_good_for_one_key_and_one_realm() {
        let nonce = key().seal(&id(), &realm("a"));
        let other = NonceKey::new(&[8; 32]).unwrap();
        assert_eq!(other.open(nonce.as_str().as_bytes(), &realm("a")), None);
        assert_eq!(key().open(nonce.as_str().as_bytes(), &realm("b")), None);
        assert_eq!(key().open(nonce.as_str().as_bytes(), &realm("a")), Some(id()));
    }

    #[test]
    fn the_mac_is_hmac_sha256_over_length_prefixed_fields_and_a_block_of_its_own() {
        let mut expected = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        expected.update(b"\0\0\0\0\0\0\0\x16tower-proxy-auth nonce");
        expected.update(b"\0\0\0\0\0\0\0\x05proxy");
        // 30 bytes and 13 bytes: 21 more fill a block.
        expected.update(&[0; 21]);
        expected.update(&id().to_bytes());
        let expected = expected.finalize().into_bytes();
        assert_eq!(key().mac(&id().to_bytes(), &realm("proxy")), expected[..18]);
    }

    #[test]
    fn a_million_nonces_are_all_different() {
        let (key, realm) = (key(), realm("proxy"));
        let count = if cfg!(miri) { 1_000 } else { 1_000_000 };
        let seen: HashSet<[u8; 56]> = (0..count)
            .map(|counter| key.seal(&NonceId::new(Timestamp::from_micros(1), 1, counter), &realm).0)
            .collect();
        assert_eq!(seen.len() as u64, count);
    }

    #[test]
    fn a_key_has_at_least_32_bytes() {
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
        let nonce = one.seal(&id(), &realm("proxy"));
        assert!(one.open(nonce.as_str().as_bytes(), &realm("proxy")).is_some());
        assert!(two.open(nonce.as_str().as_bytes(), &realm("proxy")).is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key()), "NonceKey(..)");
    }
}
