//! Stores of used nonce-counts: the trait, an in-memory store and, with the feature `redis`, one that
//! several proxies share.

use std::{future::Future, sync::Arc};

pub use crate::wire::digest::{Epoch, NonceCount, NonceId};
use crate::{clock::Timestamp, error::BackendError, user_id::UserId, wire::Realm};

mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use memory::{MemoryNonceStore, MemoryNonceStoreBuilder};

/// The result of checking a nonce-count.
///
/// For all but [`Fresh`](Self::Fresh), the client gets 407 with `stale=true`, which is omitted
/// after too many in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceUse {
    /// The count was not used before. It is recorded as used now.
    Fresh,
    /// The count was used before, or is below the window of counts that the store remembers.
    Replayed,
    /// Another user, or the user of that name in another realm, used this nonce first.
    OtherUser,
    /// The store has no record of the nonce but may have had one.
    Forgotten,
    /// The epoch of the nonce is not the epoch of the store.
    OtherEpoch,
}

/// A nonce-count to check. The response and the signature of the nonce have been verified.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NonceCheck<'a> {
    /// The nonce.
    pub nonce: &'a NonceId,
    /// The count that the client sent with it.
    pub count: NonceCount,
    /// The realm of the user. The same name in another realm is another user.
    pub realm: &'a Realm,
    /// The authenticated user who sent it.
    pub user: &'a UserId,
    /// The current time.
    pub now: Timestamp,
    /// When the nonce expires. From then on it is refused, and the store may drop its record.
    pub expires: Timestamp,
}

impl<'a> NonceCheck<'a> {
    /// Describes the nonce-count `count` of `nonce`, sent by `user` of `realm` at `now`.
    #[must_use]
    pub const fn new(
        nonce: &'a NonceId,
        count: NonceCount,
        realm: &'a Realm,
        user: &'a UserId,
        now: Timestamp,
        expires: Timestamp,
    ) -> Self {
        Self { nonce, count, realm, user, now, expires }
    }
}

/// A store of used nonce-counts, which prevents replays.
///
/// It is called only after the response has been verified, so that a count cannot be used up
/// without the password.
///
/// # Security
/// A wrong [`NonceUse::Fresh`] lets a replay pass. Any other wrong answer costs the client one
/// round trip. When in doubt, refuse: if the store may have dropped the record, return
/// [`NonceUse::Forgotten`]. [`NonceCheck::now`] is the clock of one node and may be late, so a
/// shared store judges age by its own clock or by the newest nonce that it removed.
pub trait NonceStore: Send + Sync + 'static {
    /// Returns the current epoch, which new nonces carry. Called once for each 407 and for each
    /// `nextnonce`; it must not block.
    ///
    /// A local store generates an epoch for each process. A shared store keeps it with its
    /// records, and starts a new one when it was emptied or may have lost writes.
    ///
    /// # Errors
    /// The store does not know its epoch now. The response becomes a 503.
    fn epoch(&self) -> Result<Epoch, BackendError>;

    /// Checks a nonce-count and records it if it is fresh, in one atomic step.
    ///
    /// # Errors
    /// The store could not be reached or did not answer in time. The request is refused with 503.
    fn check_and_insert(
        &self,
        nonce_count: NonceCheck<'_>,
    ) -> impl Future<Output = Result<NonceUse, BackendError>> + Send;
}

#[deny(clippy::missing_trait_methods)]
impl<S: NonceStore> NonceStore for Arc<S> {
    fn epoch(&self) -> Result<Epoch, BackendError> {
        S::epoch(self)
    }

    fn check_and_insert(
        &self,
        nonce_count: NonceCheck<'_>,
    ) -> impl Future<Output = Result<NonceUse, BackendError>> + Send {
        S::check_and_insert(self, nonce_count)
    }
}
