//! The store.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use tokio::task::JoinHandle;

use super::{
    builder::RedisNonceStoreBuilder, event::RedisCounts, local::Local, server::Server,
    session::keep_connected,
};
use crate::{
    backend::runtime,
    error::BackendError,
    nonce_store::{Epoch, NonceCheck, NonceStore, NonceUse},
};

/// A [`NonceStore`] in Redis or Valkey, which several proxies share.
///
/// [`builder`](Self::builder) creates it, and the [module](super) documents its guarantees. Cloning
/// is cheap, and clones share the connection, which is closed with the last clone.
///
/// # Errors
/// While the server cannot be used, [`epoch`](NonceStore::epoch) and
/// [`check_and_insert`](NonceStore::check_and_insert) return errors with the cause, which become
/// responses with 503, unless [`LocalOnly`](super::FailurePolicy::LocalOnly) is set.
#[derive(Clone)]
pub struct RedisNonceStore(Arc<Inner>);

struct Inner {
    server: Arc<Server>,
    /// For [`FailurePolicy::LocalOnly`](super::FailurePolicy::LocalOnly).
    local: Option<Local>,
    /// Keeps the connection. Aborted when the store is dropped.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl RedisNonceStore {
    /// Creates a builder for a store on the server `url`, such as
    /// `redis://user:password@host:6379/0`. Without a user, the password is that of the user
    /// `default`. Special characters in names are percent-encoded.
    pub fn builder(url: impl Into<String>) -> RedisNonceStoreBuilder {
        RedisNonceStoreBuilder::new(url.into())
    }

    pub(super) fn new(server: Server, local: Option<Local>) -> Self {
        let store =
            Self(Arc::new(Inner { server: Arc::new(server), local, task: Mutex::default() }));
        store.0.start();
        store
    }

    /// Tests the connection to the server, and whether the server can be used, for example at
    /// start. Waits until the first attempt to connect has ended.
    ///
    /// # Errors
    /// The server cannot be used now, for example because it may evict keys. The error is
    /// [transient](BackendError::is_transient) if that can change by itself. The store goes on
    /// trying in any case.
    pub async fn check(&self) -> Result<(), BackendError> {
        runtime::current()?;
        self.0.start();
        self.0.server.live().await.map(|_| ())
    }

    /// Returns how often something happened since the store was built.
    #[must_use]
    pub fn counts(&self) -> RedisCounts {
        self.0.server.counters.read()
    }
}

impl NonceStore for RedisNonceStore {
    fn epoch(&self) -> Result<Epoch, BackendError> {
        self.0.start();
        let Some(local) = &self.0.local else { return self.0.server.epoch() };
        self.0.server.last_epoch().map_or_else(|| local.epoch(), Ok)
    }

    async fn check_and_insert(&self, check: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        runtime::current()?;
        self.0.start();
        match &self.0.local {
            None => self.0.check_shared(&check).await,
            Some(local) => self.0.check_both(&check, local).await,
        }
    }
}

impl Inner {
    /// Starts to connect, if that is not done yet and there is a tokio runtime.
    fn start(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // It never ends by itself, but its runtime may have.
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if let Ok(runtime) = runtime::current() {
            let server = Arc::clone(&self.server);
            *task = Some(runtime.spawn(async move { keep_connected(&server).await }));
        }
    }

    async fn check_shared(&self, check: &NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        let answer = self.server.check(check).await;
        if answer.is_err() {
            self.server.counters.failed_checks.fetch_add(1, Relaxed);
        }
        answer
    }

    /// Checks and records the count here first, so that this node never accepts it twice, and then
    /// in the server.
    async fn check_both(
        &self,
        check: &NonceCheck<'_>,
        local: &Local,
    ) -> Result<NonceUse, BackendError> {
        let here = local.check(check, self.server.last_epoch()).await?;
        if here == NonceUse::Replayed {
            return Ok(here);
        }
        if let Ok(answer) = self.check_shared(check).await {
            if answer != NonceUse::Fresh || here == NonceUse::Fresh {
                return Ok(answer);
            }
            // The server has named a new epoch, so that the count can be recorded here.
            let here = local.check(check, self.server.last_epoch()).await?;
            return Ok(if here == NonceUse::Replayed { here } else { answer });
        }
        if here == NonceUse::Fresh {
            // The server does not know this count.
            self.server.demand_new_epoch();
        }
        self.server.counters.degraded_checks.fetch_add(1, Relaxed);
        Ok(here)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl fmt::Debug for RedisNonceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisNonceStore")
            .field("server", &format_args!("{}", self.0.server.address))
            .field("limits", &self.0.server.limits)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
