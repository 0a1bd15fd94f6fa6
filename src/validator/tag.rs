//! What a password is compared by, where H(A1)s are at hand but slow.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use zeroize::Zeroizing;

/// The key of the tags that passwords are compared by, drawn anew for each [`Users`](super::Users).
#[derive(Clone)]
pub(super) struct TagKey(SipHasher24);

/// What Basic is checked against: SipHash-2-4, a MAC of 128 bits, over name and password.
///
/// It takes a third of the time of the hash functions of Digest. It need not be slow, for whoever
/// reads this memory finds the H(A1)s beside it; and without the key nobody can tell what equals it.
pub(super) type Tag = Zeroizing<[u8; 16]>;

impl TagKey {
    pub(super) fn random() -> Self {
        // `Users::new` cannot fail, so this is not `getrandom`: the standard library keeps keys that
        // it drew from the operating system.
        let random = RandomState::new();
        Self(SipHasher24::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }

    pub(super) fn tag(&self, name: &str, password: &str) -> Tag {
        let mut hasher = self.0;
        hasher.write_usize(name.len());
        hasher.write(name.as_bytes());
        hasher.write(password.as_bytes());
        Zeroizing::new(hasher.finish128().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_of_name_and_password_and_key() {
        let (key, other) = (TagKey::random(), TagKey::random());
        let tag = |name, password| *key.tag(name, password);
        assert_eq!(tag("alice", "wonder"), tag("alice", "wonder"));
        assert_ne!(tag("alice", "wonder"), tag("alice", "wondes"));
        assert_ne!(tag("alice", "wonder"), tag("alicew", "onder"));
        assert_ne!(tag("alice", "wonder"), *other.tag("alice", "wonder"));
    }
}
