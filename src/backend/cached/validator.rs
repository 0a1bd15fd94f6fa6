//! The cache as a validator, and as a source of Digest secrets.

use std::{fmt, sync::Arc};

use super::{CachedBuilder, state::State};
use crate::{
    backend::{
        AccountLookup, BasicCredentials, CredentialValidator, DigestSecrets, DigestUser,
        SecretLookup, Verdict,
    },
    error::{BackendError, ConfigError},
    identity::UserId,
    revocation::Revocations,
    wire::{Realm, digest::HashFunctions},
};

/// A validator whose verdicts are kept for a while, or a source whose Digest secrets are; requests
/// that ask the same share a check. The [module](super) says what that promises.
///
/// Clones share what is kept: keep one to [`invalidate`](Self::invalidate) users whose password has
/// changed. A validator that knows of changes tells by
/// [`version`](CredentialValidator::version), and needs none of that.
///
/// # Security
/// A change that nobody tells of is in force after the lifetime; until then an old password works:
/// choose it as short as the back end can bear.
///
/// An answer that is at hand is a quick one. A verdict shows so much to whoever sends the same
/// password again; a secret, which is found by name and kept for longer than that there is none,
/// shows strangers by the time they wait whether there is a user of that name. Where names are
/// secret, do not cache secrets. Those for names with parameters are not kept: anybody can make up
/// any number of them.
///
/// Secrets in this memory are as good as passwords to who reads it, as those of any other source.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use tower_proxy_auth::{BackendError, Verdict, backend::{OwnedCredentials, cached::Cached, from_async_fn}};
///
/// let directory = from_async_fn(|credentials: OwnedCredentials| async move {
///     // ... ask somebody about `credentials`, with a time-out ...
///     # let _ = credentials;
///     Err::<Verdict, _>(BackendError::transient("nobody to ask"))
/// });
/// let validator = Cached::builder(directory)
///     .with_lifetime(Duration::from_secs(300))
///     .allow_stale_if_error(Duration::from_secs(600))
///     .build()?;
/// let handle = validator.clone();
/// handle.invalidate("alice");
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
pub struct Cached<T>(Arc<State<T>>);

impl<T> Cached<T> {
    /// A cache round `inner`, with the default options.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if the operating system gives no random bytes.
    pub fn new(inner: T) -> Result<Self, ConfigError> {
        Self::builder(inner).build()
    }

    /// A cache round `inner`, with options.
    pub fn builder(inner: T) -> CachedBuilder<T> {
        CachedBuilder::new(inner)
    }

    pub(super) fn of(state: State<T>) -> Self {
        Self(Arc::new(state))
    }

    /// Forgets all verdicts on `user` and all secrets, in every realm, and those too that are being
    /// asked for at this moment: whoever comes from now on gets what was asked for after this was
    /// called.
    ///
    /// It takes the canonical name, which right passwords and secrets are known by. A refusal knows
    /// the name as sent alone: where a back end takes several spellings of a name, refusals are
    /// forgotten under the one given, and last for the negative lifetime under others.
    ///
    /// A thousandth of the other users are asked about once more as well.
    pub fn invalidate(&self, user: &str) {
        self.0.invalidations.add(user);
    }

    /// Forgets everything, as [`invalidate`](Self::invalidate) does.
    pub fn invalidate_all(&self) {
        self.0.invalidations.add_all();
        // They are void already: this gives the memory back.
        self.0.verdicts.clear();
        self.0.secrets.clear();
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for Cached<V> {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.0.ask(credentials).await
    }

    fn version(&self) -> u64 {
        self.0.inner.version().wrapping_add(self.0.invalidations.count())
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.inner.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.inner.attach(revocations);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: DigestSecrets> DigestSecrets for Cached<S> {
    fn hash_functions(&self) -> HashFunctions {
        self.0.inner.hash_functions()
    }

    fn holds_passwords(&self) -> bool {
        self.0.inner.holds_passwords()
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        // Strangers make up as many parameters as they like.
        if user.hashed_name().is_some() {
            return self.0.inner.secret(user).await;
        }
        self.0.ask(user).await
    }

    fn version(&self) -> u64 {
        self.0.inner.version().wrapping_add(self.0.invalidations.count())
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.inner.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.inner.attach(revocations);
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("times", &self.0.times)
            .field("verdicts", &self.0.verdicts)
            .field("secrets", &self.0.secrets)
            .finish_non_exhaustive()
    }
}
