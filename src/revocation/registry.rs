//! The registry of handles.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{CheckStart, RevocationHandle, handle::Flag};
use crate::{user_id::UserId, wire::Realm};

pub(super) struct Registry {
    /// The number of revocations so far.
    count: AtomicU64,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 16;

/// The number of users whose revocations a shard can distinguish. If one of several users who share
/// a place is revoked, running checks of the others are void too, but nothing else.
const PLACES: usize = 1_024;

struct Shard {
    /// Entries that only the registry holds are removed from time to time.
    handles: HashMap<UserId, Vec<(Realm, Arc<Flag>)>>,
    /// The number of users at which such entries are removed next.
    prune_at: usize,
    /// For each place, the number of the last revocation of one of its users.
    last_revoked: Box<[u64; PLACES]>,
}

impl Registry {
    /// The number of revocations up to now.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// The shard and the place of a user.
    fn locate(&self, user: &UserId) -> (MutexGuard<'_, Shard>, usize) {
        let hash = self.hasher.hash_one(user) as usize;
        let [first, ..] = &self.shards;
        let shard = self.shards.get(hash % SHARDS).unwrap_or(first);
        // Every change of a shard is complete in itself, so a panic leaves it usable.
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        (shard, hash / SHARDS % PLACES)
    }

    pub(super) fn revoke(&self, user: &UserId, realm: Option<&Realm>) {
        let (mut shard, place) = self.locate(user);
        let revoked = shard.remove(user, |other| realm.is_none_or(|realm| realm == other));
        // Before the number changes: a check with the new number must not find a cached verdict
        // whose flag is not set yet.
        revoked.iter().for_each(|flag| flag.set());
        let number = self.count.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some(last) = shard.last_revoked.get_mut(place) {
            *last = number;
        }
        drop(shard);
        // After the lock is released, because a waker can run any code.
        revoked.iter().for_each(|flag| flag.wake());
    }

    pub(super) fn handle(
        &self,
        realm: &Realm,
        user: &UserId,
        start: CheckStart,
    ) -> Option<RevocationHandle> {
        let (mut shard, place) = self.locate(user);
        if shard.last_revoked.get(place).is_none_or(|&last| last > start.0) {
            return None;
        }
        shard.prune();
        if !shard.handles.contains_key(user) {
            shard.handles.insert(user.clone(), Vec::with_capacity(1));
        }
        let handles = shard.handles.get_mut(user)?;
        if let Some((_, flag)) = handles.iter().find(|(other, _)| other == realm) {
            return Some(RevocationHandle(Arc::clone(flag)));
        }
        let flag = Arc::<Flag>::default();
        handles.push((realm.clone(), Arc::clone(&flag)));
        Some(RevocationHandle(flag))
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Shard {
    const MIN_PRUNE_AT: usize = 64;

    /// Removes and returns the flags of a user in the realms that match.
    fn remove(&mut self, user: &UserId, matches: impl Fn(&Realm) -> bool) -> Vec<Arc<Flag>> {
        let Some(handles) = self.handles.get_mut(user) else { return Vec::new() };
        let removed = handles.extract_if(.., |(realm, _)| matches(realm)).map(|(_, flag)| flag);
        let removed = removed.collect();
        if handles.is_empty() {
            self.handles.remove(user);
        }
        removed
    }

    /// Removes the entries of users who have left once the number of users has doubled, so that the
    /// cost per login is constant.
    fn prune(&mut self) {
        if self.handles.len() < self.prune_at {
            return;
        }
        self.handles.retain(|_, handles| {
            handles.retain(|(_, flag)| Arc::strong_count(flag) > 1);
            !handles.is_empty()
        });
        self.prune_at = Self::MIN_PRUNE_AT.max(2 * self.handles.len());
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            handles: HashMap::new(),
            prune_at: Self::MIN_PRUNE_AT,
            last_revoked: Box::new([0; PLACES]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_entry_for_users_who_have_left() {
        let registry = Registry::default();
        let realm = Realm::new("a").unwrap();
        let log_in = |user: &str| {
            let start = CheckStart(registry.count());
            registry.handle(&realm, &UserId::new(user), start).unwrap()
        };
        let alive = log_in("alice");
        for user in 0..100_000 {
            drop(log_in(&user.to_string()));
        }
        let entries = |shard: &Mutex<Shard>| shard.lock().unwrap().handles.len();
        let entries: usize = registry.shards.iter().map(entries).sum();
        assert!(entries <= SHARDS * Shard::MIN_PRUNE_AT, "{entries}");
        registry.revoke(&UserId::new("alice"), Some(&realm));
        assert!(alive.is_revoked());
    }
}
