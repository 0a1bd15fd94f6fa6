//! Implements both back-end traits for the cache.

use std::{
    fmt,
    sync::{Arc, OnceLock, atomic::Ordering::SeqCst},
};

use super::{
    CachedBuilder,
    store::{Shared, Store},
};
use crate::{
    backend::{
        AccountLookup, BasicCredentials, CredentialValidator, DigestName, DigestSecrets,
        DigestUser, SecretLookup, Verdict,
    },
    error::{BackendError, ConfigError},
    revocation::Revocations,
    secret::Password,
    user_id::UserId,
    wire::{Realm, digest::HashFunctions},
};

/// Caches the verdicts of a validator, or the secrets of a source.
///
/// The [module documentation](super) says what is kept, and for how long. Clones share the cache:
/// keep one to [`invalidate`](Self::invalidate) users after a change that the back end does not
/// report.
///
/// # Security
/// After a change that neither the back end nor the application reports, an old password works
/// until the lifetime ends. Choose a lifetime as short as the load on the back end allows.
///
/// An answer from the cache is faster than a check. For a verdict, this only shows a client that it
/// has sent the same password before. A secret is looked up by name, so the time shows anyone
/// whether a user of that name has logged in recently: do not cache secrets if names are secret.
/// Secrets for names with parameters are not kept, since clients can invent any number of them.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use tower_proxy_auth::{BackendError, Verdict, backend::{OwnedCredentials, cached::Cached, from_async_fn}};
///
/// let directory = from_async_fn(|credentials: OwnedCredentials| async move {
///     // ... check `credentials`, with a timeout ...
///     # let _ = credentials;
///     Err::<Verdict, _>(BackendError::transient("no directory"))
/// });
/// let validator = Cached::builder(directory)
///     .with_lifetime(Duration::from_secs(300))
///     .allow_stale_if_error(Duration::from_secs(600))
///     .build()?;
/// let handle = validator.clone();
/// handle.invalidate("alice");
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
pub struct Cached<T>(Arc<Parts<T>>);

struct Parts<T> {
    inner: Arc<T>,
    shared: Arc<Shared>,
    verdicts: OnceLock<Arc<Store<Verdict>>>,
    secrets: OnceLock<Arc<Store<SecretLookup>>>,
}

impl<T> Cached<T> {
    /// Wraps `inner` with the default options.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if the operating system provides no random bytes.
    pub fn new(inner: T) -> Result<Self, ConfigError> {
        Self::builder(inner).build()
    }

    /// Options for a cache that wraps `inner`.
    pub fn builder(inner: T) -> CachedBuilder<T> {
        CachedBuilder::new(inner)
    }

    pub(super) fn from_parts(inner: T, shared: Arc<Shared>) -> Self {
        let inner = Arc::new(inner);
        Self(Arc::new(Parts { inner, shared, verdicts: OnceLock::new(), secrets: OnceLock::new() }))
    }

    /// Drops the verdicts and secrets of `user` in every realm, and all refusals. Checks that are
    /// running are not kept and not joined.
    ///
    /// `user` is the canonical name, as in [`Account::user`](crate::Account::user). It does not end
    /// the access of users who are logged in: see [`Revocations`].
    pub fn invalidate(&self, user: &str) {
        let shared = &self.0.shared;
        shared.invalidations.fetch_add(1, SeqCst);
        shared.own.revoke_in_all_realms(&UserId::new(user));
    }

    /// Drops everything; otherwise like [`invalidate`](Self::invalidate).
    pub fn invalidate_all(&self) {
        let Parts { shared, verdicts, secrets, .. } = &*self.0;
        shared.invalidations.fetch_add(1, SeqCst);
        shared.cleared.fetch_add(1, SeqCst);
        // Their entries are void already: this frees the memory.
        verdicts.get().inspect(|verdicts| verdicts.clear());
        secrets.get().inspect(|secrets| secrets.clear());
    }
}

impl<V: CredentialValidator> Cached<V> {
    fn verdicts(&self) -> &Arc<Store<Verdict>> {
        let Parts { inner, shared, verdicts, .. } = &*self.0;
        verdicts.get_or_init(|| {
            inner.attach(&shared.own);
            let inner = Arc::clone(inner);
            Arc::new(Store::new(shared, move || inner.version()))
        })
    }
}

impl<S: DigestSecrets> Cached<S> {
    fn secrets(&self) -> &Arc<Store<SecretLookup>> {
        let Parts { inner, shared, secrets, .. } = &*self.0;
        secrets.get_or_init(|| {
            inner.attach(&shared.own);
            let inner = Arc::clone(inner);
            Arc::new(Store::new(shared, move || inner.version()))
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for Cached<V> {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let Parts { inner, shared, .. } = &*self.0;
        let check = |recheck: bool| {
            let credentials = credentials.with_recheck(recheck || credentials.is_recheck());
            let (inner, credentials) = (Arc::clone(inner), credentials.to_owned());
            async move { inner.validate(credentials.as_borrowed()).await }
        };
        let key = shared.keys.of_credentials(credentials);
        self.verdicts().answer(key, credentials.realm(), check).await
    }

    fn version(&self) -> u64 {
        self.0.shared.version(self.0.inner.version())
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.inner.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.shared.registries.add(revocations);
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
        let Parts { inner, shared, .. } = &*self.0;
        // A client can invent any number of parameters.
        if user.hashed_name().is_some() {
            return inner.secret(user).await;
        }
        let check = |recheck: bool| {
            let recheck = recheck || user.is_recheck();
            let (inner, realm, function) =
                (Arc::clone(inner), user.realm().clone(), user.function());
            let ticket = user.ticket().cloned();
            let name = match user.name() {
                // People type passwords into the name field.
                DigestName::UserId(name) => Ok(Password::new(name)),
                DigestName::Userhash(hash) => Err(hash.clone()),
            };
            async move {
                let name = match &name {
                    Ok(name) => DigestName::UserId(name.expose()),
                    Err(hash) => DigestName::Userhash(hash),
                };
                let user = DigestUser::new(&realm, function, name)
                    .with_recheck(recheck)
                    .with_ticket(ticket.as_ref());
                inner.secret(user).await
            }
        };
        self.secrets().answer(shared.keys.of_user(user), user.realm(), check).await
    }

    fn version(&self) -> u64 {
        self.0.shared.version(self.0.inner.version())
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.inner.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.shared.registries.add(revocations);
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
        let Parts { shared, verdicts, secrets, .. } = &*self.0;
        f.debug_struct("Cached")
            .field("times", &shared.times)
            .field("verdicts", &verdicts.get())
            .field("secrets", &secrets.get())
            .finish_non_exhaustive()
    }
}
