//! The hash that clients can send instead of a user-id, [RFC 7616, section 3.4.4].
//!
//! [RFC 7616, section 3.4.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4

use super::{HashFunction, hash::Hash};
use crate::wire::Realm;

/// The hash of `user-id:realm` that clients can send instead of the user-id,
/// [RFC 7616, section 3.4.4].
///
/// [RFC 7616, section 3.4.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Userhash {
    function: HashFunction,
    hash: Box<[u8]>,
}

impl Userhash {
    /// Computes the hash.
    #[must_use]
    pub fn new(function: HashFunction, user_id: &str, realm: &Realm) -> Self {
        let hash = function.hash(&[user_id, realm.as_str()].map(str::as_bytes));
        Self { function, hash: hash.as_bytes().into() }
    }

    /// Reads 32 or 64 hex digits, in either case.
    #[must_use]
    pub fn from_hex(function: HashFunction, hex: &[u8]) -> Option<Self> {
        let hash = Hash::from_hex(function, hex)?;
        Some(Self { function, hash: hash.as_bytes().into() })
    }

    /// Returns the 16 or 32 bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_hash_that_it_computes() {
        let table = [
            (HashFunction::Md5, "4238f3a16167373febb9bc4d43db9cc4"),
            (
                HashFunction::Sha256,
                "a947aad205e80e429958a387394944c6b496301e79f89d35a4cc23b6ee12b5b6",
            ),
            (
                HashFunction::Sha512_256,
                "e2dfabd1a96ddf867710b653b6e6857d1f147086de7d7ef79dcd249859872570",
            ),
        ];
        let realm = Realm::new("http-auth@example.org").unwrap();
        for (function, hash) in table {
            let computed = Userhash::new(function, "Mufasa", &realm);
            assert_eq!(computed.as_bytes().len(), function.length());
            for hash in [hash.to_owned(), hash.to_uppercase()] {
                let read = Userhash::from_hex(function, hash.as_bytes());
                assert_eq!(read.as_ref(), Some(&computed), "{function}");
            }
            assert!(Userhash::from_hex(function, &hash.as_bytes()[1..]).is_none());
            assert_ne!(computed, Userhash::new(function, "mufasa", &realm));
        }
    }
}
