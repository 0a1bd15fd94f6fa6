//! The keys that nonces are sealed with, and their rotation.

use std::{
    fmt, mem,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

use crate::{
    clock::Timestamp,
    error::ConfigError,
    wire::{
        Realm,
        digest::{NonceId, NonceKey, NonceText, SealedNonce},
    },
};

/// The current key, which seals, and the previous one, which still opens.
///
/// Clones share the keys: keep one to [`rotate`](Self::rotate) them while the proxy runs. Without
/// any given, an authenticator draws its own and changes them by itself.
///
/// # Security
/// Keys that several processes share need a nonce store that they share as well: otherwise what
/// was used at one is fresh at the other.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{digest::{NonceKey, NonceKeys}};
///
/// let keys = NonceKeys::new(NonceKey::random()?);
/// keys.rotate(NonceKey::random()?);
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct NonceKeys(Arc<Shared>);

struct Shared {
    ring: ShardedLock<Ring>,
    /// How often the keys have changed. Goes up after they have, so it is read before a seal is
    /// checked.
    changes: AtomicU64,
}

struct Ring {
    current: NonceKey,
    previous: Option<NonceKey>,
    /// When the current key came into use, once it has.
    since: Option<Timestamp>,
}

impl NonceKeys {
    /// One key.
    #[must_use]
    pub fn new(current: NonceKey) -> Self {
        let ring = Ring { current, previous: None, since: None };
        Self(Arc::new(Shared { ring: ShardedLock::new(ring), changes: AtomicU64::new(0) }))
    }

    /// Draws a key from the operating system's random numbers.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if there are none.
    pub fn random() -> Result<Self, ConfigError> {
        NonceKey::random().map(Self::new)
    }

    /// Seals with `next` from now on. What the key before has sealed is still opened; what the one
    /// before that has sealed is stale. So leave a nonce lifetime between two calls.
    pub fn rotate(&self, next: NonceKey) {
        self.write().rotate(next);
        self.0.changes.fetch_add(1, Ordering::Release);
    }

    /// A number for the keys that open nonces at present: with other keys it is another number.
    pub(super) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// Seals a nonce for use in `realm`, with a new key once the current one has served for
    /// `key_lifetime`, if it has one. Without random numbers the current one serves on, and the
    /// next call tries again.
    pub(super) fn seal(
        &self,
        id: &NonceId,
        realm: &Realm,
        now: Timestamp,
        key_lifetime: Option<Duration>,
    ) -> NonceText {
        let ring = self.read();
        match key_lifetime.filter(|&lifetime| ring.is_due(now, lifetime)) {
            None => ring.current.seal(id, realm),
            Some(key_lifetime) => {
                drop(ring);
                self.change_key(now, key_lifetime);
                self.read().current.seal(id, realm)
            }
        }
    }

    /// Draws a new key if that is still due. The first time, it only notes since when the current
    /// one serves.
    #[cold]
    fn change_key(&self, now: Timestamp, key_lifetime: Duration) {
        let mut ring = self.write();
        if !ring.is_due(now, key_lifetime) {
            return;
        }
        if ring.since.is_none() {
            ring.since = Some(now);
            return;
        }
        let Ok(next) = NonceKey::random() else { return };
        ring.rotate(next);
        ring.since = Some(now);
        drop(ring);
        self.0.changes.fetch_add(1, Ordering::Release);
    }

    pub(super) fn have_sealed(&self, nonce: &SealedNonce, realm: &Realm) -> bool {
        let ring = self.read();
        let mut keys = [Some(&ring.current), ring.previous.as_ref()].into_iter().flatten();
        keys.any(|key| key.has_sealed(nonce, realm))
    }

    /// A panic cannot leave a key half written.
    fn read(&self) -> ShardedLockReadGuard<'_, Ring> {
        self.0.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Ring> {
        self.0.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn is_due(&self, now: Timestamp, key_lifetime: Duration) -> bool {
        self.since.is_none_or(|since| now.saturating_since(since) >= key_lifetime)
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

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_previous_key_still_opens_and_the_one_before_does_not() {
        let realm = Realm::new("proxy").unwrap();
        let id = NonceId::new(at(0), 1, 1);
        let keys = NonceKeys::random().unwrap();
        let nonce = keys.seal(&id, &realm, at(0), None);
        let sealed = SealedNonce::read(nonce.as_str().as_bytes()).unwrap();
        let opens = || keys.have_sealed(&sealed, &realm);
        assert!(opens());
        keys.clone().rotate(NonceKey::random().unwrap());
        assert!(opens());
        assert_ne!(keys.seal(&id, &realm, at(0), None).as_str(), nonce.as_str());
        keys.rotate(NonceKey::random().unwrap());
        assert!(!opens());
    }

    #[test]
    fn a_key_of_its_own_serves_for_one_interval() {
        let realm = Realm::new("proxy").unwrap();
        let id = NonceId::new(at(0), 1, 1);
        let keys = NonceKeys::random().unwrap();
        let mut sealed = Vec::new();
        for seconds in [100, 101, 3_699, 3_700, 3_701, 50, 7_300] {
            let nonce = keys.seal(&id, &realm, at(seconds), Some(HOUR));
            sealed.push(nonce.as_str().to_owned());
        }
        assert_eq!(sealed[0], sealed[1]);
        assert_eq!(sealed[0], sealed[2]);
        assert_ne!(sealed[0], sealed[3]);
        assert_eq!(sealed[3], sealed[4]);
        assert_eq!(sealed[3], sealed[5]);
        assert_ne!(sealed[3], sealed[6]);
    }
}
