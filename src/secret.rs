//! Secrets in memory: hidden by `Debug`, wiped when dropped, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// Compares two byte strings in a time that depends only on their lengths.
///
/// # Examples
/// ```
/// use tower_proxy_auth::secret::constant_time_eq;
///
/// assert!(constant_time_eq(b"token", b"token"));
/// assert!(!constant_time_eq(b"token", b"tokens"));
/// ```
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// An owned password. `Debug` does not show it, and it is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes ownership of a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// Returns the password itself.
    ///
    /// # Security
    /// Keep it out of logs and error messages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The key of a MAC, keyed BLAKE3. It is wiped when dropped.
#[derive(Clone)]
pub(crate) struct MacKey(Zeroizing<[u8; blake3::KEY_LEN]>);

impl MacKey {
    /// The length of a MAC in bytes.
    pub(crate) const MAC_LENGTH: usize = blake3::OUT_LEN;

    /// Derives a key for one `purpose` from secret bytes.
    pub(crate) fn derive(purpose: &str, secret: &[u8]) -> Self {
        Self(Zeroizing::new(blake3::derive_key(purpose, secret)))
    }

    /// Generates a key from the operating system's random bytes.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if there are none.
    pub(crate) fn random() -> Result<Self, ConfigError> {
        let mut key = Zeroizing::new([0; blake3::KEY_LEN]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|error| ConfigError::Randomness(error.into()))?;
        Ok(Self(key))
    }

    /// Computes the MAC of `fields`. Each is preceded by its length, so that different fields never
    /// give the same bytes.
    pub(crate) fn mac(&self, fields: &[&[u8]]) -> [u8; Self::MAC_LENGTH] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for field in fields {
            hasher.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_content_and_length() {
        let table: [(&[u8], &[u8], bool); 5] = [
            (b"", b"", true),
            (b"wonder", b"wonder", true),
            (b"wonder", b"wondeR", false),
            (b"Wonder", b"wonder", false),
            (b"wonder", b"wonde", false),
        ];
        for (left, right, expected) in table {
            assert_eq!(constant_time_eq(left, right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        assert_eq!(format!("{:?}", Password::new("wonder")), "Password(..)");
    }

    #[test]
    fn the_mac_is_keyed_blake3_of_each_length_and_field() {
        let key = blake3::derive_key("purpose", b"secret");
        let input = b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c";
        let mac = MacKey::derive("purpose", b"secret").mac(&[b"ab", b"c"]);
        assert_eq!(mac, *blake3::keyed_hash(&key, input).as_bytes());
    }

    #[test]
    fn the_mac_differs_with_key_purpose_and_ends_of_fields() {
        let key = MacKey::derive("purpose", b"secret");
        let mac = key.mac(&[b"ab", b"c"]);
        for other in [
            key.mac(&[b"a", b"bc"]),
            key.mac(&[b"abc"]),
            key.mac(&[b"ab", b"c", b""]),
            MacKey::derive("purpose", b"other").mac(&[b"ab", b"c"]),
            MacKey::derive("other", b"secret").mac(&[b"ab", b"c"]),
            MacKey::random().unwrap().mac(&[b"ab", b"c"]),
        ] {
            assert_ne!(mac, other);
        }
        assert_ne!(MacKey::random().unwrap().mac(&[]), MacKey::random().unwrap().mac(&[]));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", MacKey::derive("", b"secret")), "MacKey(..)");
    }
}
