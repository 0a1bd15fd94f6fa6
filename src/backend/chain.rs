//! Several back ends, asked in turn.

use std::{
    fmt,
    future::Future,
    hash::{DefaultHasher, Hasher},
    pin::Pin,
    sync::Arc,
};

use crate::{
    backend::{
        BasicCredentials, CredentialValidator, DigestAccount, DigestSecrets, DigestUser, Verdict,
    },
    error::BackendError,
    wire::digest::HashFunctions,
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Checked = Result<Verdict, BackendError>;
type Found = Result<Option<DigestAccount>, BackendError>;

/// Validators asked in turn: the first that knows the user decides.
///
/// The next is asked only after [`Verdict::UnknownUser`]. A failure ends the chain, because the
/// user might have been known to the one that failed. An empty chain knows nobody.
///
/// # Security
/// The time that a refusal takes grows with the number of members asked, so it tells which of them
/// knows a user, and that some user is known to none.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Realm, Users, backend::ValidatorChain};
///
/// let realm = Realm::new("proxy")?;
/// let staff = Users::new(&realm).with_user("alice", "wonder")?;
/// let guests = Users::new(&realm).with_user("bob", "builder")?;
/// let validator = ValidatorChain::new().with(staff).with(guests);
/// # let _ = validator;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ValidatorChain(Vec<Arc<dyn AnyValidator>>);

impl ValidatorChain {
    /// An empty chain, which knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a validator.
    #[must_use]
    pub fn with(mut self, validator: impl CredentialValidator) -> Self {
        self.0.push(Arc::new(validator));
        self
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for ValidatorChain {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Checked {
        for member in &self.0 {
            match member.validate(credentials).await? {
                Verdict::UnknownUser => {}
                verdict => return Ok(verdict),
            }
        }
        Ok(Verdict::UnknownUser)
    }

    fn validate_now(&self, credentials: BasicCredentials<'_>) -> Option<Checked> {
        for member in &self.0 {
            match member.validate_now(credentials)? {
                Ok(Verdict::UnknownUser) => {}
                decided => return Some(decided),
            }
        }
        Some(Ok(Verdict::UnknownUser))
    }

    /// Changes with that of any member: a user who is added to one takes precedence over later
    /// ones.
    fn revision(&self, credentials: &BasicCredentials<'_>) -> u64 {
        let mut all = DefaultHasher::new();
        for member in &self.0 {
            all.write_u64(member.revision(credentials));
        }
        all.finish()
    }
}

/// Sources of Digest secrets asked in turn: the first that knows the user decides.
///
/// What is offered is what all of them hold. Otherwise as [`ValidatorChain`].
#[derive(Clone, Default)]
pub struct SecretsChain(Vec<Arc<dyn AnySecrets>>);

impl SecretsChain {
    /// An empty chain, which knows nobody and holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a source.
    #[must_use]
    pub fn with(mut self, secrets: impl DigestSecrets) -> Self {
        self.0.push(Arc::new(secrets));
        self
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for SecretsChain {
    fn hash_functions(&self) -> HashFunctions {
        let held = self.0.iter().map(|member| member.hash_functions());
        held.reduce(HashFunctions::intersection).unwrap_or(HashFunctions::NONE)
    }

    fn holds_passwords(&self) -> bool {
        self.0.iter().all(|member| member.holds_passwords())
    }

    async fn secret(&self, user: DigestUser<'_>) -> Found {
        for member in &self.0 {
            if let Some(account) = member.secret(user).await? {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    fn secret_now(&self, user: DigestUser<'_>) -> Option<Found> {
        for member in &self.0 {
            match member.secret_now(user)? {
                Ok(None) => {}
                decided => return Some(decided),
            }
        }
        Some(Ok(None))
    }

    fn secret_revision(&self, user: &DigestUser<'_>) -> u64 {
        let mut all = DefaultHasher::new();
        for member in &self.0 {
            all.write_u64(member.secret_revision(user));
        }
        all.finish()
    }
}

/// [`CredentialValidator`] without its type.
trait AnyValidator: Send + Sync {
    fn validate<'a>(&'a self, credentials: BasicCredentials<'a>) -> BoxFuture<'a, Checked>;
    fn validate_now(&self, credentials: BasicCredentials<'_>) -> Option<Checked>;
    fn revision(&self, credentials: &BasicCredentials<'_>) -> u64;
}

impl<V: CredentialValidator> AnyValidator for V {
    fn validate<'a>(&'a self, credentials: BasicCredentials<'a>) -> BoxFuture<'a, Checked> {
        Box::pin(CredentialValidator::validate(self, credentials))
    }

    fn validate_now(&self, credentials: BasicCredentials<'_>) -> Option<Checked> {
        CredentialValidator::validate_now(self, credentials)
    }

    fn revision(&self, credentials: &BasicCredentials<'_>) -> u64 {
        CredentialValidator::revision(self, credentials)
    }
}

/// [`DigestSecrets`] without its type.
trait AnySecrets: Send + Sync {
    fn hash_functions(&self) -> HashFunctions;
    fn holds_passwords(&self) -> bool;
    fn secret<'a>(&'a self, user: DigestUser<'a>) -> BoxFuture<'a, Found>;
    fn secret_now(&self, user: DigestUser<'_>) -> Option<Found>;
    fn secret_revision(&self, user: &DigestUser<'_>) -> u64;
}

impl<S: DigestSecrets> AnySecrets for S {
    fn hash_functions(&self) -> HashFunctions {
        DigestSecrets::hash_functions(self)
    }

    fn holds_passwords(&self) -> bool {
        DigestSecrets::holds_passwords(self)
    }

    fn secret<'a>(&'a self, user: DigestUser<'a>) -> BoxFuture<'a, Found> {
        Box::pin(DigestSecrets::secret(self, user))
    }

    fn secret_now(&self, user: DigestUser<'_>) -> Option<Found> {
        DigestSecrets::secret_now(self, user)
    }

    fn secret_revision(&self, user: &DigestUser<'_>) -> u64 {
        DigestSecrets::secret_revision(self, user)
    }
}

impl fmt::Debug for ValidatorChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidatorChain({} members)", self.0.len())
    }
}

impl fmt::Debug for SecretsChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretsChain({} members)", self.0.len())
    }
}
