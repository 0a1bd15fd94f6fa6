//! The secrets that Digest is checked against.

use std::{fmt, future::Future, sync::Arc};

use crate::{
    error::BackendError,
    identity::Account,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// Whose secret is asked for, and which.
#[derive(Clone, Copy)]
pub struct DigestUser<'a> {
    realm: &'a Realm,
    function: HashFunction,
    name: DigestName<'a>,
    hashed_name: Option<&'a str>,
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
    /// The user `name` of `realm`, asked about for `function`.
    #[must_use]
    pub const fn new(realm: &'a Realm, function: HashFunction, name: DigestName<'a>) -> Self {
        Self { realm, function, name, hashed_name: None }
    }

    /// Says under which name the client hashed the password, where that is not the user's.
    #[must_use]
    pub const fn with_hashed_name(mut self, name: &'a str) -> Self {
        self.hashed_name = Some(name);
        self
    }

    /// The protection space. A secret made for another one is of no use.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The hash function whose H(A1) is asked for.
    #[must_use]
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// The name that the client hashed the password under, parameters included, where that is not
    /// the user's own. Only a source that [`holds_passwords`](DigestSecrets::holds_passwords) is
    /// asked for such a secret, and makes it by [`ha1_of`](Self::ha1_of).
    #[must_use]
    pub const fn hashed_name(&self) -> Option<&'a str> {
        self.hashed_name
    }

    /// The secret that is asked for, of a user with this password. `None` if the user is given by
    /// hash: [`HashedA1::new`] makes it of the user's own name.
    #[must_use]
    pub fn ha1_of(&self, password: &str) -> Option<HashedA1> {
        let name = match (self.hashed_name, self.name) {
            (Some(name), _) | (None, DigestName::UserId(name)) => name,
            (None, DigestName::Userhash(_)) => return None,
        };
        Some(HashedA1::new(self.function, name, self.realm.as_str(), password))
    }

    /// Who is asked about.
    #[must_use]
    pub const fn name(&self) -> DigestName<'a> {
        self.name
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

/// Whether an account may be used, which its owner is told once the password has been proved.
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

/// What is stored for a user.
#[derive(Clone, Debug)]
pub struct DigestAccount {
    account: Account,
    ha1: HashedA1,
    status: AccountStatus,
}

impl DigestAccount {
    /// An active account with its H(A1) for the hash function that was asked for.
    #[must_use]
    pub const fn new(account: Account, ha1: HashedA1) -> Self {
        Self { account, ha1, status: AccountStatus::Active }
    }

    /// Says whether the account may be used.
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

/// Digest: what is stored for this user? The engine compares.
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
    /// The hash functions for which an H(A1) is held for every user. No other is offered.
    fn hash_functions(&self) -> HashFunctions;

    /// Whether the passwords themselves are held for every user, so that H(A1) can be made for any
    /// name that a client hashed: see [`DigestUser::ha1_of`]. Names with parameters need it.
    fn holds_passwords(&self) -> bool {
        false
    }

    /// Looks a user up. `None` if nobody of that name is known in that realm.
    ///
    /// # Errors
    /// The back end could not answer, or holds an H(A1) that is malformed: 503.
    ///
    /// # Security
    /// The names compare byte for byte: where the back end folds case or accents, check that the
    /// name that comes back is the name that was asked for. Set a time-out on every wait.
    fn secret(
        &self,
        user: DigestUser<'_>,
    ) -> impl Future<Output = Result<Option<DigestAccount>, BackendError>> + Send;

    /// The same for a back end that need not wait; the engine asks this first. `None` means that
    /// nothing was done, and [`secret`](Self::secret) is to be called.
    fn secret_now(
        &self,
        user: DigestUser<'_>,
    ) -> Option<Result<Option<DigestAccount>, BackendError>> {
        let _ = user;
        None
    }

    /// A number that is another one whenever what is stored of `user` has changed, for caches: as
    /// [`CredentialValidator::revision`](super::CredentialValidator::revision).
    fn secret_revision(&self, user: &DigestUser<'_>) -> u64 {
        let _ = user;
        0
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
    ) -> impl Future<Output = Result<Option<DigestAccount>, BackendError>> + Send {
        S::secret(self, user)
    }

    fn secret_now(
        &self,
        user: DigestUser<'_>,
    ) -> Option<Result<Option<DigestAccount>, BackendError>> {
        S::secret_now(self, user)
    }

    fn secret_revision(&self, user: &DigestUser<'_>) -> u64 {
        S::secret_revision(self, user)
    }
}
