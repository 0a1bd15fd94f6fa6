//! Several back ends in a fixed order.

use std::{
    fmt,
    future::Future,
    hash::{DefaultHasher, Hasher},
};

use super::{
    AccountLookup, AnySecrets, AnyValidator, BasicCredentials, CredentialValidator, DigestSecrets,
    DigestUser, SecretLookup, Verdict,
};
use crate::{
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::{Realm, digest::HashFunctions},
};

/// A chain of validators: the first that knows the user decides.
///
/// The next member is consulted only after [`Verdict::UnknownUser`]. A failure or an unusable
/// record ends the chain, because the member might otherwise have refused the user. An empty chain
/// knows no users.
///
/// # Security
/// The time that a refusal takes grows with the number of members consulted, so it shows which
/// member knows a user.
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
pub struct ValidatorChain(Vec<AnyValidator>);

impl ValidatorChain {
    /// An empty chain, which knows no users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a validator.
    #[must_use]
    pub fn with(mut self, validator: impl CredentialValidator) -> Self {
        self.0.push(AnyValidator::new(validator));
        self
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for ValidatorChain {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        for member in &self.0 {
            match member.validate(credentials).await? {
                Verdict::UnknownUser => {}
                verdict => return Ok(verdict),
            }
        }
        Ok(Verdict::UnknownUser)
    }

    /// Changes with every member: a user who is added to one takes precedence over later members.
    fn version(&self) -> u64 {
        combined(self.0.iter().map(AnyValidator::version))
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        any_serves(self.0.iter().map(|member| member.serves(realm)))
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        first_known(self.0.iter().map(|member| member.account(realm, user))).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.iter().for_each(|member| member.attach(revocations));
    }
}

/// A chain of sources of Digest secrets: the first that knows the user decides.
///
/// The algorithms offered are those that every member has secrets for. Otherwise it is like
/// [`ValidatorChain`].
#[derive(Clone, Default)]
pub struct SecretsChain(Vec<AnySecrets>);

impl SecretsChain {
    /// An empty chain, which knows no users and holds no secrets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a source.
    #[must_use]
    pub fn with(mut self, secrets: impl DigestSecrets) -> Self {
        self.0.push(AnySecrets::new(secrets));
        self
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for SecretsChain {
    fn hash_functions(&self) -> HashFunctions {
        let held = self.0.iter().map(AnySecrets::hash_functions);
        held.reduce(HashFunctions::intersection).unwrap_or(HashFunctions::NONE)
    }

    fn holds_passwords(&self) -> bool {
        self.0.iter().all(AnySecrets::holds_passwords)
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        for member in &self.0 {
            match member.secret(user).await? {
                SecretLookup::Unknown => {}
                lookup => return Ok(lookup),
            }
        }
        Ok(SecretLookup::Unknown)
    }

    fn version(&self) -> u64 {
        combined(self.0.iter().map(AnySecrets::version))
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        any_serves(self.0.iter().map(|member| member.serves(realm)))
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        first_known(self.0.iter().map(|member| member.account(realm, user))).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.iter().for_each(|member| member.attach(revocations));
    }
}

/// The first answer but `Unknown`. A member that cannot look up users may have admitted the user, so
/// the answers of later members do not count.
async fn first_known<F>(lookups: impl Iterator<Item = F>) -> Result<AccountLookup, BackendError>
where
    F: Future<Output = Result<AccountLookup, BackendError>>,
{
    for lookup in lookups {
        match lookup.await? {
            AccountLookup::Unknown => {}
            found => return Ok(found),
        }
    }
    Ok(AccountLookup::Unknown)
}

/// One version for several members.
pub(super) fn combined(versions: impl Iterator<Item = u64>) -> u64 {
    let mut all = DefaultHasher::new();
    versions.for_each(|version| all.write_u64(version));
    all.finish()
}

/// Checks that a member serves the realm, unless there are no members. Other mistakes of a member
/// count in any case.
fn any_serves(members: impl Iterator<Item = Result<(), ConfigError>>) -> Result<(), ConfigError> {
    let (mut is_served, mut mistake) = (false, Ok(()));
    for served in members {
        match served {
            Ok(()) => is_served = true,
            Err(error) if error.is_of_other_realms() => mistake = mistake.and(Err(error)),
            Err(error) => return Err(error),
        }
    }
    if is_served { Ok(()) } else { mistake }
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
