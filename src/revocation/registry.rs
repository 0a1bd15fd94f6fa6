//! The registry of handles.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Access, CheckStart, RevocationHandle,
    handle::Flag,
    live::{LiveLogin, LiveUser, Login},
};
use crate::{change_stamp::ChangeStamp, user_id::UserId, wire::Realm};

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
    handles: HashMap<UserId, Vec<Entry>>,
    /// The number of users at which such entries are removed next.
    prune_at: usize,
    /// For each place, the number of the last revocation of one of its users.
    last_revoked: Box<[u64; PLACES]>,
}

/// One flag. A user of a realm has one for each change stamp, so that a login with the present
/// record outlives those with an old one.
pub(super) struct Entry {
    pub(super) realm: Realm,
    pub(super) stamp: Option<ChangeStamp>,
    pub(super) flag: Arc<Flag>,
    /// One for each scheme by which the user is logged in.
    logins: Vec<(&'static str, Weak<Login>)>,
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

    /// Revokes the flags of a user that match.
    pub(super) fn revoke(&self, user: &UserId, matches: impl Fn(&Entry) -> bool) {
        let (mut shard, place) = self.locate(user);
        let revoked = shard.remove(user, matches);
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

    /// The access of a user who has passed a check that began at `start`. It holds a token if a
    /// `scheme` is given.
    pub(super) fn access(
        &self,
        (realm, user, stamp): (&Realm, &UserId, Option<ChangeStamp>),
        start: CheckStart,
        scheme: Option<&'static str>,
    ) -> Option<Access> {
        let (mut shard, place) = self.locate(user);
        if shard.last_revoked.get(place).is_none_or(|&last| last > start.0) {
            return None;
        }
        shard.prune();
        if !shard.handles.contains_key(user) {
            shard.handles.insert(user.clone(), Vec::with_capacity(1));
        }
        let entries = shard.handles.get_mut(user)?;
        let is_it = |entry: &Entry| entry.stamp == stamp && entry.realm == *realm;
        if !entries.iter().any(is_it) {
            // A stamp may differ at each login.
            entries.retain(Entry::is_used);
            let (realm, flag, logins) = (realm.clone(), Arc::default(), Vec::new());
            entries.push(Entry { realm, stamp, flag, logins });
        }
        let entry = entries.iter_mut().find(|entry| is_it(entry))?;
        let _login = scheme.map(|scheme| entry.login(scheme));
        Some(Access { handle: RevocationHandle(Arc::clone(&entry.flag)), _login })
    }

    /// The users who are logged in, once for each scheme.
    pub(super) fn live_users(&self) -> Vec<LiveUser> {
        let mut users = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (user, entries) in &shard.handles {
                let first = users.len();
                entries.iter().for_each(|entry| entry.add_to(&mut users, first, user));
            }
        }
        users
    }
}

impl Entry {
    /// Whether anything but the registry holds the flag.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.flag) > 1
    }

    /// The token of the logins by `scheme`.
    fn login(&mut self, scheme: &'static str) -> Arc<Login> {
        let known = self.logins.iter_mut().find(|(other, _)| *other == scheme);
        if let Some(login) = known.as_ref().and_then(|(_, login)| login.upgrade()) {
            return login;
        }
        let login = Arc::new(Login);
        match known {
            Some((_, dead)) => *dead = Arc::downgrade(&login),
            None => self.logins.push((scheme, Arc::downgrade(&login))),
        }
        login
    }

    /// Adds the live logins of `user` to `users`, where those of this user begin at `first`.
    fn add_to(&self, users: &mut Vec<LiveUser>, first: usize, user: &UserId) {
        for (scheme, login) in self.logins.iter().filter(|(_, login)| login.strong_count() > 0) {
            let handle = RevocationHandle(Arc::clone(&self.flag));
            let login = LiveLogin { stamp: self.stamp, handle, login: Weak::clone(login) };
            let mut own = users.iter_mut().skip(first);
            match own.find(|one| one.scheme == *scheme && one.realm == self.realm) {
                Some(known) => known.logins.push(login),
                None => users.push(LiveUser {
                    realm: self.realm.clone(),
                    user: user.clone(),
                    scheme,
                    logins: vec![login],
                }),
            }
        }
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

    /// Removes and returns the flags of a user that match.
    fn remove(&mut self, user: &UserId, matches: impl Fn(&Entry) -> bool) -> Vec<Arc<Flag>> {
        let Some(entries) = self.handles.get_mut(user) else { return Vec::new() };
        let removed = entries.extract_if(.., |entry| matches(entry)).map(|entry| entry.flag);
        let removed = removed.collect();
        if entries.is_empty() {
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
        self.handles.retain(|_, entries| {
            entries.retain(Entry::is_used);
            !entries.is_empty()
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
        let log_in = |user: &str, stamp: u32| {
            let start = CheckStart(registry.count());
            let user = UserId::new(user);
            let stamp = Some(ChangeStamp::of(stamp));
            registry.access((&realm, &user, stamp), start, Some("Basic")).unwrap()
        };
        let alive = log_in("alice", 0);
        for number in 0..100_000 {
            drop(log_in(&number.to_string(), 0));
            drop(log_in("alice", number));
        }
        let entries = |shard: &Mutex<Shard>| shard.lock().unwrap().handles.len();
        let users: usize = registry.shards.iter().map(entries).sum();
        assert!(users <= SHARDS * Shard::MIN_PRUNE_AT, "{users}");
        let entries = |shard: &Mutex<Shard>| {
            shard.lock().unwrap().handles.values().map(Vec::len).sum::<usize>()
        };
        let entries: usize = registry.shards.iter().map(entries).sum();
        assert!(entries <= SHARDS * Shard::MIN_PRUNE_AT, "{entries}");
        assert_eq!(registry.live_users().len(), 1);
        registry.revoke(&UserId::new("alice"), |entry| entry.realm == realm);
        assert!(alive.handle.is_revoked());
        assert_eq!(registry.live_users().len(), 0);
    }
}
