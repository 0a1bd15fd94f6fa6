//! Issues nonces, and verifies those that clients send.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::NonceKeys;
use crate::{
    clock::Timestamp,
    error::ConfigError,
    nonce_store::{Epoch, NonceId},
    reason::Reason,
    wire::{Realm, digest::NonceKey},
};

/// The maximum time that the clock of another node may be ahead of ours.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Issues nonces and verifies them. It keeps no state for any of them.
pub(super) struct Nonces {
    keys: NonceKeys,
    lifetime: Duration,
    /// Starts at a random number, so that processes with the same keys issue different nonces.
    counter: AtomicU64,
}

impl Nonces {
    pub(super) fn new(keys: Option<NonceKeys>, lifetime: Duration) -> Result<Self, ConfigError> {
        let keys = match keys {
            Some(keys) => keys,
            None => NonceKeys::new(NonceKey::random()?),
        };
        let counter = getrandom::u64().map_err(|error| ConfigError::Randomness(error.into()))?;
        Ok(Self { keys, lifetime, counter: AtomicU64::new(counter) })
    }

    pub(super) fn issue(&self, epoch: Epoch, now: Timestamp, realm: &Realm) -> String {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        self.keys.sign(&NonceId::new(now, epoch, counter), realm)
    }

    /// Verifies the signature and the age of a nonce. The store judges the rest.
    pub(super) fn verify(
        &self,
        nonce: &[u8],
        now: Timestamp,
        realm: &Realm,
    ) -> Result<NonceId, Reason> {
        let id = self.keys.verify(nonce, realm).ok_or(Reason::NonceUnknown)?;
        let is_from_the_future = id.issued().saturating_since(now) > MAX_SKEW;
        if is_from_the_future || now.saturating_since(id.issued()) > self.lifetime {
            return Err(Reason::NonceExpired);
        }
        Ok(id)
    }

    /// When every node considers the nonce too old, even if its clock is late.
    pub(super) fn expiry(&self, id: &NonceId) -> Timestamp {
        id.issued().saturating_add(self.lifetime).saturating_add(MAX_SKEW)
    }

    /// Whether less than a quarter of the nonce's lifetime is left.
    pub(super) fn is_near_expiry(&self, id: &NonceId, now: Timestamp) -> bool {
        now.saturating_since(id.issued()) > self.lifetime / 4 * 3
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
