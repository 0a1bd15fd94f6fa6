//! What a password is compared by, where H(A1)s are at hand but slow.

use std::hash::{BuildHasher as _, RandomState};

use siphasher::sip128::SipHasher24;
use zeroize::Zeroizing;

use crate::secret::constant_time_eq;

/// What the password of a user is compared with in Basic: SipHash-2-4, a MAC of 128 bits, by a key
/// that no other user has.
///
/// It takes a fraction of the time of the hash functions of Digest. It need not be slow, for
/// whoever reads this memory finds the H(A1)s beside it; and without the key nobody can tell what
/// equals it.
pub(super) struct Tag {
    key: (u64, u64),
    mac: Zeroizing<[u8; 16]>,
}

impl Tag {
    /// The tag of `password` by a new key.
    pub(super) fn new(password: &str) -> Self {
        // A user is made without a way to fail, so this is not `getrandom`: the standard library
        // keeps keys that it drew from the operating system, and makes a new one of them each time.
        let random = RandomState::new();
        let key = (random.hash_one(0), random.hash_one(1));
        Self { key, mac: mac(key, password) }
    }

    /// Whether it is that of `password`.
    pub(super) fn is_of(&self, password: &str) -> bool {
        constant_time_eq(&*mac(self.key, password), &*self.mac)
    }
}

fn mac((first, second): (u64, u64), password: &str) -> Zeroizing<[u8; 16]> {
    let mac = SipHasher24::new_with_keys(first, second).hash(password.as_bytes());
    Zeroizing::new(mac.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_that_of_one_password() {
        let tag = Tag::new("wonder");
        assert!(tag.is_of("wonder"));
        for other in ["", "wonde", "wondes", "wonder\0", "wonderwonder"] {
            assert!(!tag.is_of(other), "{other:?}");
        }
    }

    #[test]
    fn equal_passwords_have_different_tags() {
        let (one, other) = (Tag::new("wonder"), Tag::new("wonder"));
        assert_ne!(one.key, other.key);
        assert_ne!(one.mac, other.mac);
    }
}
