//! Helpers for the tests of the store.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    time::Duration,
};

use super::shard::Holder;
use crate::{
    clock::Timestamp,
    nonce_store::NonceCheck,
    user_id::UserId,
    wire::{
        Realm,
        digest::{Epoch, NonceCount, NonceId},
    },
};

/// The epoch of every nonce.
pub(super) const EPOCH: Epoch = Epoch::new([7; Epoch::LENGTH]);

/// The lifetime of every nonce, in microseconds.
pub(super) const LIFETIME: u64 = 1_000;

/// A nonce-count that a client sends. The nonce was issued at the microsecond `nonce`.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) nonce: u64,
    pub(super) count: u32,
    pub(super) realm: Realm,
    pub(super) user: UserId,
    pub(super) now: u64,
}

/// `user` sends `count` of the nonce issued at `nonce`, in the same microsecond.
pub(super) fn sent(user: &str, nonce: u64, count: u32) -> Sent {
    let (realm, user) = (Realm::new("realm").unwrap(), UserId::new(user));
    Sent { nonce, count, realm, user, now: nonce }
}

impl Sent {
    /// The same at another time.
    pub(super) fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }

    /// The same in another realm.
    pub(super) fn in_realm(self, realm: &str) -> Self {
        Self { realm: Realm::new(realm).unwrap(), ..self }
    }

    /// Passes it to `check`, with a hash of its user.
    pub(super) fn to<R>(&self, check: impl FnOnce(NonceCheck<'_>, Holder) -> R) -> R {
        let issued = Timestamp::from_micros(self.nonce);
        let count = NonceCount::new(self.count).unwrap();
        let now = Timestamp::from_micros(self.now);
        let expires = issued.saturating_add(Duration::from_micros(LIFETIME));
        let nonce = NonceId::new(issued, EPOCH, self.nonce);
        let hasher = BuildHasherDefault::<DefaultHasher>::new();
        let holder = Holder(hasher.hash_one((&self.realm, &self.user)));
        check(NonceCheck::new(&nonce, count, &self.realm, &self.user, now, expires), holder)
    }
}
