//! What the tests of the store share: short words for what they put to it.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    identity::UserId,
    nonce_store::NonceCheck,
    wire::digest::{NonceCount, NonceId},
};

/// How long a nonce is good for.
pub(super) const LIFETIME: u64 = 1_000;

/// What a client sends, in numbers. The nonce was issued at the microsecond `nonce`.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) nonce: u64,
    pub(super) count: u32,
    pub(super) user: UserId,
    pub(super) now: u64,
}

/// `user` presents `count` of the nonce issued at `nonce`, in the same microsecond.
pub(super) fn sent(user: &str, nonce: u64, count: u32) -> Sent {
    Sent { nonce, count, user: UserId::new(user), now: nonce }
}

impl Sent {
    /// The same at another time.
    pub(super) fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Runs `check` with it.
    pub(super) fn to<R>(&self, check: impl FnOnce(NonceCheck<'_>) -> R) -> R {
        let issued = Timestamp::from_micros(self.nonce);
        let count = NonceCount::new(self.count).unwrap();
        let now = Timestamp::from_micros(self.now);
        let expires = issued.saturating_add(Duration::from_micros(LIFETIME));
        let nonce = NonceId::new(issued, 7, self.nonce);
        check(NonceCheck::new(&nonce, count, &self.user, now, expires).with_seal(1))
    }
}
