//! The shards behind their locks.

use std::hash::BuildHasher;

use crossbeam_utils::sync::ShardedLock;
use foldhash::quality::RandomState;

use super::shard::{Limits, Shard, low_half};
use crate::{
    nonce_store::{NonceCheck, NonceUse},
    wire::digest::NonceId,
};

/// A shard has room for this many nonces or more, where there are several.
const ROOM_PER_SHARD: usize = 1_024;
/// More shards than threads of any machine that runs one proxy process are of no use.
const MOST_SHARDS: usize = 64;

/// Access to a shard. A trait, so that the model check can put in a lock that tries out
/// every order in which threads may come.
pub(super) trait Lock {
    /// Wraps a shard.
    fn new(shard: Shard) -> Self;

    /// Runs `work` while nothing changes the shard but the counts of its nonces.
    ///
    /// # Errors
    /// [`Poisoned`] if earlier work panicked and may have left the shard half changed.
    fn share<R>(&self, work: impl FnOnce(&Shard) -> R) -> Result<R, Poisoned>;

    /// Runs `work` alone.
    ///
    /// # Errors
    /// As for [`share`](Self::share).
    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned>;
}

/// A shard was left half changed by a panic.
///
/// There is no telling which counts it lost, so it answers no more: its nonces get 503 until the
/// process is started again. To go on with it could let a replay pass; to empty it and call
/// everything stale would hide the fault.
#[derive(Debug, thiserror::Error)]
#[error("the nonce store was left half changed by a panic; restart the process")]
pub(super) struct Poisoned;

/// A lock that threads can share without touching the same memory.
impl Lock for ShardedLock<Shard> {
    fn new(shard: Shard) -> Self {
        Self::new(shard)
    }

    fn share<R>(&self, work: impl FnOnce(&Shard) -> R) -> Result<R, Poisoned> {
        let shard = self.read().map_err(|_| Poisoned)?;
        Ok(work(&shard))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned> {
        let mut shard = self.write().map_err(|_| Poisoned)?;
        Ok(work(&mut shard))
    }
}

/// All shards of a store.
#[derive(Debug)]
pub(super) struct Shards<L> {
    /// As many as a power of two.
    shards: Box<[L]>,
    /// Keyed at random, and only nonces that we issued are put on record: nobody outside picks
    /// where they meet.
    hasher: RandomState,
    pub(super) limits: Limits,
}

impl<L: Lock> Shards<L> {
    /// Shards that have room for `limits.capacity` nonces together, which must not be zero.
    pub(super) fn new(limits: Limits) -> Self {
        let hasher = RandomState::default();
        let count = shard_count(limits.capacity);
        let (share, rest) = (limits.capacity / count, limits.capacity % count);
        let shards = (0..count).map(|index| {
            let capacity = share + usize::from(index < rest);
            // What a key can tell apart. Nobody has the memory to get there.
            let capacity = capacity.min(u32::MAX as usize - 1);
            L::new(Shard::new(Limits { capacity, ..limits }, hasher.clone()))
        });
        Self { shards: shards.collect(), hasher, limits }
    }

    /// Puts a presentation to the shard that its nonce belongs to.
    pub(super) fn check(&self, presentation: &NonceCheck<'_>) -> Result<NonceUse, Poisoned> {
        let (shard, hash) = self.shard_of(presentation.nonce);
        let Some(shard) = shard else { return Ok(NonceUse::Forgotten) };
        shard.with(|shard| shard.check(presentation, hash))
    }

    /// The same for a nonce on record; `None`, and nothing done, if it is not.
    pub(super) fn check_known(
        &self,
        presentation: &NonceCheck<'_>,
    ) -> Result<Option<NonceUse>, Poisoned> {
        let (shard, hash) = self.shard_of(presentation.nonce);
        shard.map_or(Ok(None), |shard| shard.share(|shard| shard.check_known(presentation, hash)))
    }

    /// Where a nonce belongs, and the part of its hash that finds it there.
    fn shard_of(&self, nonce: &NonceId) -> (Option<&L>, u32) {
        let hash = self.hasher.hash_one(nonce);
        let index = (hash >> 32) as usize & (self.shards.len().saturating_sub(1));
        (self.shards.get(index), low_half(hash))
    }

    /// How many shards there are.
    pub(super) const fn count(&self) -> usize {
        self.shards.len()
    }

    /// How many nonces are on record in all shards that still answer.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().filter_map(|shard| shard.share(Shard::len).ok()).sum()
    }

    /// All shards, for a look inside.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &L> {
        self.shards.iter()
    }
}

/// The greatest power of two that leaves every shard enough room, for the even share of a user is
/// an even share of each shard only where shards are not tiny.
fn shard_count(capacity: usize) -> usize {
    let fitting = (capacity / ROOM_PER_SHARD).clamp(1, MOST_SHARDS);
    1 << fitting.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_the_capacity_without_going_over_it() {
        for (capacity, count) in [
            (1, 1),
            (1_023, 1),
            (2_047, 1),
            (2_048, 2),
            (100_000, 64),
            (100_001, 64),
            (1_000_063, 64),
        ] {
            let shards = Shards::<ShardedLock<Shard>>::new(Limits { capacity, window: 64 });
            assert_eq!(shards.count(), count, "capacity {capacity}");
            let total: usize =
                shards.iter().map(|shard| shard.with(|shard| shard.capacity()).unwrap()).sum();
            assert_eq!(total, capacity);
            let quotas: usize =
                shards.iter().map(|shard| shard.with(|shard| shard.quota()).unwrap()).sum();
            assert!(quotas <= (capacity / 16).max(1), "capacity {capacity}: {quotas}");
        }
    }
}
