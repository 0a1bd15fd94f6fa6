//! The memory of this node, for outages.

use crate::{
    error::BackendError,
    nonce_store::{Epoch, MemoryNonceStore, NonceCheck, NonceId, NonceStore, NonceUse},
};

/// Records what this node has accepted, under the epochs of the shared store as well as its own.
pub(super) struct Local(MemoryNonceStore);

impl Local {
    pub(super) const fn new(store: MemoryNonceStore) -> Self {
        Self(store)
    }

    /// The epoch of nonces that are issued before that of the shared store is known.
    pub(super) fn epoch(&self) -> Result<Epoch, BackendError> {
        self.0.epoch()
    }

    /// Checks and records a nonce-count of its own epoch, or of the epoch `shared`.
    pub(super) async fn check(
        &self,
        check: &NonceCheck<'_>,
        shared: Option<Epoch>,
    ) -> Result<NonceUse, BackendError> {
        let (nonce, own) = (check.nonce, self.0.epoch()?);
        if nonce.epoch() != own && Some(nonce.epoch()) != shared {
            return Ok(NonceUse::OtherEpoch);
        }
        // Issue time and number identify a nonce without its epoch.
        let nonce = NonceId::new(nonce.issued(), own, nonce.counter());
        self.0.check_and_insert(NonceCheck { nonce: &nonce, ..*check }).await
    }
}
