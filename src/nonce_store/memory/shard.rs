//! One shard: the rules of the store, without a lock or a clock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use super::window::Window;
use crate::{
    clock::Timestamp,
    nonce_store::{NonceCheck, NonceUse},
    wire::digest::NonceId,
};

/// The maximum number of expired nonces that a call removes: more than one, which it may add, so
/// that the shard shrinks again; few, so that no call takes long.
pub(super) const EXPIRED_PER_CALL: usize = 4;

/// The limits of a shard, or of the whole store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The maximum number of nonces, at least 1.
    pub(super) capacity: usize,
    /// The width of the window of each nonce, in counts.
    pub(super) window: u32,
}

impl Limits {
    /// The maximum number of nonces of one holder: a sixteenth of the capacity, but at least 1.
    pub(super) fn quota(self) -> usize {
        (self.capacity / 16).max(1)
    }
}

/// Identifies a nonce without its epoch, which is the store's: that saves 16 bytes. Ordered by
/// issue time, so the oldest is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Serial {
    issued: Timestamp,
    counter: u64,
}

impl From<&NonceId> for Serial {
    fn from(nonce: &NonceId) -> Self {
        Self { issued: nonce.issued(), counter: nonce.counter() }
    }
}

/// Identifies a user of a realm by a keyed hash of both names, to save memory.
///
/// # Security
/// Two users with the same hash (a chance of 2^-64 for each pair) would be treated as one. They
/// would share a quota and could use each other's nonces, but every count only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder(pub(super) u64);

/// A recorded nonce.
struct Entry {
    /// The first user of the nonce.
    holder: Holder,
    expires: Timestamp,
    window: Window,
}

/// Nonces with their windows and holders, and the watermark.
pub(super) struct Shard {
    limits: Limits,
    nonces: BTreeMap<Serial, Entry>,
    /// The nonces of each holder. They are removed from the oldest on, so a heap is enough.
    holders: BTreeMap<Holder, BinaryHeap<Reverse<Serial>>>,
    /// The newest nonce that expired or was evicted. Every recorded nonce is above it.
    watermark: Option<Serial>,
}

impl Shard {
    /// Creates an empty shard.
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, nonces: BTreeMap::new(), holders: BTreeMap::new(), watermark: None }
    }

    /// Returns the number of recorded nonces.
    pub(super) fn len(&self) -> usize {
        self.nonces.len()
    }

    /// Records the count if it is fresh, and returns the result. `holder` is the user of `check`.
    pub(super) fn check_and_insert(&mut self, check: &NonceCheck<'_>, holder: Holder) -> NonceUse {
        self.remove_expired(check.now);
        if check.now >= check.expires {
            return NonceUse::Forgotten;
        }
        let nonce = Serial::from(check.nonce);
        let Some(entry) = self.nonces.get_mut(&nonce) else {
            return self.insert(nonce, check, holder);
        };
        if entry.holder != holder {
            NonceUse::OtherUser
        } else if entry.window.insert(check.count, self.limits.window) {
            NonceUse::Fresh
        } else {
            NonceUse::Replayed
        }
    }

    /// Records an absent nonce, if it is above the watermark and there is room for it.
    fn insert(&mut self, nonce: Serial, check: &NonceCheck<'_>, holder: Holder) -> NonceUse {
        if self.watermark >= Some(nonce) || !self.make_room(nonce, holder) {
            return NonceUse::Forgotten;
        }
        let (expires, window) = (check.expires, Window::new(check.count));
        self.nonces.insert(nonce, Entry { holder, expires, window });
        let own = self.holders.entry(holder).or_insert_with(|| BinaryHeap::with_capacity(1));
        own.push(Reverse(nonce));
        NonceUse::Fresh
    }

    /// Makes room for an absent nonce above the watermark, and returns whether there is room.
    ///
    /// There is none for a nonce that would be the next one to be removed. In a full shard, this
    /// only saves work. For a holder at the quota, it refuses the nonces that the quota removed:
    /// see the proof in the module's documentation.
    fn make_room(&mut self, nonce: Serial, holder: Holder) -> bool {
        let own = self.holders.get(&holder).filter(|own| own.len() >= self.limits.quota());
        let own_oldest = own.and_then(BinaryHeap::peek).map(|&Reverse(oldest)| oldest);
        let is_full = self.nonces.len() >= self.limits.capacity;
        match own_oldest.or_else(|| self.oldest().filter(|_| is_full)) {
            None => true,
            Some(oldest) if nonce < oldest => false,
            Some(oldest) => {
                self.remove(oldest);
                if own_oldest.is_none() {
                    self.watermark = Some(oldest);
                }
                true
            }
        }
    }

    /// Removes the oldest nonces that have expired by `now`, up to a limit.
    ///
    /// Nonces of one lifetime expire in the order of their issue. With several lifetimes, an
    /// expired nonce may stay behind older ones: it takes up room, but is still refused.
    fn remove_expired(&mut self, now: Timestamp) {
        for _ in 0..EXPIRED_PER_CALL {
            match self.nonces.first_key_value() {
                Some((&oldest, entry)) if entry.expires <= now => {
                    self.remove(oldest);
                    self.watermark = Some(oldest);
                }
                _ => return,
            }
        }
    }

    /// Removes a nonce, which must be the oldest of its holder, and the holder with the last one.
    fn remove(&mut self, nonce: Serial) {
        let Some(Entry { holder, .. }) = self.nonces.remove(&nonce) else { return };
        let Some(own) = self.holders.get_mut(&holder) else { return };
        own.pop();
        if own.is_empty() {
            self.holders.remove(&holder);
        } else if own.len() <= own.capacity() / 4 {
            // Frees the memory of removed nonces even while the holder keeps one.
            own.shrink_to(2 * own.len());
        }
    }

    fn oldest(&self) -> Option<Serial> {
        self.nonces.first_key_value().map(|(&oldest, _)| oldest)
    }
}

#[cfg(test)]
impl Shard {
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Panics unless all parts of the shard agree.
    #[track_caller]
    pub(super) fn assert_consistent(&self) {
        assert!(self.nonces.len() <= self.limits.capacity, "keeps to the capacity");
        assert!(self.oldest().is_none_or(|oldest| Some(oldest) > self.watermark), "watermark");
        let mut held = 0;
        for (holder, own) in &self.holders {
            held += own.len();
            assert!((1..=self.limits.quota()).contains(&own.len()), "keeps to the quota");
            assert!(own.capacity() < 4 * own.len(), "returns memory");
            let is_own =
                |nonce| self.nonces.get(nonce).is_some_and(|entry| entry.holder == *holder);
            assert!(own.iter().all(|Reverse(nonce)| is_own(nonce)), "held by its holder");
        }
        assert_eq!(held, self.nonces.len(), "every nonce is held");
    }
}

#[cfg(test)]
mod tests {
    use NonceUse::{Forgotten, Fresh, OtherUser, Replayed};

    use super::{
        super::support::{LIFETIME, Sent, sent},
        *,
    };

    fn shard(capacity: usize) -> Shard {
        Shard::new(Limits { capacity, window: 64 })
    }

    #[track_caller]
    fn expect(shard: &mut Shard, sent: &Sent, expected: NonceUse) {
        let answer = sent.to(|check, holder| shard.check_and_insert(&check, holder));
        assert_eq!(answer, expected, "{sent:?}");
        shard.assert_consistent();
    }

    /// Sends the first count of each nonce, in the microsecond of its issue.
    #[track_caller]
    fn expect_all(
        shard: &mut Shard,
        user: &str,
        nonces: impl IntoIterator<Item = u64>,
        expected: NonceUse,
    ) {
        for nonce in nonces {
            expect(shard, &sent(user, nonce, 1), expected);
        }
    }

    /// A full shard of 32 nonces, two for each of 16 users, issued at 100 to 131.
    fn full() -> Shard {
        let mut shard = shard(32);
        for nonce in 100..132 {
            expect_all(&mut shard, &format!("user {}", nonce % 16), [nonce], Fresh);
        }
        assert_eq!((shard.len(), shard.holders.len()), (32, 16));
        shard
    }

    #[test]
    fn binds_a_nonce_to_its_first_user_and_realm() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        expect(&mut shard, &sent("bob", 5, 2), OtherUser);
        expect(&mut shard, &sent("alice", 5, 2).in_realm("other"), OtherUser);
        expect(&mut shard, &sent("alice", 5, 2), Fresh);
    }

    #[test]
    fn refuses_and_removes_a_nonce_at_its_expiry() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1).at(5 + LIFETIME - 1), Fresh);
        assert_eq!(shard.len(), 1);
        expect(&mut shard, &sent("alice", 5, 2).at(5 + LIFETIME), Forgotten);
        expect(&mut shard, &sent("alice", 6, 1).at(6 + LIFETIME), Forgotten);
        assert_eq!(shard.len(), 0);
    }

    #[test]
    fn removes_a_few_expired_nonces_per_call() {
        let mut shard = full();
        expect_all(&mut shard, "zoe", [5_000], Fresh);
        assert_eq!(shard.len(), 32 - EXPIRED_PER_CALL + 1);
        for count in 2..10 {
            expect(&mut shard, &sent("zoe", 5_000, count), Fresh);
        }
        assert_eq!((shard.len(), shard.holders.len()), (1, 1));
    }

    #[test]
    fn refuses_expired_nonces_after_the_clock_steps_back() {
        let mut shard = shard(10);
        expect_all(&mut shard, "alice", [5], Fresh);
        expect(&mut shard, &sent("alice", 5, 2).at(u64::MAX), Forgotten);
        for (user, nonce, count, expected) in [
            ("alice", 5, 1, Forgotten),
            ("alice", 5, 2, Forgotten),
            ("carol", 4, 1, Forgotten),
            ("carol", 6, 1, Fresh),
        ] {
            expect(&mut shard, &sent(user, nonce, count), expected);
        }
    }

    #[test]
    fn evicts_the_oldest_nonce_by_issue_time() {
        let mut shard = shard(3);
        for (user, nonce) in [("a", 7), ("b", 5), ("c", 6), ("d", 8)] {
            expect_all(&mut shard, user, [nonce], Fresh);
        }
        expect_all(&mut shard, "b", [5, 4], Forgotten);
        for (user, nonce) in [("a", 7), ("c", 6), ("d", 8)] {
            expect_all(&mut shard, user, [nonce], Replayed);
        }
    }

    #[test]
    fn refuses_an_evicted_nonce_when_there_is_room_again() {
        let mut shard = full();
        expect_all(&mut shard, "zoe", [200], Fresh);
        assert_eq!(shard.watermark.map(|nonce| nonce.counter), Some(100));
        expect_all(&mut shard, "user 4", [100], Forgotten);
        expect_all(&mut shard, "zoe", 5_000..5_032, Fresh);
        assert_eq!(shard.len(), 2, "all others have expired");
        expect_all(&mut shard, "user 4", [100], Forgotten);
    }

    #[test]
    fn a_full_shard_accepts_only_newer_nonces() {
        let mut shard = full();
        expect(&mut shard, &sent("zoe", 99, 1).at(131), Forgotten);
        expect_all(&mut shard, "user 4", [100], Replayed);
        for nonce in 200..300 {
            expect_all(&mut shard, &format!("new {nonce}"), [nonce], Fresh);
            assert_eq!(shard.len(), 32);
        }
    }

    #[test]
    fn a_user_at_the_quota_loses_their_own_oldest_nonce() {
        let mut shard = full();
        expect_all(&mut shard, "user 4", [200], Fresh);
        assert_eq!((shard.len(), shard.watermark), (32, None));
        expect_all(&mut shard, "user 4", [100], Forgotten);
        for nonce in 101..132 {
            expect_all(&mut shard, &format!("user {}", nonce % 16), [nonce], Replayed);
        }
    }

    #[test]
    fn a_busy_user_does_not_invalidate_unused_nonces_of_others() {
        let mut shard = shard(320);
        expect_all(&mut shard, "alice", (100..400).filter(|&nonce| nonce != 150), Fresh);
        assert_eq!(shard.len(), 20);
        expect(&mut shard, &sent("alice", 150, 1).at(400), Forgotten);
        expect(&mut shard, &sent("bob", 150, 1).at(400), Fresh);
        expect_all(&mut shard, "alice", [379], Forgotten);
        expect_all(&mut shard, "alice", [380], Replayed);
    }

    #[test]
    fn a_name_in_another_realm_has_its_own_quota() {
        let mut shard = shard(32);
        expect_all(&mut shard, "alice", [5, 6], Fresh);
        for nonce in 7..20 {
            expect(&mut shard, &sent("alice", nonce, 1).in_realm("other"), Fresh);
        }
        assert_eq!((shard.len(), shard.holders.len()), (4, 2));
        expect_all(&mut shard, "alice", [5, 6], Replayed);
    }

    #[test]
    fn refuses_a_nonce_removed_by_a_quota_without_its_user() {
        let mut shard = shard(32);
        expect_all(&mut shard, "alice", 5..9, Fresh);
        expect_all(&mut shard, "bob", [9_000], Fresh);
        assert_eq!((shard.len(), shard.holders.len()), (1, 1), "alice is gone");
        expect_all(&mut shard, "alice", 5..9, Forgotten);
    }

    #[test]
    fn a_nonce_that_changed_users_is_lost_to_the_first() {
        let mut shard = shard(32);
        expect_all(&mut shard, "alice", [5, 6, 7], Fresh);
        expect_all(&mut shard, "alice", [5], Forgotten);
        expect_all(&mut shard, "bob", [5], Fresh);
        expect_all(&mut shard, "alice", [5], OtherUser);
        expect_all(&mut shard, "alice", [6, 7], Replayed);
    }

    #[test]
    fn a_holder_who_loses_nonces_returns_memory() {
        let mut shard = shard(1_600);
        expect_all(&mut shard, "alice", 0..64, Fresh);
        for (now, left, capacity) in [(LIFETIME + 46, 17, 64), (LIFETIME + 47, 16, 32)] {
            for _ in 0..64 {
                expect(&mut shard, &sent("alice", 63, 1).at(now), Replayed);
            }
            let own: Vec<_> =
                shard.holders.values().map(|own| (own.len(), own.capacity())).collect();
            assert_eq!(own, [(left, capacity)]);
        }
    }

    #[test]
    fn the_quota_is_a_sixteenth_but_at_least_one() {
        for (capacity, quota) in [(1, 1), (31, 1), (32, 2), (47, 2), (48, 3), (1_600, 100)] {
            assert_eq!(Limits { capacity, window: 64 }.quota(), quota, "{capacity}");
        }
    }
}
