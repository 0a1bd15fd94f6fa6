//! Nonces for a store, and what clients do with them.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tower_proxy_auth::{
    Realm, UserId,
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
    realm: Realm,
    users: Vec<UserId>,
}

/// A count of a nonce, as the engine puts it to a store.
#[derive(Clone, Copy)]
pub(crate) struct Use<'a> {
    issued: Timestamp,
    count: NonceCount,
    realm: &'a Realm,
    user: &'a UserId,
}

impl Nonces {
    pub(crate) fn new(live: usize, users: usize) -> Self {
        let user = |number| UserId::new(format!("user-{number}"));
        let realm = Realm::new("corp proxy").expect("the realm is valid");
        Self { live, realm, users: (0..users).map(user).collect() }
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
            issued,
            count: count.expect("nobody measures for so long"),
            realm: &self.realm,
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
    /// Checks it as the engine does.
    pub(crate) fn judged_by(&self, store: &impl NonceStore) -> NonceUse {
        let Self { issued, count, realm, user } = *self;
        let nonce = NonceId::new(issued, store.epoch().expect("the store has an epoch"), 1);
        // The time stands still, so nothing expires.
        let expires = BEGIN.saturating_add(Duration::from_secs(24 * 3_600));
        let check = NonceCheck::new(&nonce, count, realm, user, BEGIN, expires);
        ready(store.check_and_insert(check)).expect("the store never fails")
    }
}

/// The output of a future that does not wait.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}
