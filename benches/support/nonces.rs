//! Nonces and the counts that clients send with them.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tower_proxy_auth::{
    Realm, UserId,
    clock::Timestamp,
    nonce_store::{NonceCheck, NonceCount, NonceId, NonceStore, NonceUse},
};

/// A prime number: steps of this size visit all nonces, in an order that no cache predicts.
const STRIDE: usize = 7_919;

/// When the first nonce was issued. Each further one was issued a microsecond later.
const BEGIN: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// Nonces of a number of users, who take turns.
pub(crate) struct Nonces {
    live: usize,
    realm: Realm,
    users: Vec<UserId>,
}

/// A count of a nonce, as the engine passes it to a store.
#[derive(Clone, Copy)]
pub(crate) struct Use<'a> {
    number: u64,
    count: NonceCount,
    realm: &'a Realm,
    user: &'a UserId,
}

impl Nonces {
    pub(crate) fn new(live: usize, users: usize) -> Self {
        let user = |number| UserId::new(format!("user-{number}"));
        let realm = Realm::new("proxy").expect("the realm is valid");
        Self { live, realm, users: (0..users).map(user).collect() }
    }

    /// The first use of a nonce. Numbers from `live` on yield new nonces.
    pub(crate) fn first(&self, number: usize) -> Use<'_> {
        self.at(number, 0)
    }

    /// A later use, by its number among all later uses. Every nonce is used once before the first
    /// one is used again.
    pub(crate) fn later(&self, number: usize) -> Use<'_> {
        self.at(number * STRIDE % self.live, 1 + number / self.live)
    }

    fn at(&self, number: usize, uses_before: usize) -> Use<'_> {
        let count = u32::try_from(1 + uses_before).ok().and_then(NonceCount::new);
        Use {
            number: number as u64,
            count: count.expect("no benchmark runs for so long"),
            realm: &self.realm,
            user: &self.users[number % self.users.len()],
        }
    }

    /// Uses each nonce for the first time.
    pub(crate) fn fill(&self, store: &impl NonceStore) {
        for number in 0..self.live {
            assert_eq!(self.first(number).check(store), NonceUse::Fresh);
        }
    }
}

impl Use<'_> {
    /// Checks and records the count, as the engine does.
    pub(crate) fn check(&self, store: &impl NonceStore) -> NonceUse {
        let Self { number, count, realm, user } = *self;
        let issued = BEGIN.saturating_add(Duration::from_micros(number));
        let epoch = store.epoch().expect("the store has an epoch");
        let nonce = NonceId::new(issued, epoch, number);
        // The time stands still, so nothing expires.
        let expires = BEGIN.saturating_add(Duration::from_secs(24 * 3_600));
        let check = NonceCheck::new(&nonce, count, realm, user, BEGIN, expires);
        match pin!(store.check_and_insert(check)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(nonce_use)) => nonce_use,
            answer => panic!("the store must answer at once: {answer:?}"),
        }
    }
}
