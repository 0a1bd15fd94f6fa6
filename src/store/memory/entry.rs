//! What the store keeps of a nonce, and of a user who holds nonces.

use super::{
    table::{Chained, Key},
    window::Window,
};
use crate::{clock::Timestamp, identity::UserId, scheme::digest::NonceId};

/// A nonce on record: 80 bytes, its share of every structure included.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) nonce: NonceId,
    pub(super) expires: Timestamp,
    pub(super) window: Window,
    /// The user who was first to use it.
    pub(super) holder: Key,
    pub(super) hash: u32,
    pub(super) next: Option<Key>,
    /// Its place among all nonces of the shard.
    pub(super) in_shard: Links,
    /// Its place among the nonces of its holder.
    pub(super) in_holder: Links,
}

/// The two children of a node in a tree of nonces, in the order of their issue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    pub(super) earlier: Option<Key>,
    pub(super) later: Option<Key>,
}

impl Chained for Entry {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn next(&self) -> Option<Key> {
        self.next
    }

    fn next_mut(&mut self) -> &mut Option<Key> {
        &mut self.next
    }
}

/// A user with one nonce or more on record.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) user: UserId,
    /// How many nonces of this user are on record.
    pub(super) held: u32,
    /// The root of the tree of these nonces.
    pub(super) nonces: Option<Key>,
    pub(super) hash: u32,
    pub(super) next: Option<Key>,
}

impl Chained for Holder {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn next(&self) -> Option<Key> {
        self.next
    }

    fn next_mut(&mut self) -> &mut Option<Key> {
        &mut self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_takes_eighty_bytes_and_a_user_thirty_two() {
        assert_eq!(size_of::<Option<Entry>>(), 80);
        assert_eq!(size_of::<Option<Holder>>(), 32);
    }
}
