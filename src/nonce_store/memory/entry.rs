//! What the store keeps of a nonce, and of a user who holds nonces.

use std::time::Duration;

use super::{
    counts::Counts,
    table::{Chained, Key},
};
use crate::{clock::Timestamp, identity::UserId, nonce_store::NonceCheck, wire::digest::NonceId};

/// A nonce on record: 64 bytes, and 16 for its [`Places`] beside it.
///
/// It fills a cache line. If it shared one with the nonce of another client, two threads would pass
/// the line to and fro although they have nothing to do with each other.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Entry {
    pub(super) nonce: NonceId,
    /// How long it lives, in milliseconds, rounded up and cut at 49 days.
    lifetime: u32,
    pub(super) counts: Counts,
    /// The user who was first to use it.
    pub(super) holder: Key,
    pub(super) hash: u32,
    pub(super) next: Option<Key>,
}

/// The places of an entry in the trees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// Among all nonces of the shard.
    pub(super) in_shard: Links,
    /// Among the nonces of its holder.
    pub(super) in_holder: Links,
}

impl Entry {
    /// The entry of a nonce on its first use, not yet in any tree.
    pub(super) fn new(presentation: &NonceCheck<'_>, holder: Key, hash: u32) -> Self {
        let nonce = *presentation.nonce;
        let lifetime = presentation.expires.saturating_since(nonce.issued());
        let milliseconds = lifetime.as_micros().div_ceil(1_000);
        Self {
            nonce,
            lifetime: u32::try_from(milliseconds).unwrap_or(u32::MAX),
            counts: Counts::starting_at(presentation.count, presentation.seal),
            holder,
            hash,
            next: None,
        }
    }

    /// When it may be forgotten: at its expiry, or a fraction of a millisecond later.
    pub(super) fn expires(&self) -> Timestamp {
        self.nonce.issued().saturating_add(Duration::from_millis(self.lifetime.into()))
    }
}

/// The two children of a node in a tree of nonces, in the order of their issue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    pub(super) earlier: Option<Key>,
    pub(super) later: Option<Key>,
}

impl Chained for Entry {
    type Beside = Places;

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
    type Beside = ();

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
        assert_eq!((size_of::<Option<Entry>>(), align_of::<Option<Entry>>()), (64, 64));
        assert_eq!(size_of::<Places>(), 16);
        assert_eq!(size_of::<Option<Holder>>(), 32);
    }
}
