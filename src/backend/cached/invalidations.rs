//! Users whose verdicts are void, whatever they were.

use std::{
    hash::BuildHasher as _,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use foldhash::quality::RandomState;

/// How many places users share. Who shares one with a user that was invalidated is checked once
/// more.
const PLACES: u16 = 1_024;

/// Counts invalidations, and remembers the last one of each user.
///
/// A check notes the count before it begins. What it brings is void once a later invalidation
/// stands in the place of its user, whether it was stored by then or not. So nothing has to be
/// searched for, and the memory is the same for however many users.
pub(super) struct Invalidations {
    count: AtomicU64,
    last_of_all: AtomicU64,
    last: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Invalidations {
    pub(super) fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            last_of_all: AtomicU64::new(0),
            last: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::default(),
        }
    }

    /// How many there have been: what a check notes before it begins.
    pub(super) fn count(&self) -> u64 {
        self.count.load(SeqCst)
    }

    /// Voids what was asked before about whoever has that name.
    pub(super) fn add(&self, user: &str) {
        // A check that begins between the two lines notes the new count, and stays good: the user's
        // change was made before this was called.
        let number = self.count.fetch_add(1, SeqCst) + 1;
        if let Some(last) = self.last.get(usize::from(self.place(user))) {
            last.fetch_max(number, SeqCst);
        }
    }

    /// Voids all that was asked before.
    pub(super) fn add_all(&self) {
        let number = self.count.fetch_add(1, SeqCst) + 1;
        self.last_of_all.fetch_max(number, SeqCst);
    }

    /// Where invalidations of that name are noted.
    pub(super) fn place(&self, user: &str) -> u16 {
        self.hasher.hash_one(user) as u16 % PLACES
    }

    /// The last one that concerns a place: whatever was noted before it is void.
    pub(super) fn last(&self, place: u16) -> u64 {
        let last = self.last.get(usize::from(place)).map_or(u64::MAX, |last| last.load(SeqCst));
        last.max(self.last_of_all.load(SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voids_what_was_noted_before_for_that_user_alone() {
        let invalidations = Invalidations::new();
        let alice = invalidations.place("alice");
        // Each has its own place but for one in a thousand.
        let mut others = (0..100).map(|number| invalidations.place(&format!("user{number}")));
        let other = others.find(|place| *place != alice).unwrap();
        let before = invalidations.count();
        assert!(invalidations.last(alice) <= before);
        invalidations.add("alice");
        assert!(invalidations.last(alice) > before);
        assert!(invalidations.last(other) <= before);
        let after = invalidations.count();
        assert!(invalidations.last(alice) <= after);
        invalidations.add_all();
        assert!(invalidations.last(alice) > after);
        assert!(invalidations.last(other) > after);
        assert!(invalidations.last(other) <= invalidations.count());
    }
}
