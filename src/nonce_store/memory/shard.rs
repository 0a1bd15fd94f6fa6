//! One shard: the rules of the store, on plain data, with no lock and no clock.

use std::{fmt, hash::BuildHasher};

use foldhash::quality::RandomState;

use super::{
    entry::{Entry, Holder},
    table::{Key, Table},
    tree::{Root, Tree},
};
use crate::{
    clock::Timestamp,
    identity::UserId,
    nonce_store::{NonceCheck, NonceUse},
    wire::digest::NonceId,
};

/// How many expired nonces a call removes at most. More than the one that it may add, so that
/// a store that has grown shrinks again; few, so that no call pays for all.
pub(super) const SWEPT_PER_CALL: usize = 4;

/// The limits of one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The most nonces that it holds: at least one.
    pub(super) capacity: usize,
    /// How many counts below the highest one of a nonce are remembered.
    pub(super) window: u32,
}

impl Limits {
    /// The most nonces that one user may hold: a sixteenth, but at least one.
    const fn quota(self) -> usize {
        if self.capacity < 32 { 1 } else { self.capacity / 16 }
    }
}

/// Nonces with their windows, who holds them, and what has been removed.
pub(super) struct Shard {
    limits: Limits,
    hasher: RandomState,
    entries: Table<Entry>,
    holders: Table<Holder>,
    by_age: Root,
    /// The newest nonce that expired or was evicted. All entries lie above it.
    watermark: Option<NonceId>,
}

impl Shard {
    /// An empty shard. `hasher` finds users; `limits.capacity` must not be zero.
    pub(super) fn new(limits: Limits, hasher: RandomState) -> Self {
        Self {
            limits,
            hasher,
            entries: Table::new(limits.capacity),
            holders: Table::new(limits.capacity),
            by_age: None,
            watermark: None,
        }
    }

    /// How many nonces are on record.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Records the count if it is fresh, and says what it was. `hash` is that of the nonce.
    pub(super) fn check(&mut self, presentation: &NonceCheck<'_>, hash: u32) -> NonceUse {
        self.sweep(presentation.now);
        if presentation.now >= presentation.expires {
            return NonceUse::Forgotten;
        }
        match self.find(presentation, hash) {
            Some(key) => {
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.counts.reseal(presentation.seal);
                }
                self.use_again(key, presentation)
            }
            None => self.use_first(presentation, hash),
        }
    }

    /// The same for a nonce on record with the same seal that has not expired; `None`, and nothing
    /// done, if there is none.
    pub(super) fn check_known(&self, presentation: &NonceCheck<'_>, hash: u32) -> Option<NonceUse> {
        let key = self.find(presentation, hash)?;
        let is_same = self.entries.get(key)?.counts.has_seal(presentation.seal);
        (is_same && presentation.now < presentation.expires)
            .then(|| self.use_again(key, presentation))
    }

    fn find(&self, presentation: &NonceCheck<'_>, hash: u32) -> Option<Key> {
        self.entries.find(hash, |entry| entry.nonce == *presentation.nonce)
    }

    fn use_again(&self, key: Key, presentation: &NonceCheck<'_>) -> NonceUse {
        let Some(entry) = self.entries.get(key) else { return NonceUse::Forgotten };
        let holder = self.holders.get(entry.holder);
        if holder.is_none_or(|holder| holder.user != *presentation.user) {
            NonceUse::OtherUser
        } else if entry.counts.admit(presentation.count, self.limits.window) {
            NonceUse::Fresh
        } else {
            NonceUse::Replayed
        }
    }

    fn use_first(&mut self, presentation: &NonceCheck<'_>, hash: u32) -> NonceUse {
        let (nonce, user) = (*presentation.nonce, presentation.user);
        let user_hash = low_half(self.hasher.hash_one(user));
        let holder = self.holders.find(user_hash, |holder| holder.user == *user);
        if self.watermark >= Some(nonce) || !self.make_room(nonce, holder) {
            return NonceUse::Forgotten;
        }
        // Making room may have removed the user's last nonce, and the user with it.
        let holder = self
            .holders
            .find(user_hash, |holder| holder.user == *user)
            .or_else(|| self.enrol(user, user_hash));
        let Some(holder) = holder else { return NonceUse::Forgotten };
        let recorded = self.record(Entry::new(presentation, holder, hash));
        if recorded { NonceUse::Fresh } else { NonceUse::Forgotten }
    }

    /// Makes room for an absent nonce above the watermark, and says whether there is any.
    ///
    /// There is none for a nonce that would be the next to go. In a full shard that changes
    /// nothing: such a nonce has never been fresh. For a user at the quota it is what keeps out the
    /// nonces that the quota took, see the module's proof.
    fn make_room(&mut self, nonce: NonceId, holder: Option<Key>) -> bool {
        let quota = self.limits.quota();
        let holder = holder.and_then(|key| self.holders.get(key));
        let at_quota = holder.filter(|holder| holder.held as usize >= quota);
        let (tree, root) = match at_quota {
            Some(holder) => (Tree::Holder, holder.nonces),
            None if self.entries.len() >= self.limits.capacity => (Tree::Shard, self.by_age),
            None => return true,
        };
        match self.oldest(tree, root) {
            Some((key, oldest)) if oldest < nonce => {
                if at_quota.is_some() {
                    self.remove(key);
                } else {
                    self.remove_for_all(key);
                }
                true
            }
            _ => false,
        }
    }

    /// Removes a few nonces that have expired by `now`.
    ///
    /// All nonces live equally long, so the oldest expires first. Were that not so, one that has
    /// expired would wait for its elders: it costs a place, and it is refused by its own time.
    fn sweep(&mut self, now: Timestamp) {
        for _ in 0..SWEPT_PER_CALL {
            let Some((oldest, _)) = self.oldest(Tree::Shard, self.by_age) else { return };
            if self.entries.get(oldest).is_none_or(|entry| now < entry.expires()) {
                return;
            }
            self.remove_for_all(oldest);
        }
    }

    fn oldest(&self, tree: Tree, root: Root) -> Option<(Key, NonceId)> {
        let key = tree.oldest(&self.entries, root)?;
        Some((key, self.entries.get(key)?.nonce))
    }

    fn enrol(&mut self, user: &UserId, hash: u32) -> Option<Key> {
        let user = user.clone();
        self.holders.insert(Holder { user, held: 0, nonces: None, hash, next: None })
    }

    fn record(&mut self, entry: Entry) -> bool {
        let holder_key = entry.holder;
        let Some(key) = self.entries.insert(entry) else { return false };
        self.by_age = Tree::Shard.insert(&mut self.entries, self.by_age, key);
        if let Some(holder) = self.holders.get_mut(holder_key) {
            holder.nonces = Tree::Holder.insert(&mut self.entries, holder.nonces, key);
            holder.held += 1;
        }
        true
    }

    /// Removes a nonce and bars all absent ones up to it.
    fn remove_for_all(&mut self, key: Key) {
        let removed = self.remove(key);
        self.watermark = self.watermark.max(removed);
    }

    /// Removes a nonce, with its holder if it was the last one, and says which it was.
    fn remove(&mut self, key: Key) -> Option<NonceId> {
        let holder_key = self.entries.get(key)?.holder;
        self.by_age = Tree::Shard.remove(&mut self.entries, self.by_age, key);
        if let Some(holder) = self.holders.get_mut(holder_key) {
            holder.nonces = Tree::Holder.remove(&mut self.entries, holder.nonces, key);
            holder.held = holder.held.saturating_sub(1);
            if holder.held == 0 {
                self.holders.remove(holder_key);
            }
        }
        Some(self.entries.remove(key)?.nonce)
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("limits", &self.limits)
            .field("nonces", &self.entries.len())
            .field("users", &self.holders.len())
            .finish_non_exhaustive()
    }
}

/// The half of a hash that picks a bucket; the other one picks the shard.
pub(super) const fn low_half(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
impl Shard {
    /// The most nonces that it holds.
    pub(super) const fn capacity(&self) -> usize {
        self.limits.capacity
    }

    /// The most nonces that one user may hold.
    pub(super) const fn quota(&self) -> usize {
        self.limits.quota()
    }

    /// How many users are on record.
    pub(super) const fn users(&self) -> usize {
        self.holders.len()
    }

    /// How many nodes lie on the longest way down the tree of all nonces.
    pub(super) fn depth(&self) -> usize {
        Tree::Shard.depth(&self.entries, self.by_age)
    }

    /// Fails unless all the structures tell the same story.
    #[track_caller]
    pub(super) fn assert_consistent(&self) {
        let nonces = |tree: Tree, root| {
            let keys = tree.keys(&self.entries, root).into_iter();
            keys.map(|key| self.entries.get(key).unwrap()).collect::<Vec<_>>()
        };
        let all = nonces(Tree::Shard, self.by_age);
        assert!(all.is_sorted_by(|a, b| a.nonce < b.nonce), "the shard is in order");
        assert_eq!(all.len(), self.entries.len(), "every nonce is in the order");
        assert!(all.len() <= self.limits.capacity, "the shard keeps to its capacity");
        assert!(all.iter().all(|entry| Some(entry.nonce) > self.watermark), "above the watermark");
        let mut holders: Vec<_> = all.iter().map(|entry| entry.holder).collect();
        holders.dedup();
        let mut seen = Vec::new();
        for key in holders {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let holder = self.holders.get(key).unwrap();
            let own = nonces(Tree::Holder, holder.nonces);
            assert!(own.is_sorted_by(|a, b| a.nonce < b.nonce), "the user's nonces are in order");
            let held = all.iter().filter(|entry| entry.holder == key).count();
            assert_eq!((own.len(), holder.held as usize), (held, held), "all nonces of a user");
            assert!(held <= self.limits.quota(), "the user keeps to the quota");
            assert!(own.iter().all(|entry| entry.holder == key), "nonces of that user");
        }
        assert_eq!(seen.len(), self.holders.len(), "no user without a nonce");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::support::{LIFETIME, Sent, sent},
        *,
    };
    use NonceUse::{Forgotten, Fresh, OtherUser, Replayed};

    fn shard(capacity: usize) -> Shard {
        Shard::new(Limits { capacity, window: 64 }, RandomState::default())
    }

    #[track_caller]
    fn expect(shard: &mut Shard, sent: &Sent, expected: NonceUse) {
        let answer = sent.to(|presentation| {
            let hash = low_half(shard.hasher.hash_one(presentation.nonce));
            shard.check(&presentation, hash)
        });
        assert_eq!(answer, expected, "{sent:?}");
        shard.assert_consistent();
    }

    /// A full shard of 32 nonces, two for each of 16 users, issued at 100 to 131.
    fn full() -> Shard {
        let mut shard = shard(32);
        for nonce in 100..132 {
            expect(&mut shard, &sent(&format!("user {}", nonce % 16), nonce, 1), Fresh);
        }
        assert_eq!((shard.len(), shard.users()), (32, 16));
        shard
    }

    #[test]
    fn passes_each_count_once_in_any_order() {
        let mut shard = shard(10);
        for count in [3, 1, 2] {
            expect(&mut shard, &sent("alice", 5, count), Fresh);
        }
        for count in [1, 2, 3] {
            expect(&mut shard, &sent("alice", 5, count), Replayed);
        }
        expect(&mut shard, &sent("alice", 5, 4), Fresh);
        assert_eq!(shard.len(), 1);
    }

    #[test]
    fn remembers_as_many_counts_as_the_window_is_wide() {
        for (window, below) in [(64, Replayed), (65, Fresh)] {
            let mut shard = Shard::new(Limits { capacity: 1, window }, RandomState::default());
            expect(&mut shard, &sent("alice", 5, 100), Fresh);
            expect(&mut shard, &sent("alice", 5, 100 - 64), below);
        }
    }

    #[test]
    fn counts_of_different_nonces_are_apart() {
        let mut shard = shard(100);
        for nonce in [5, 6, 4] {
            expect(&mut shard, &sent("alice", nonce, 1), Fresh);
        }
    }

    #[test]
    fn binds_a_nonce_to_its_first_user() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        expect(&mut shard, &sent("bob", 5, 2), OtherUser);
        expect(&mut shard, &sent("alice", 5, 2), Fresh);
    }

    #[test]
    fn refuses_a_nonce_from_its_expiry_on() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1).at(5 + LIFETIME - 1), Fresh);
        expect(&mut shard, &sent("alice", 5, 2).at(5 + LIFETIME), Forgotten);
        expect(&mut shard, &sent("alice", 6, 1).at(6 + LIFETIME), Forgotten);
        assert_eq!(shard.len(), 0);
    }

    #[test]
    fn stays_closed_when_the_clock_steps_back() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        expect(&mut shard, &sent("bob", 9_000, 1), Fresh);
        assert_eq!(shard.len(), 1, "the first nonce has expired");
        expect(&mut shard, &sent("alice", 5, 1), Forgotten);
        expect(&mut shard, &sent("alice", 5, 2), Forgotten);
        expect(&mut shard, &sent("carol", 4, 1), Forgotten);
        expect(&mut shard, &sent("carol", 6, 1), Fresh);
    }

    #[test]
    fn a_wild_clock_spoils_only_what_was_issued_before() {
        let mut shard = shard(10);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        expect(&mut shard, &sent("alice", 5, 2).at(u64::MAX), Forgotten);
        expect(&mut shard, &sent("alice", 6, 1), Fresh);
    }

    #[test]
    fn a_full_shard_drops_the_oldest_issued_whenever_it_came() {
        let mut shard = shard(3);
        for (user, nonce) in [("a", 7), ("b", 5), ("c", 6), ("d", 8)] {
            expect(&mut shard, &sent(user, nonce, 1), Fresh);
        }
        for (user, nonce, expected) in
            [("b", 5, Forgotten), ("a", 7, Replayed), ("c", 6, Replayed), ("d", 8, Replayed)]
        {
            expect(&mut shard, &sent(user, nonce, 1), expected);
        }
    }

    #[test]
    fn what_was_evicted_is_never_fresh_again_also_when_there_is_room() {
        let mut shard = full();
        expect(&mut shard, &sent("zoe", 200, 1), Fresh);
        let watermark = shard.watermark.map(|nonce| nonce.issued().as_micros());
        assert_eq!(watermark, Some(100));
        expect(&mut shard, &sent("user 4", 100, 1), Forgotten);
        for nonce in 5_000..5_032 {
            expect(&mut shard, &sent("zoe", nonce, 1), Fresh);
        }
        assert_eq!(shard.len(), 2, "all others have expired");
        expect(&mut shard, &sent("user 4", 100, 1), Forgotten);
    }

    #[test]
    fn a_nonce_older_than_all_of_a_full_shard_is_refused_and_drops_nothing() {
        let mut shard = full();
        expect(&mut shard, &sent("zoe", 99, 1).at(131), Forgotten);
        expect(&mut shard, &sent("user 4", 100, 1), Replayed);
        assert_eq!(shard.len(), 32);
    }

    #[test]
    fn a_brand_new_nonce_of_another_user_works_in_a_full_shard() {
        let mut shard = full();
        for nonce in 200..300 {
            expect(&mut shard, &sent(&format!("new {nonce}"), nonce, 1), Fresh);
            assert_eq!(shard.len(), 32);
        }
    }

    #[test]
    fn a_user_past_the_quota_makes_room_with_their_own_oldest() {
        let mut shard = full();
        expect(&mut shard, &sent("user 4", 200, 1), Fresh);
        assert_eq!(shard.len(), 32);
        expect(&mut shard, &sent("user 4", 100, 1), Forgotten);
        for nonce in 101..132 {
            expect(&mut shard, &sent(&format!("user {}", nonce % 16), nonce, 1), Replayed);
        }
    }

    #[test]
    fn a_busy_user_does_not_make_the_unused_nonces_of_others_stale() {
        let mut shard = shard(320);
        for nonce in 100..400 {
            if nonce != 150 {
                expect(&mut shard, &sent("alice", nonce, 1), Fresh);
            }
        }
        assert_eq!(shard.len(), 20);
        expect(&mut shard, &sent("alice", 150, 1).at(400), Forgotten);
        expect(&mut shard, &sent("bob", 150, 1).at(400), Fresh);
        expect(&mut shard, &sent("alice", 379, 1).at(400), Forgotten);
        expect(&mut shard, &sent("alice", 380, 1).at(400), Replayed);
    }

    #[test]
    fn a_user_at_the_quota_is_refused_what_would_be_the_next_to_go() {
        let mut shard = shard(32);
        for (nonce, expected) in [(5, Fresh), (6, Fresh), (4, Forgotten), (7, Fresh)] {
            expect(&mut shard, &sent("alice", nonce, 1), expected);
        }
    }

    #[test]
    fn what_a_quota_took_stays_barred_after_its_user_is_forgotten() {
        let mut shard = shard(32);
        for nonce in [5, 6, 7, 8] {
            expect(&mut shard, &sent("alice", nonce, 1), Fresh);
        }
        expect(&mut shard, &sent("bob", 9_000, 1), Fresh);
        assert_eq!((shard.len(), shard.users()), (1, 1), "alice is gone");
        for nonce in [5, 6, 7, 8] {
            expect(&mut shard, &sent("alice", nonce, 1), Forgotten);
        }
    }

    #[test]
    fn a_nonce_taken_over_after_a_quota_stays_lost_to_its_first_user() {
        let mut shard = shard(32);
        for nonce in [5, 6, 7] {
            expect(&mut shard, &sent("alice", nonce, 1), Fresh);
        }
        expect(&mut shard, &sent("alice", 5, 1), Forgotten);
        expect(&mut shard, &sent("bob", 5, 1), Fresh);
        expect(&mut shard, &sent("alice", 5, 1), OtherUser);
        expect(&mut shard, &sent("bob", 5, 1), Replayed);
        for nonce in [6, 7] {
            expect(&mut shard, &sent("alice", nonce, 1), Replayed);
        }
    }

    #[test]
    fn works_with_room_for_a_single_nonce() {
        let mut shard = shard(1);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        expect(&mut shard, &sent("alice", 5, 2), Fresh);
        expect(&mut shard, &sent("bob", 6, 1), Fresh);
        expect(&mut shard, &sent("alice", 5, 3), Forgotten);
        expect(&mut shard, &sent("bob", 7, 1), Fresh);
        expect(&mut shard, &sent("bob", 6, 2), Forgotten);
        expect(&mut shard, &sent("alice", 5, 3), Forgotten);
        expect(&mut shard, &sent("alice", 8, 1), Fresh);
        assert_eq!((shard.len(), shard.users()), (1, 1));
    }

    #[test]
    fn a_call_removes_a_few_expired_nonces_and_the_next_ones_the_rest() {
        let mut shard = full();
        expect(&mut shard, &sent("zoe", 5_000, 1), Fresh);
        assert_eq!(shard.len(), 32 - SWEPT_PER_CALL + 1);
        for count in 2..10 {
            expect(&mut shard, &sent("zoe", 5_000, count), Fresh);
        }
        assert_eq!((shard.len(), shard.users()), (1, 1));
    }

    #[test]
    fn a_nonce_is_swept_at_the_very_time_it_expires() {
        for (now, left) in [(LIFETIME - 1, 2), (LIFETIME, 1)] {
            let mut shard = shard(32);
            expect(&mut shard, &sent("alice", 0, 1), Fresh);
            expect(&mut shard, &sent("zoe", now, 1), Fresh);
            assert_eq!(shard.len(), left, "{now}");
        }
    }

    #[test]
    fn the_order_of_arrival_can_not_make_it_slow() {
        for order in ["oldest first", "newest first", "from both ends"] {
            let mut shard = shard(4_096);
            for index in 0..4_096_u64 {
                let nonce = match order {
                    "oldest first" => index,
                    "newest first" => 4_096 - index,
                    _ if index % 2 == 0 => index,
                    _ => 8_192 - index,
                };
                let answer = sent(&format!("{}", index % 64), nonce, 1).at(0).to(|presentation| {
                    let hash = low_half(shard.hasher.hash_one(presentation.nonce));
                    shard.check(&presentation, hash)
                });
                assert_eq!(answer, Fresh, "{order}");
            }
            // A list would be 4,096 deep; chance alone makes this tree about 30.
            assert!(shard.depth() < 100, "{order}: {}", shard.depth());
        }
    }

    #[test]
    fn its_debug_output_names_nobody() {
        let mut shard = shard(32);
        expect(&mut shard, &sent("alice", 5, 1), Fresh);
        assert_eq!(
            format!("{shard:?}"),
            "Shard { limits: Limits { capacity: 32, window: 64 }, nonces: 1, users: 1, .. }"
        );
    }
}
