//! The keys that nonces are signed with, and their rotation.

use std::{
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use crate::{
    nonce_store::NonceId,
    wire::{Realm, digest::NonceKey},
};

/// The current key, which signs nonces, and the previous key, which still verifies them.
///
/// Clones share the keys: keep one to [`rotate`](Self::rotate) them while the proxy runs. By
/// default, a scheme generates a key when it is built and keeps it.
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
pub struct NonceKeys(Arc<RwLock<Pair>>);

struct Pair {
    current: NonceKey,
    previous: Option<NonceKey>,
}

impl NonceKeys {
    /// Creates the keys from the current one, without a previous one.
    #[must_use]
    pub fn new(current: NonceKey) -> Self {
        Self(Arc::new(RwLock::new(Pair { current, previous: None })))
    }

    /// Signs with `next` from now on. Nonces of the current key stay valid, those of the previous
    /// key become stale, so wait at least a nonce lifetime between two calls.
    pub fn rotate(&self, next: NonceKey) {
        let mut pair = self.0.write().unwrap_or_else(PoisonError::into_inner);
        pair.previous = Some(mem::replace(&mut pair.current, next));
    }

    /// Signs a nonce for `realm`.
    pub(super) fn sign(&self, id: &NonceId, realm: &Realm) -> String {
        self.read().current.sign(id, realm)
    }

    /// The nonce, if it was signed with one of the keys for `realm`.
    pub(super) fn verify(&self, nonce: &[u8], realm: &Realm) -> Option<NonceId> {
        let pair = self.read();
        let current = pair.current.verify(nonce, realm);
        current.or_else(|| pair.previous.as_ref()?.verify(nonce, realm))
    }

    /// Ignores poisoning: a panic cannot leave a key half written.
    fn read(&self) -> RwLockReadGuard<'_, Pair> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
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
    use crate::{clock::Timestamp, nonce_store::Epoch};

    #[test]
    fn verifies_with_the_current_and_the_previous_key() {
        let realm = Realm::new("proxy").unwrap();
        let id = NonceId::new(Timestamp::from_micros(0), Epoch::new([1; 16]), 1);
        let next = || NonceKey::random().unwrap();
        let keys = NonceKeys::new(next());
        let nonce = keys.sign(&id, &realm);
        let verified = || keys.verify(nonce.as_bytes(), &realm);
        assert_eq!(verified(), Some(id));
        keys.clone().rotate(next());
        assert_eq!(verified(), Some(id));
        assert_ne!(keys.sign(&id, &realm), nonce);
        keys.rotate(next());
        assert_eq!(verified(), None);
    }
}
