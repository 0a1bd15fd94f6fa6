//! Type-erased validators and sources of secrets.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::{
    AccountLookup, BasicCredentials, CredentialValidator, DigestSecrets, DigestUser, SecretLookup,
    Verdict,
};
use crate::{
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::{Realm, digest::HashFunctions},
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// A [`CredentialValidator`] whose type is erased, so that one of several can be chosen at run
/// time. Each call boxes a future. Cloning is cheap.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Realm, Users, Verdict, backend::{AnyValidator, from_fn}};
///
/// let realm = Realm::new("proxy")?;
/// let is_open = false;
/// let validator = if is_open {
///     AnyValidator::new(from_fn(|_| Verdict::UnknownUser))
/// } else {
///     AnyValidator::new(Users::new(&realm).with_user("alice", "wonder")?)
/// };
/// # let _ = validator;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AnyValidator(Arc<dyn DynValidator>);

impl AnyValidator {
    /// Erases the type of `validator`.
    pub fn new(validator: impl CredentialValidator) -> Self {
        Self(Arc::new(validator))
    }
}

/// A [`DigestSecrets`] whose type is erased, like [`AnyValidator`].
#[derive(Clone)]
pub struct AnySecrets(Arc<dyn DynSecrets>);

impl AnySecrets {
    /// Erases the type of `secrets`.
    pub fn new(secrets: impl DigestSecrets) -> Self {
        Self(Arc::new(secrets))
    }
}

/// [`CredentialValidator`] with boxed futures.
trait DynValidator: Send + Sync {
    fn validate<'a>(&'a self, credentials: BasicCredentials<'a>) -> BoxFuture<'a, Verdict>;
    fn version(&self) -> u64;
    fn serves(&self, realm: &Realm) -> Result<(), ConfigError>;
    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> BoxFuture<'a, AccountLookup>;
    fn attach(&self, revocations: &Revocations);
}

impl<V: CredentialValidator> DynValidator for V {
    fn validate<'a>(&'a self, credentials: BasicCredentials<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(CredentialValidator::validate(self, credentials))
    }

    fn version(&self) -> u64 {
        CredentialValidator::version(self)
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        CredentialValidator::serves(self, realm)
    }

    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> BoxFuture<'a, AccountLookup> {
        Box::pin(CredentialValidator::account(self, realm, user))
    }

    fn attach(&self, revocations: &Revocations) {
        CredentialValidator::attach(self, revocations);
    }
}

/// [`DigestSecrets`] with boxed futures.
trait DynSecrets: Send + Sync {
    fn hash_functions(&self) -> HashFunctions;
    fn holds_passwords(&self) -> bool;
    fn secret<'a>(&'a self, user: DigestUser<'a>) -> BoxFuture<'a, SecretLookup>;
    fn version(&self) -> u64;
    fn serves(&self, realm: &Realm) -> Result<(), ConfigError>;
    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> BoxFuture<'a, AccountLookup>;
    fn attach(&self, revocations: &Revocations);
}

impl<S: DigestSecrets> DynSecrets for S {
    fn hash_functions(&self) -> HashFunctions {
        DigestSecrets::hash_functions(self)
    }

    fn holds_passwords(&self) -> bool {
        DigestSecrets::holds_passwords(self)
    }

    fn secret<'a>(&'a self, user: DigestUser<'a>) -> BoxFuture<'a, SecretLookup> {
        Box::pin(DigestSecrets::secret(self, user))
    }

    fn version(&self) -> u64 {
        DigestSecrets::version(self)
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        DigestSecrets::serves(self, realm)
    }

    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> BoxFuture<'a, AccountLookup> {
        Box::pin(DigestSecrets::account(self, realm, user))
    }

    fn attach(&self, revocations: &Revocations) {
        DigestSecrets::attach(self, revocations);
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for AnyValidator {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.0.validate(credentials).await
    }

    fn version(&self) -> u64 {
        self.0.version()
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.attach(revocations);
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for AnySecrets {
    fn hash_functions(&self) -> HashFunctions {
        self.0.hash_functions()
    }

    fn holds_passwords(&self) -> bool {
        self.0.holds_passwords()
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        self.0.secret(user).await
    }

    fn version(&self) -> u64 {
        self.0.version()
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.0.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.0.account(realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.attach(revocations);
    }
}

impl fmt::Debug for AnyValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyValidator(..)")
    }
}

impl fmt::Debug for AnySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnySecrets(..)")
    }
}
