//! The shards of a store, each behind a lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Mutex,
};

use super::shard::{Holder, Limits, Serial, Shard};
use crate::nonce_store::{NonceCheck, NonceUse};

/// The minimum capacity of a shard, if there are several. The nonces of a holder spread evenly only
/// over large shards.
const MIN_SHARD_CAPACITY: usize = 1_024;
/// The maximum number of shards: more than the threads of nearly every machine.
const MAX_SHARDS: usize = 64;

/// A mutex around a shard. The model check replaces it with one that tries the possible orders in
/// which threads can take it.
pub(super) trait Lock {
    /// Wraps a shard.
    fn new(shard: Shard) -> Self;

    /// Runs `work` with exclusive access to the shard.
    ///
    /// # Errors
    /// [`Poisoned`] if an earlier `work` panicked.
    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned>;
}

impl Lock for Mutex<Shard> {
    fn new(shard: Shard) -> Self {
        Self::new(shard)
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned> {
        self.lock().map(|mut shard| work(&mut shard)).map_err(|_| Poisoned)
    }
}

/// A panic may have left a shard half changed.
///
/// It may have lost counts, so its nonces get a 503 until the process restarts. Continuing could
/// let a replay pass; starting over empty would hide the bug.
#[derive(Debug, thiserror::Error)]
#[error("a panic left the nonce store in an unknown state: restart the process")]
pub(super) struct Poisoned;

/// All shards of a store.
pub(super) struct Shards<L> {
    shards: Box<[L]>,
    /// Keyed at random: clients can neither choose the shard of a nonce nor find a user name with
    /// the hash of another.
    hasher: RandomState,
    pub(super) limits: Limits,
}

impl<L: Lock> Shards<L> {
    /// Creates shards with a total capacity of `limits.capacity`, which must be at least 1.
    pub(super) fn new(limits: Limits) -> Self {
        let count = (limits.capacity / MIN_SHARD_CAPACITY).clamp(1, MAX_SHARDS);
        let (share, rest) = (limits.capacity / count, limits.capacity % count);
        let shards = (0..count).map(|index| {
            let capacity = share + usize::from(index < rest);
            L::new(Shard::new(Limits { capacity, ..limits }))
        });
        Self { shards: shards.collect(), hasher: RandomState::new(), limits }
    }

    /// Records the count in the shard of its nonce if it is fresh, and returns the result.
    pub(super) fn check_and_insert(&self, check: &NonceCheck<'_>) -> Result<NonceUse, Poisoned> {
        let hash = self.hasher.hash_one(Serial::from(check.nonce)) as usize;
        let shard = hash.checked_rem(self.shards.len()).and_then(|index| self.shards.get(index));
        let Some(shard) = shard else { return Ok(NonceUse::Forgotten) };
        let holder = Holder(self.hasher.hash_one((check.realm, check.user)));
        shard.with(|shard| shard.check_and_insert(check, holder))
    }

    /// Returns the number of shards.
    pub(super) const fn count(&self) -> usize {
        self.shards.len()
    }

    /// Returns the number of recorded nonces, without those of poisoned shards.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().filter_map(|shard| shard.with(|shard| shard.len()).ok()).sum()
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &L> {
        self.shards.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_the_capacity_among_the_shards() {
        for (capacity, count) in [
            (1, 1),
            (1_023, 1),
            (2_047, 1),
            (2_048, 2),
            (3_073, 3),
            (100_000, 64),
            (100_001, 64),
            (1_000_063, 64),
        ] {
            let shards = Shards::<Mutex<Shard>>::new(Limits { capacity, window: 64 });
            let limits: Vec<_> =
                shards.iter().map(|shard| shard.with(|shard| shard.limits()).unwrap()).collect();
            assert_eq!((limits.len(), shards.count()), (count, count), "capacity {capacity}");
            assert_eq!(limits.iter().map(|limits| limits.capacity).sum::<usize>(), capacity);
            let quotas: usize = limits.iter().map(|limits| limits.quota()).sum();
            assert!(quotas <= (capacity / 16).max(1), "capacity {capacity}: {quotas}");
        }
    }
}
