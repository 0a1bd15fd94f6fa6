//! The keys that nonces are signed with, and their rotation.

use std::{
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    error::ConfigError,
    nonce_store::NonceId,
    wire::{
        Realm,
        digest::{NonceKey, NonceText},
    },
};

/// The current key, which signs nonces, and the previous key, which still verifies them.
///
/// Clones share the keys: keep one to [`rotate`](Self::rotate) them while the proxy runs. By
/// default, a scheme generates its own keys and rotates them.
///
/// # Examples
/// ```
/// use tower_proxy_auth::digest::{NonceKey, NonceKeys};
///
/// let keys = NonceKeys::new(NonceKey::random()?);
/// keys.rotate(NonceKey::random()?);
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct NonceKeys(Arc<RwLock<Ring>>);

struct Ring {
    current: NonceKey,
    previous: Option<NonceKey>,
    /// When the current key was first used.
    since: Option<Timestamp>,
}

impl NonceKeys {
    /// Creates the keys from the current one, without a previous one.
    #[must_use]
    pub fn new(current: NonceKey) -> Self {
        Self(Arc::new(RwLock::new(Ring { current, previous: None, since: None })))
    }

    /// Generates a key from the operating system's random bytes.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if there are none.
    pub fn random() -> Result<Self, ConfigError> {
        NonceKey::random().map(Self::new)
    }

    /// Signs with `next` from now on. Nonces of the current key stay valid, those of the previous
    /// key become stale, so wait at least a nonce lifetime between two calls.
    pub fn rotate(&self, next: NonceKey) {
        self.write().rotate(next);
    }

    /// Signs a nonce for `realm`. Once the current key has been used for `key_lifetime`, if there
    /// is one, a new key is generated first. If that fails the current key stays in use, and the
    /// next call tries again.
    pub(super) fn sign(
        &self,
        id: &NonceId,
        realm: &Realm,
        now: Timestamp,
        key_lifetime: Option<Duration>,
    ) -> NonceText {
        if let Some(lifetime) = key_lifetime
            && self.read().is_due(now, lifetime)
        {
            self.renew(now, lifetime);
        }
        self.read().current.sign(id, realm)
    }

    /// The nonce, if it was signed with one of the keys for `realm`.
    pub(super) fn verify(&self, nonce: &[u8], realm: &Realm) -> Option<NonceId> {
        let ring = self.read();
        let current = ring.current.verify(nonce, realm);
        current.or_else(|| ring.previous.as_ref()?.verify(nonce, realm))
    }

    /// Generates a new key if one is still due. The first call only records when the current key
    /// was first used.
    fn renew(&self, now: Timestamp, lifetime: Duration) {
        let mut ring = self.write();
        if !ring.is_due(now, lifetime) {
            return;
        }
        if ring.since.is_some() {
            let Ok(next) = NonceKey::random() else { return };
            ring.rotate(next);
        }
        ring.since = Some(now);
    }

    /// Ignores poisoning: a panic cannot leave a key half written.
    fn read(&self) -> RwLockReadGuard<'_, Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ring> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn is_due(&self, now: Timestamp, lifetime: Duration) -> bool {
        self.since.is_none_or(|since| now.saturating_since(since) >= lifetime)
    }

    fn rotate(&mut self, next: NonceKey) {
        self.previous = Some(mem::replace(&mut self.current, next));
    }
}

impl fmt::Debug for NonceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce_store::Epoch;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn id() -> NonceId {
        NonceId::new(at(0), Epoch::new([1; 16]), 1)
    }

    #[test]
    fn verifies_with_the_current_and_the_previous_key() {
        let realm = Realm::new("proxy").unwrap();
        let keys = NonceKeys::random().unwrap();
        let nonce = keys.sign(&id(), &realm, at(0), None);
        let verified = || keys.verify(nonce.as_str().as_bytes(), &realm);
        assert_eq!(verified(), Some(id()));
        keys.clone().rotate(NonceKey::random().unwrap());
        assert_eq!(verified(), Some(id()));
        assert_ne!(keys.sign(&id(), &realm, at(0), None).as_str(), nonce.as_str());
        keys.rotate(NonceKey::random().unwrap());
        assert_eq!(verified(), None);
    }

    #[test]
    fn uses_a_generated_key_for_its_lifetime() {
        let realm = Realm::new("proxy").unwrap();
        let keys = NonceKeys::random().unwrap();
        let signed = [100, 101, 3_699, 3_700, 3_701, 50, 7_300]
            .map(|seconds| keys.sign(&id(), &realm, at(seconds), Some(HOUR)).as_str().to_owned());
        assert_eq!(signed[0], signed[1]);
        assert_eq!(signed[0], signed[2]);
        assert_ne!(signed[0], signed[3]);
        assert_eq!(signed[3], signed[4]);
        assert_eq!(signed[3], signed[5]);
        assert_ne!(signed[3], signed[6]);
    }
}
