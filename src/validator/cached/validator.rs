//! The cache as a validator.

use std::{
    fmt,
    hash::{DefaultHasher, Hasher as _},
    sync::Arc,
};

use super::{CachedBuilder, state::State};
use crate::{
    error::{BackendError, ConfigError},
    ports::{BasicCredentials, CredentialValidator, Verdict},
};

/// A validator whose verdicts are kept for a while; requests with the same credentials share a
/// check. The [module](super) says what that promises.
///
/// Clones share what is kept: keep one to [`invalidate`](Self::invalidate) users whose password has
/// changed. A validator that knows of changes tells by
/// [`revision`](CredentialValidator::revision), and needs none of that.
///
/// # Security
/// A change that nobody tells of is in force after the lifetime, by which an old password still
/// works: choose it as short as the back end can bear. Which verdicts are at hand shows in the time
/// of the answer, to whoever knows the password, or has guessed the same one a moment ago.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use tower_proxy_auth::{
///     error::BackendError,
///     ports::{OwnedCredentials, Verdict},
///     validator::{Cached, from_async_fn},
/// };
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
/// # Ok::<(), tower_proxy_auth::error::ConfigError>(())
/// ```
pub struct Cached<V>(Arc<State<V>>);

impl<V: CredentialValidator> Cached<V> {
    /// A cache with the default options.
    ///
    /// # Errors
    /// [`ConfigError::Randomness`] if the operating system gives no random bytes.
    pub fn new(validator: V) -> Result<Self, ConfigError> {
        Self::builder(validator).build()
    }

    /// A cache with options.
    pub fn builder(validator: V) -> CachedBuilder<V> {
        CachedBuilder::new(validator)
    }

    pub(super) fn of(state: State<V>) -> Self {
        Self(Arc::new(state))
    }

    /// Forgets all verdicts on `user`, in every realm, those included that are being found at this
    /// moment: whoever asks from now on gets a verdict that was asked for after this was called.
    ///
    /// It takes the canonical name, which tells right passwords. A refusal, and a check under way,
    /// know the name as sent alone: where a back end takes several spellings of a name, they are
    /// forgotten under the one given, and last for the negative lifetime under others.
    ///
    /// A thousandth of the other users are asked about once more as well.
    pub fn invalidate(&self, user: &str) {
        self.0.invalidations.add(user);
    }

    /// Forgets all verdicts, as [`invalidate`](Self::invalidate) does.
    pub fn invalidate_all(&self) {
        self.0.invalidations.add_all();
        // They are void already: this gives the memory back.
        self.0.proven.clear();
        self.0.refused.clear();
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for Cached<V> {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.0.check(credentials).await
    }

    /// Answers with what is kept. The validator is not asked, also not for an answer at once: that
    /// may be a dear one, and is to be shared and kept like any other.
    fn validate_now(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Option<Result<Verdict, BackendError>> {
        self.0.answer(&credentials).map(Ok)
    }

    /// That of the validator, and another one after an invalidation.
    fn revision(&self, credentials: &BasicCredentials<'_>) -> u64 {
        let revision = self.0.inner.revision(credentials);
        let invalidations = &self.0.invalidations;
        match invalidations.last(invalidations.place(credentials.user_id())) {
            0 => revision,
            last => {
                let mut both = DefaultHasher::new();
                both.write_u64(revision);
                both.write_u64(last);
                both.finish()
            }
        }
    }
}

impl<V> Clone for Cached<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> fmt::Debug for Cached<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("times", &self.0.times)
            .field("proven", &self.0.proven.len())
            .field("refused_names", &self.0.refused.len())
            .field("in_flight", &self.0.in_flight.len())
            .finish_non_exhaustive()
    }
}
