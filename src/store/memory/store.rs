//! The public type.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use super::{
    MemoryNonceStoreBuilder,
    shard::{Limits, Shard},
    shards::Shards,
};
use crate::{
    error::BackendError,
    ports::{NonceStore, NonceUse, Presentation, Scope},
};

/// Remembers used nonce-counts in the memory of this process.
///
/// It answers at once. Its memory is bounded, and one user holds a sixteenth of it at most. What
/// it had to forget it refuses: the client gets `stale=true`, takes the new nonce and goes on.
/// Cloning is cheap, and clones share one memory.
///
/// # Examples
/// ```
/// use tower_proxy_auth::store::MemoryNonceStore;
///
/// let store = MemoryNonceStore::builder().with_capacity(1_000_000).with_window(128).build()?;
/// assert!(store.is_empty());
/// # Ok::<_, tower_proxy_auth::error::ConfigError>(())
/// ```
///
/// # Security
/// Other processes do not see it, and it is gone when the process ends: nonces that outlive it, or
/// that several processes accept, can be replayed. The engine therefore takes only nonces of its
/// own process with a store of [`Scope::Local`].
#[derive(Clone)]
pub struct MemoryNonceStore {
    shards: Arc<Shards<Mutex<Shard>>>,
}

impl MemoryNonceStore {
    /// A store for 100,000 nonces with a window of 64 counts each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(MemoryNonceStoreBuilder::DEFAULT.limits())
    }

    /// A store with other limits.
    pub const fn builder() -> MemoryNonceStoreBuilder {
        MemoryNonceStoreBuilder::DEFAULT
    }

    /// `limits` must have been looked at: the capacity is not zero, the window is in range.
    pub(super) fn with_limits(limits: Limits) -> Self {
        Self { shards: Arc::new(Shards::new(limits)) }
    }

    /// How many nonces are on record, among them some that have expired and not been removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Whether no nonce is on record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, presentation: &Presentation<'_>) -> Result<NonceUse, BackendError> {
        self.shards.check(presentation).map_err(BackendError::new)
    }
}

impl Default for MemoryNonceStore {
    fn default() -> Self {
        Self::new()
    }
}

impl NonceStore for MemoryNonceStore {
    fn scope(&self) -> Scope {
        Scope::Local
    }

    async fn check_and_insert(
        &self,
        presentation: Presentation<'_>,
    ) -> Result<NonceUse, BackendError> {
        self.check(&presentation)
    }

    fn check_and_insert_now(
        &self,
        presentation: Presentation<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        Some(self.check(&presentation))
    }
}

impl fmt::Debug for MemoryNonceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sizes only: names of users and nonces in use are nobody's business.
        f.debug_struct("MemoryNonceStore")
            .field("capacity", &self.shards.limits.capacity)
            .field("window", &self.shards.limits.window)
            .field("shards", &self.shards.count())
            .field("len", &self.len())
            .finish()
    }
}
