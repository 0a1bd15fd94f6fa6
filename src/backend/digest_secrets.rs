//! The trait for looking up secrets, for Digest.

use std::{fmt, future::Future, sync::Arc};

use super::lookup::{AccountLookup, UnusableRecord};
use crate::{
    error::{BackendError, ConfigError},
    identity::Account,
    revocation::Revocations,
    throttle::Ticket,
    user_id::UserId,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// The user and the hash function of a look-up.
#[derive(Clone, Copy)]
pub struct DigestUser<'a> {
    realm: &'a Realm,
    function: HashFunction,
    name: DigestName<'a>,
    hashed_name: Option<&'a str>,
    recheck: bool,
    ticket: Option<&'a Ticket>,
}

/// The user by name or by the hash of the name.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum DigestName<'a> {
    /// One reading of the user-id as sent: compare it byte for byte.
    UserId(&'a str),
    /// The hash of `user-id:realm`: look it up in an index, never in a scan. Sent only where
    /// userhash was offered.
    Userhash(&'a Userhash),
}

impl<'a> DigestUser<'a> {
    /// A look-up of the H(A1) for `function` of the user `name` in `realm`.
    #[must_use]
    pub const fn new(realm: &'a Realm, function: HashFunction, name: DigestName<'a>) -> Self {
        Self { realm, function, name, hashed_name: None, recheck: false, ticket: None }
    }

    /// Sets the name that the client hashed, if it is not the user's.
    #[must_use]
    pub const fn with_hashed_name(mut self, name: &'a str) -> Self {
        self.hashed_name = Some(name);
        self
    }

    /// Sets whether this look-up renews a secret that a cache still keeps; `false` by default.
    #[must_use]
    pub const fn with_recheck(mut self, recheck: bool) -> Self {
        self.recheck = recheck;
        self
    }

    /// Adds the ticket of the attempt, if there is a throttle.
    #[must_use]
    pub const fn with_ticket(mut self, ticket: Option<&'a Ticket>) -> Self {
        self.ticket = ticket;
        self
    }

    /// The protection space. Secrets for other ones do not match.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The hash function of the requested H(A1).
    #[must_use]
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// The name that the client hashed, including parameters, if it is not the user's own. Only
    /// sources that [hold passwords](DigestSecrets::holds_passwords) get such a look-up, and
    /// compute the secret with [`ha1_of`](Self::ha1_of).
    #[must_use]
    pub const fn hashed_name(&self) -> Option<&'a str> {
        self.hashed_name
    }

    /// Computes the requested secret from the user's password. `None` if the user is given by hash:
    /// then compute it with [`HashedA1::new`] and the user's own name.
    #[must_use]
    pub fn ha1_of(&self, password: &str) -> Option<HashedA1> {
        let name = match (self.hashed_name, self.name) {
            (Some(name), _) | (None, DigestName::UserId(name)) => name,
            (None, DigestName::Userhash(_)) => return None,
        };
        Some(HashedA1::new(self.function, name, self.realm, password))
    }

    /// The user to look up.
    #[must_use]
    pub const fn name(&self) -> DigestName<'a> {
        self.name
    }

    /// Whether this look-up renews a secret that a cache still keeps. Queues prefer such look-ups,
    /// so that a flood of invented names does not lock out users who are logged in.
    #[must_use]
    pub const fn is_recheck(&self) -> bool {
        self.recheck
    }

    /// The ticket of the attempt. Work that may outlive the call keeps a clone until it ends.
    #[must_use]
    pub const fn ticket(&self) -> Option<&'a Ticket> {
        self.ticket
    }
}

/// Shows which kind it is: people type passwords into the name field.
impl fmt::Debug for DigestName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId(_) => "UserId(..)",
            Self::Userhash(_) => "Userhash(..)",
        })
    }
}

impl fmt::Debug for DigestUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestUser")
            .field("realm", self.realm)
            .field("function", &self.function)
            .finish_non_exhaustive()
    }
}

/// Whether an account may be used. A client learns it only with the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountStatus {
    /// The account may be used.
    Active,
    /// The account has been disabled. 403.
    Disabled,
    /// The account has expired. 403.
    Expired,
}

/// The stored account of a user, with a secret.
#[derive(Clone, Debug)]
pub struct DigestAccount {
    account: Account,
    ha1: HashedA1,
    status: AccountStatus,
}

impl DigestAccount {
    /// An active account with its H(A1) for the requested hash function.
    #[must_use]
    pub const fn new(account: Account, ha1: HashedA1) -> Self {
        Self { account, ha1, status: AccountStatus::Active }
    }

    /// Sets whether the account may be used.
    #[must_use]
    pub const fn with_status(mut self, status: AccountStatus) -> Self {
        self.status = status;
        self
    }

    /// The account that the secret belongs to.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The account, without the secret.
    #[must_use]
    pub fn into_account(self) -> Account {
        self.account
    }

    /// The stored secret.
    #[must_use]
    pub const fn ha1(&self) -> &HashedA1 {
        &self.ha1
    }

    /// Whether the account may be used.
    #[must_use]
    pub const fn status(&self) -> AccountStatus {
        self.status
    }
}

/// The result of looking up a Digest secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretLookup {
    /// The user's account with the requested secret.
    Found(DigestAccount),
    /// The source does not know the user: 407. A chain continues with its next member.
    Unknown,
    /// The user has a record that cannot be used: 407, as for an unknown user, and a chain stops.
    /// The cause is for the operator's log.
    Unusable(UnusableRecord),
}

impl From<Option<DigestAccount>> for SecretLookup {
    /// `None` is an unknown user.
    fn from(found: Option<DigestAccount>) -> Self {
        found.map_or(Self::Unknown, Self::Found)
    }
}

/// Looks up the secrets with which the engine verifies Digest responses.
///
/// A back end that can only check passwords, such as an LDAP bind, cannot implement this: Digest
/// needs H(A1), or the password itself to compute it with [`HashedA1::new`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no Digest secrets, so it cannot serve Digest",
    label = "not a `DigestSecrets`",
    note = "Digest needs H(A1) or the plain password; a back end that only checks passwords \
            can serve Basic: use `with_basic`"
)]
pub trait DigestSecrets: Send + Sync + 'static {
    /// The hash functions for which every user has an H(A1). No other algorithm is offered.
    fn hash_functions(&self) -> HashFunctions;

    /// Whether every user's password is available, so that H(A1) can be computed for any name that
    /// a client hashed: see [`DigestUser::ha1_of`]. User names with parameters need it.
    fn holds_passwords(&self) -> bool {
        false
    }

    /// Looks up a user's secret.
    ///
    /// # Errors
    /// The back end could not answer. The request is refused with 503.
    ///
    /// # Security
    /// Names compare byte for byte: if the back end ignores case or accents, check that the name
    /// that it found is the requested one. Set a timeout on every wait.
    fn secret(
        &self,
        user: DigestUser<'_>,
    ) -> impl Future<Output = Result<SecretLookup, BackendError>> + Send;

    /// A number that changes whenever the stored users change, as
    /// [`CredentialValidator::version`](crate::CredentialValidator::version).
    fn version(&self) -> u64 {
        0
    }

    /// Checks that the source can serve `realm`, as
    /// [`CredentialValidator::serves`](crate::CredentialValidator::serves).
    ///
    /// # Errors
    /// [`ConfigError::RealmNotServed`] if all users belong to other realms.
    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        let _ = realm;
        Ok(())
    }

    /// Looks up a user without their secret, as
    /// [`CredentialValidator::account`](crate::CredentialValidator::account).
    ///
    /// # Errors
    /// The back end could not answer, which says nothing about the user.
    fn account(
        &self,
        realm: &Realm,
        user: &UserId,
    ) -> impl Future<Output = Result<AccountLookup, BackendError>> + Send {
        let _ = (realm, user);
        async { Ok(AccountLookup::Unsupported) }
    }

    /// Provides a registry in which the source must revoke users, as
    /// [`CredentialValidator::attach`](crate::CredentialValidator::attach).
    fn attach(&self, revocations: &Revocations) {
        let _ = revocations;
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: DigestSecrets> DigestSecrets for Arc<S> {
    fn hash_functions(&self) -> HashFunctions {
        S::hash_functions(self)
    }

    fn holds_passwords(&self) -> bool {
        S::holds_passwords(self)
    }

    fn secret(
        &self,
        user: DigestUser<'_>,
    ) -> impl Future<Output = Result<SecretLookup, BackendError>> + Send {
        S::secret(self, user)
    }

    fn version(&self) -> u64 {
        S::version(self)
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        S::serves(self, realm)
    }

    fn account(
        &self,
        realm: &Realm,
        user: &UserId,
    ) -> impl Future<Output = Result<AccountLookup, BackendError>> + Send {
        S::account(self, realm, user)
    }

    fn attach(&self, revocations: &Revocations) {
        S::attach(self, revocations);
    }
}
