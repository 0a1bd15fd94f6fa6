//! Where nonces come from, and what has become of one that comes back.

use std::{
    fmt,
    hash::BuildHasher as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use foldhash::quality::RandomState;

use super::NonceKeys;
use crate::{
    clock::Timestamp,
    error::ConfigError,
    nonce_store::Scope,
    reason::Reason,
    wire::{
        Realm,
        digest::{NonceId, NonceText, SealedNonce},
    },
};

/// How far ahead of our clock the clock of another node may be.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// A key drawn by ourselves serves for this long, or for as long as the nonces of the one before
/// it live, whichever is longer.
const MIN_KEY_LIFETIME: Duration = Duration::from_secs(3_600);

/// Issues nonces and judges them. Keeps nothing for any of them.
pub(super) struct Issuer {
    keys: NonceKeys,
    /// How long a key serves, where they are drawn here.
    key_lifetime: Option<Duration>,
    nonce_lifetime: Duration,
    scope: Scope,
    node: u64,
    counter: AtomicU64,
    opaque: String,
    hasher: RandomState,
}

/// What a nonce that came back is good for.
pub(super) type Judgement = Result<NonceId, Unusable>;

/// Why a nonce cannot be used, and when it was issued, if it is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) reason: Reason,
    pub(super) issued: Option<Timestamp>,
}

impl Unusable {
    const UNKNOWN: Self = Self { reason: Reason::NonceUnknown, issued: None };
}

impl Issuer {
    pub(super) fn new(
        keys: Option<NonceKeys>,
        nonce_lifetime: Duration,
        scope: Scope,
    ) -> Result<Self, ConfigError> {
        let mut random = [0; 24];
        getrandom::fill(&mut random).map_err(|error| ConfigError::Randomness(error.into()))?;
        let (node, opaque) = random.split_at(8);
        let node = node.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let key_lifetime = keys.is_none().then(|| MIN_KEY_LIFETIME.max(nonce_lifetime + MAX_SKEW));
        let keys = match keys {
            Some(keys) => keys,
            None => NonceKeys::random()?,
        };
        Ok(Self {
            keys,
            key_lifetime,
            nonce_lifetime,
            scope,
            node,
            counter: AtomicU64::new(0),
            opaque: URL_SAFE_NO_PAD.encode(opaque),
            hasher: RandomState::default(),
        })
    }

    pub(super) fn issue(&self, now: Timestamp, realm: &Realm) -> NonceText {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let id = NonceId::new(now, self.node, counter);
        self.keys.seal(&id, realm, now, self.key_lifetime)
    }

    /// Whether the nonce could be used now, leaving aside what it has been used for.
    pub(super) fn judge(
        &self,
        nonce: Option<&SealedNonce>,
        now: Timestamp,
        realm: &Realm,
    ) -> Judgement {
        let nonce = nonce.filter(|nonce| self.keys.have_sealed(nonce, realm));
        let nonce = nonce.ok_or(Unusable::UNKNOWN)?;
        self.judge_claimed(nonce.claimed(), now)
    }

    /// The same for a nonce whose seal is not looked at.
    pub(super) fn judge_claimed(&self, id: &NonceId, now: Timestamp) -> Judgement {
        // What another process has seen of this nonce is known only where the memory is shared.
        if self.scope == Scope::Local && id.node() != self.node {
            return Err(Unusable::UNKNOWN);
        }
        let is_from_the_future = id.issued().saturating_since(now) > MAX_SKEW;
        if is_from_the_future || now.saturating_since(id.issued()) > self.nonce_lifetime {
            let issued = Some(id.issued());
            return Err(Unusable { reason: Reason::NonceExpired, issued });
        }
        Ok(*id)
    }

    /// A number for the seal of a nonce, its realm and the keys of the day: while it is the same, a
    /// check of the seal would end the same way. Whoever hit upon another seal with that number
    /// would name the same entry of the store, and its counts pass once all the same.
    pub(super) fn seal_number(&self, nonce: &SealedNonce, realm: &Realm) -> u32 {
        self.hasher.hash_one((nonce.mac(), realm.as_bytes(), self.keys.changes())) as u32
    }

    /// From when on a nonce cannot be used, whatever the clock of a node shows.
    pub(super) fn expiry(&self, id: &NonceId) -> Timestamp {
        id.issued().saturating_add(self.nonce_lifetime).saturating_add(MAX_SKEW)
    }

    /// Whether less than a quarter of the nonce's lifetime is left.
    pub(super) fn is_near_its_end(&self, id: &NonceId, now: Timestamp) -> bool {
        now.saturating_since(id.issued()) > self.nonce_lifetime / 4 * 3
    }

    pub(super) fn opaque(&self) -> &str {
        &self.opaque
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("nonce_lifetime", &self.nonce_lifetime)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
