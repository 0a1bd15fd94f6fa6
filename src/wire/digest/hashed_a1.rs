//! H(A1): the secret with which a Digest response is verified.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    HashFunction,
    hash::{Hash, HexHash},
};
use crate::wire::Realm;

/// H(A1), the hash of `user-id:realm:password`, which a server stores instead of the password.
///
/// # Security
/// Within its realm it is as good as the password, [RFC 7616, section 5.2]: protect it like one.
/// `Debug` does not show it, and it is wiped when dropped.
///
/// [RFC 7616, section 5.2]: https://www.rfc-editor.org/rfc/rfc7616#section-5.2
#[derive(Clone)]
pub struct HashedA1 {
    function: HashFunction,
    hex: Zeroizing<HexHash>,
}

/// The error for a stored H(A1) that does not have the number of hex digits of its hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored H(A1) for {function} must be {} hex digits", 2 * function.length())]
pub struct InvalidHashedA1 {
    function: HashFunction,
}

impl HashedA1 {
    /// Computes H(A1).
    #[must_use]
    pub fn new(function: HashFunction, user_id: &str, realm: &Realm, password: &str) -> Self {
        let a1 = [user_id, realm.as_str(), password].map(str::as_bytes);
        Self::of_hash(function, function.hash(&a1))
    }

    /// Returns a value of no user, with which the work for unknown users is done.
    pub(crate) fn dummy(function: HashFunction) -> Self {
        Self::of_hash(function, function.hash(&[]))
    }

    /// Reads a stored H(A1): 32 hex digits for MD5, 64 for the others, in either case.
    ///
    /// # Errors
    /// Returns an error for anything else, including the empty string. Such a record is
    /// unusable; it says nothing about the client's password.
    pub fn from_hex(function: HashFunction, hex: &str) -> Result<Self, InvalidHashedA1> {
        match Hash::from_hex(function, hex.as_bytes()) {
            Some(hash) => Ok(Self::of_hash(function, hash)),
            None => Err(InvalidHashedA1 { function }),
        }
    }

    /// Returns the value in lower-case hex, which [`from_hex`](Self::from_hex) reads back.
    ///
    /// # Security
    /// Within its realm it is as good as the password: store it like one.
    #[must_use]
    pub fn expose_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(self.hex.as_str().to_owned())
    }

    /// Returns the hash function that it was computed with.
    #[must_use]
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// Returns the value in lower-case hex, as it is hashed into a response.
    pub(crate) fn as_hex(&self) -> &[u8] {
        self.hex.as_bytes()
    }

    fn of_hash(function: HashFunction, hash: Hash) -> Self {
        let hash = Zeroizing::new(hash);
        Self { function, hex: Zeroizing::new(hash.to_hex()) }
    }
}

impl fmt::Debug for HashedA1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashedA1({}, ..)", self.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_value_that_it_computes() {
        let read =
            HashedA1::from_hex(HashFunction::Md5, "939E7578ed9e3c518a452acee763bce9").unwrap();
        let realm = Realm::new("testrealm@host.com").unwrap();
        let computed = HashedA1::new(HashFunction::Md5, "Mufasa", &realm, "Circle Of Life");
        assert_eq!(read.as_hex(), computed.as_hex());
        assert_eq!(read.as_hex().len(), 32);
        assert_eq!(read.function(), HashFunction::Md5);
        assert_eq!(*read.expose_hex(), "939e7578ed9e3c518a452acee763bce9");
    }

    #[test]
    fn refuses_a_malformed_stored_value() {
        let message = "a stored H(A1) for MD5 must be 32 hex digits";
        for hex in ["", " ", "939e", &"x".repeat(32), &"0".repeat(64), &" ".repeat(32)] {
            let error = HashedA1::from_hex(HashFunction::Md5, hex).unwrap_err();
            assert_eq!(error.to_string(), message, "{hex:?}");
        }
        let error = HashedA1::from_hex(HashFunction::Sha256, &"0".repeat(32)).unwrap_err();
        assert_eq!(error.to_string(), "a stored H(A1) for SHA-256 must be 64 hex digits");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", HashedA1::dummy(HashFunction::Md5));
        assert_eq!(shown, "HashedA1(MD5, ..)");
    }
}
