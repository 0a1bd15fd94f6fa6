//! Nonces for a store, and what clients do with them.

use std::time::Duration;

use tower_proxy_auth::{
    UserId,
    clock::Timestamp,
    nonce_store::{NonceCheck, NonceCount, NonceId, NonceStore, NonceUse},
};

/// A prime: steps of this size go through all nonces, in an order that no cache foresees.
const STRIDE: usize = 7_919;

/// When the first nonce was issued; each of the others was a microsecond later.
const BEGIN: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// So many nonces, of so many users who take turns.
pub(crate) struct Nonces {
    live: usize,
    users: Vec<UserId>,
}

/// A count of a nonce, as the engine puts it to a store.
#[derive(Clone, Copy)]
pub(crate) struct Use<'a> {
    nonce: NonceId,
    count: NonceCount,
    user: &'a UserId,
}

impl Nonces {
    pub(crate) fn new(live: usize, users: usize) -> Self {
        let user = |number| UserId::new(format!("user-{number}"));
        Self { live, users: (0..users).map(user).collect() }
    }

    pub(crate) const fn live(&self) -> usize {
        self.live
    }

    /// The first use of the nonce of that number. Numbers past those in use yield new nonces.
    pub(crate) fn first(&self, number: usize) -> Use<'_> {
        self.at(number, 0)
    }

    /// The use of that number among all later ones of the nonces in use, each of which gets its
    /// turn before the first has another.
    pub(crate) fn later(&self, number: usize) -> Use<'_> {
        self.at(number * STRIDE % self.live, 1 + number / self.live)
    }

    fn at(&self, number: usize, uses_before: usize) -> Use<'_> {
        let microseconds = number as u64;
        let issued = BEGIN.saturating_add(Duration::from_micros(microseconds));
        let count = u32::try_from(1 + uses_before).ok().and_then(NonceCount::new);
        Use {
            nonce: NonceId::new(issued, 1, microseconds),
            count: count.expect("nobody measures for so long"),
            user: &self.users[number % self.users.len()],
        }
    }

    /// Uses each for the first time.
    pub(crate) fn fill(&self, store: &impl NonceStore) {
        for number in 0..self.live {
            assert_eq!(self.first(number).judged_by(store), NonceUse::Fresh);
        }
    }
}

impl Use<'_> {
    /// Asks as the engine does.
    pub(crate) fn judged_by(&self, store: &impl NonceStore) -> NonceUse {
        let Self { nonce, count, user } = self;
        // The time stands still, so nothing expires.
        let expires = BEGIN.saturating_add(Duration::from_secs(24 * 3_600));
        let presentation = NonceCheck::new(nonce, *count, user, BEGIN, expires).with_seal(1);
        let known = store.check_known_now(presentation);
        let judged = known.or_else(|| store.check_and_insert_now(presentation));
        judged.expect("the store never waits").expect("the store never fails")
    }
}
