//! What a nonce says of itself, how it is sealed against forgery, and the count that goes with it.

use std::{fmt, num::NonZeroU32};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{clock::Timestamp, error::ConfigError, scheme::Realm, secret::constant_time_eq};

/// What makes a nonce of ours unique: when it was issued, by which process, and its number there.
///
/// Ordered by issue time first, so that "the oldest" is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceId {
    issued: Timestamp,
    node: u64,
    counter: u64,
}

impl NonceId {
    /// The nonce number `counter` of process `node`, issued at `issued`.
    #[must_use]
    pub const fn new(issued: Timestamp, node: u64, counter: u64) -> Self {
        Self { issued, node, counter }
    }

    /// When the nonce was issued.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// The process that issued it: a random number drawn when the process started.
    #[must_use]
    pub const fn node(&self) -> u64 {
        self.node
    }

    /// The number of the nonce within its process.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let numbers = [self.issued.as_micros(), self.node, self.counter];
        for (to, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: [u8; 24]) -> Self {
        let (numbers, _) = bytes.as_chunks();
        let mut numbers = numbers.iter().map(|&number| u64::from_be_bytes(number));
        let mut next = || numbers.next().unwrap_or_default();
        Self { issued: Timestamp::from_micros(next()), node: next(), counter: next() }
    }
}

/// The nonce-count (nc) of a request: 1 to 4,294,967,295, eight hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceCount(NonZeroU32);

impl NonceCount {
    /// The first count.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// The count `value`, or `None` for zero, which no client may send.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        match NonZeroU32::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Reads exactly eight hex digits, in either case, that are not all zero.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        if digits.len() != 8 {
            return None;
        }
        let value = digits
            .iter()
            .try_fold(0, |value: u32, &digit| Some(16 * value + char::from(digit).to_digit(16)?))?;
        Self::new(value)
    }

    /// The count as a number.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for NonceCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The key that nonces are sealed with: at least 32 bytes, known to nobody else.
///
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct NonceKey(Hmac<Sha256>);

const ID_LENGTH: usize = 24;
const MAC_LENGTH: usize = 18;
const SEALED_LENGTH: usize = ID_LENGTH + MAC_LENGTH;
/// 42 bytes are 56 characters of base64 without a bit left over.
const TEXT_LENGTH: usize = 56;

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
        Hmac::new_from_slice(key).map(Self).map_err(|_| short)
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
        for (to, from) in sealed.iter_mut().zip(id.iter().chain(&self.mac(&id, realm))) {
            *to = *from;
        }
        let mut text = [0; TEXT_LENGTH];
        // 42 bytes always fit: a failure would leave a nonce that is refused.
        let written = URL_SAFE_NO_PAD.encode_slice(sealed, &mut text).unwrap_or_default();
        debug_assert_eq!(written, TEXT_LENGTH);
        NonceText(text)
    }

    /// What a nonce says of itself, if it was sealed with this key for `realm`.
    #[must_use]
    pub fn open(&self, nonce: &[u8], realm: &Realm) -> Option<NonceId> {
        if nonce.len() != TEXT_LENGTH {
            return None;
        }
        let mut sealed = [0; SEALED_LENGTH];
        URL_SAFE_NO_PAD.decode_slice(nonce, &mut sealed).ok()?;
        let (id, mac) = sealed.split_first_chunk::<ID_LENGTH>()?;
        constant_time_eq(&self.mac(id, realm), mac).then(|| NonceId::from_bytes(*id))
    }

    /// The MAC over length-prefixed fields, so that no two inputs run together to the same bytes.
    fn mac(&self, id: &[u8; ID_LENGTH], realm: &Realm) -> [u8; MAC_LENGTH] {
        let mut mac = self.0.clone();
        for field in [b"tower-proxy-auth nonce".as_slice(), realm.as_str().as_bytes(), id] {
            mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(field);
        }
        let full = mac.finalize().into_bytes();
        let mut cut = [0; MAC_LENGTH];
        for (to, from) in cut.iter_mut().zip(full) {
            *to = from;
        }
        cut
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
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
    fn ids_are_ordered_by_issue_time_first() {
        let at = |micros, counter| NonceId::new(Timestamp::from_micros(micros), 1, counter);
        assert!(at(1, 9) < at(2, 0));
        assert!(at(1, 0) < at(1, 1));
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
    fn the_mac_is_hmac_sha256_over_length_prefixed_fields() {
        let mut expected = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        expected.update(b"\0\0\0\0\0\0\0\x16tower-proxy-auth nonce");
        expected.update(b"\0\0\0\0\0\0\0\x05proxy");
        expected.update(b"\0\0\0\0\0\0\0\x18");
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
    fn a_count_is_exactly_eight_hex_digits_and_not_zero() {
        let table = [
            ("00000001", Some(1)),
            ("0000000A", Some(10)),
            ("ffffffff", Some(u32::MAX)),
            ("12abCDef", Some(0x12ab_cdef)),
            ("00000000", None),
            ("", None),
            ("0000001", None),
            ("000000001", None),
            ("+0000001", None),
            ("-0000001", None),
            ("0x000001", None),
            (" 0000001", None),
            ("0000000g", None),
        ];
        for (digits, count) in table {
            let read = NonceCount::from_hex(digits.as_bytes());
            assert_eq!(read.map(NonceCount::as_u32), count, "{digits:?}");
        }
        assert_eq!(NonceCount::from_hex(&vec![b'0'; 1 << 20]), None);
        assert_eq!(NonceCount::ONE.to_string(), "00000001");
        assert_eq!(NonceCount::new(0), None);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key()), "NonceKey(..)");
    }
}
