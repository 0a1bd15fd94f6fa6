//! The memory of which nonce-counts have been used: the trait, and the store in memory.

use std::{future::Future, sync::Arc};

pub use crate::wire::digest::{NonceCount, NonceId};
use crate::{clock::Timestamp, error::BackendError, identity::UserId};

mod memory;

pub use memory::{MemoryNonceStore, MemoryNonceStoreBuilder};

/// How far the memory of a [`NonceStore`] reaches. There is nothing between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One process, gone when it ends. Nonces of other processes are stale.
    Local,
    /// All processes that share it. Nonces of all of them are good.
    Shared,
}

/// What the store made of a nonce-count.
///
/// Anything but [`Fresh`](Self::Fresh) is answered with 407 and `stale=true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceUse {
    /// Never seen, and now on record: the request may pass.
    Fresh,
    /// The count was used before, or lies below the window of counts that are remembered.
    Replayed,
    /// Another user used this nonce first.
    OtherUser,
    /// The store has no entry for the nonce and cannot rule out that it once had one.
    Forgotten,
}

/// A nonce-count put to the store. Its digest has been verified, and the seal of its nonce too but
/// for [`NonceStore::check_known_now`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NonceCheck<'a> {
    /// The nonce, its issue time included.
    pub nonce: &'a NonceId,
    /// The count that the client sent with it.
    pub count: NonceCount,
    /// Who proved to know the password.
    pub user: &'a UserId,
    /// The present time.
    pub now: Timestamp,
    /// From when on the nonce is refused for its age alone, and may be forgotten.
    pub expires: Timestamp,
    /// Stands for the seal of the nonce and for the keys that open seals at present; 0 stands for
    /// none, and equals nothing. A store records it each time that it is asked by
    /// [`NonceStore::check_and_insert`], not the first time alone. Each process makes its own
    /// numbers by a keyed hash: a shared store compares only what the same process recorded. The
    /// store in memory compares the lower 31 bits.
    pub seal: u32,
}

impl<'a> NonceCheck<'a> {
    /// The nonce-count `count` of `nonce`, presented by `user` at `now`.
    #[must_use]
    pub const fn new(
        nonce: &'a NonceId,
        count: NonceCount,
        user: &'a UserId,
        now: Timestamp,
        expires: Timestamp,
    ) -> Self {
        Self { nonce, count, user, now, expires, seal: 0 }
    }

    /// Says what stands for the seal.
    #[must_use]
    pub const fn with_seal(mut self, seal: u32) -> Self {
        self.seal = seal;
        self
    }
}

/// One atomic question: may this nonce-count pass?
///
/// Asked only after the digest has been verified, so that nobody who lacks the password can use
/// up a count. A wrong [`NonceUse::Fresh`] is a replay that passes; a wrong anything else costs
/// the client one more round trip. When in doubt, refuse.
///
/// A store that forgets must refuse, as [`NonceUse::Forgotten`], all that it may have forgotten:
/// [`NonceCheck::now`] is the clock of one node and may be late, so a shared store judges age by
/// a time of its own or by the newest nonce it has dropped.
pub trait NonceStore: Send + Sync + 'static {
    /// Whether other processes share this memory.
    fn scope(&self) -> Scope;

    /// Records the count if it is fresh, in one atomic step, and says what it was.
    ///
    /// # Errors
    /// The store cannot be reached or did not answer in time. The request is refused with 503.
    fn check_and_insert(
        &self,
        presentation: NonceCheck<'_>,
    ) -> impl Future<Output = Result<NonceUse, BackendError>> + Send;

    /// The same without waiting, for a store that never waits. `None` means that nothing was done.
    fn check_and_insert_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        let _ = presentation;
        None
    }

    /// The same, for a nonce that is on record and was last recorded with the same
    /// [`seal`](NonceCheck::seal). `None` means that it is not so, or that this cannot be said
    /// without waiting, and that nothing was done.
    ///
    /// The engine asks this first, before it has checked the seal, which takes two hashes. A store
    /// that cannot answer may leave this out.
    ///
    /// # Security
    /// Whatever is absent, or has another seal or none, may be forged: it must not be recorded
    /// here, and a store that wraps another must pass the seal on as it is.
    fn check_known_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        let _ = presentation;
        None
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: NonceStore> NonceStore for Arc<S> {
    fn scope(&self) -> Scope {
        S::scope(self)
    }

    fn check_and_insert(
        &self,
        presentation: NonceCheck<'_>,
    ) -> impl Future<Output = Result<NonceUse, BackendError>> + Send {
        S::check_and_insert(self, presentation)
    }

    fn check_and_insert_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        S::check_and_insert_now(self, presentation)
    }

    fn check_known_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        S::check_known_now(self, presentation)
    }
}

/// The store that refuses everything: what stands in where no store works.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNonceStore;

impl NonceStore for NoNonceStore {
    fn scope(&self) -> Scope {
        Scope::Local
    }

    async fn check_and_insert(&self, _: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        Ok(NonceUse::Forgotten)
    }

    fn check_and_insert_now(&self, _: NonceCheck<'_>) -> Option<Result<NonceUse, BackendError>> {
        Some(Ok(NonceUse::Forgotten))
    }
}
