//! Users in a database, for Basic and Digest.

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Duration};

use tokio::{runtime::Handle, time};

use super::{
    builder::{Record, SqlBuilder},
    dearest::Dearest,
    row::{SqlRow, SqlRowError},
    source::Source,
    user::{NAME, PASSWORD_HASH, User, ha1_column, known_columns},
};
use crate::{
    backend::{
        AccountStatus, BasicCredentials, CredentialValidator, DigestAccount, DigestName,
        DigestSecrets, DigestUser, Verdict,
        password_hash::{HashPolicy, HashingPool, PasswordHash},
    },
    clock::Clock,
    error::BackendError,
    identity::Account,
    secret::Password,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, Userhash},
    },
};

/// The longest name that is looked up, in bytes. Nobody has a longer one.
const LONGEST_NAME: usize = 256;

/// A name that no client can send, since control characters are refused before anybody is asked.
const NOBODY: &str = "\u{1}nobody\u{1}";

/// Users in a table of a database. Serves Basic by password hashes, and Digest by H(A1)s.
///
/// Cloning is cheap, and clones share the connections. See the [module](super) for the columns.
///
/// It runs on tokio: it has to be asked on a runtime with time and I/O enabled, and anywhere else
/// it fails.
#[derive(Clone)]
pub struct Sql(Arc<Parts>);

pub(super) struct Parts {
    pub(super) source: Arc<dyn Source>,
    pub(super) query: Arc<str>,
    pub(super) by_userhash: BTreeMap<HashFunction, Arc<str>>,
    pub(super) has_realm: bool,
    pub(super) functions: HashFunctions,
    pub(super) policy: HashPolicy,
    pub(super) hashing: HashingPool,
    pub(super) dearest: Dearest,
    pub(super) record: Option<Record>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl Sql {
    /// The options for the database of `url`: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/NAME`
    /// or `mysql://USER:PASSWORD@HOST/NAME`. The feature of the database has to be on.
    pub fn builder(url: impl Into<String>) -> SqlBuilder {
        SqlBuilder::from_url(url.into())
    }

    pub(super) fn of(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Asks each query about a user that cannot exist, in `realm` if they take one. Says what is
    /// wrong with the database or with the query, columns that are missing by their names.
    ///
    /// # Errors
    /// The database cannot be reached, refuses a query, or lacks a column. What may pass by itself
    /// is [transient](BackendError::is_transient).
    pub async fn check(&self, realm: &Realm) -> Result<(), BackendError> {
        let realm = realm.as_str();
        let by_name = (&self.0.query, vec![NOBODY.to_owned()]);
        let by_hash = self.0.by_userhash.iter().map(|(&function, query)| {
            let hash = Userhash::new(function, NOBODY, realm);
            (query, vec![base16ct::lower::encode_string(hash.as_bytes())])
        });
        for (query, mut parameters) in [by_name].into_iter().chain(by_hash) {
            if self.0.has_realm {
                parameters.push(realm.to_owned());
            }
            let prepared = self.within(self.0.source.prepared(query)).await?;
            self.has_all(&prepared.columns)?;
            let (taken, given) = (prepared.parameters, parameters.len());
            if let Some(taken) = taken.filter(|&taken| taken != given) {
                let text = format!("the query has {taken} parameters where it is given {given}");
                return Err(BackendError::new(text));
            }
            if self.within(self.0.source.row(query, parameters)).await?.is_some() {
                return Err(BackendError::new("the query finds a user that cannot exist"));
            }
        }
        Ok(())
    }

    /// Where Digest is served, a table without password hashes is no mistake.
    fn has_all(&self, columns: &[String]) -> Result<(), BackendError> {
        known_columns(columns.iter().map(String::as_str)).map_err(BackendError::new)?;
        let held = HashFunction::all().filter(|&function| self.0.functions.contains(function));
        let mut wanted: Vec<&str> = held.map(ha1_column).collect();
        if wanted.is_empty() {
            wanted.push(PASSWORD_HASH);
        }
        wanted.insert(0, NAME);
        match wanted.into_iter().find(|wanted| !columns.iter().any(|column| column == wanted)) {
            Some(missing) => Err(BackendError::new(SqlRowError::missing(missing))),
            None => Ok(()),
        }
    }

    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        if Handle::try_current().is_err() {
            return Err(BackendError::new("a database is asked on a tokio runtime only"));
        }
        let limit = self.0.timeout;
        time::timeout(limit, answer)
            .await
            .unwrap_or_else(|_| Err(BackendError::transient(format!("no answer within {limit:?}"))))
    }

    async fn user_called(&self, name: &str, realm: &str) -> Result<Option<User>, BackendError> {
        if name.len() > LONGEST_NAME || name.contains('\0') {
            return Ok(None);
        }
        match self.row(&self.0.query, name.to_owned(), realm).await? {
            Some(row) => User::named(name, row).map_err(BackendError::new),
            None => Ok(None),
        }
    }

    async fn user_hashed(
        &self,
        hash: &Userhash,
        function: HashFunction,
        realm: &str,
    ) -> Result<Option<User>, BackendError> {
        let Some(query) = self.0.by_userhash.get(&function) else { return Ok(None) };
        match self.row(query, base16ct::lower::encode_string(hash.as_bytes()), realm).await? {
            Some(row) => User::hashed(hash, (function, realm), row).map_err(BackendError::new),
            None => Ok(None),
        }
    }

    async fn row(
        &self,
        query: &Arc<str>,
        key: String,
        realm: &str,
    ) -> Result<Option<SqlRow>, BackendError> {
        let mut parameters = vec![key];
        if self.0.has_realm {
            parameters.push(realm.to_owned());
        }
        self.0.source.row(query, parameters).await
    }

    /// Whether it is the right password: never for an empty one. The work is the same whether there
    /// is a hash or not.
    async fn is_right(
        &self,
        hash: Option<PasswordHash>,
        credentials: BasicCredentials<'_>,
    ) -> Result<bool, BackendError> {
        let effort = self.0.dearest.with(hash.as_ref());
        let password = Password::new(credentials.password());
        let check = move || {
            let is_right = effort.verify(hash.as_ref(), password.expose())?;
            Ok(is_right && !password.expose().is_empty())
        };
        self.0.hashing.run(credentials.is_recheck(), check).await?
    }

    fn account(&self, user: User) -> Result<Account, BackendError> {
        let (account, row) = user.into_account(self.0.clock.now()).map_err(BackendError::new)?;
        match &self.0.record {
            Some(record) => record(&row, account).map_err(BackendError::new),
            None => Ok(account),
        }
    }

    async fn verdict(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let realm = credentials.realm().as_str();
        let user = self.user_called(credentials.user_id(), realm).await?;
        let hash = match &user {
            Some(user) => user.password_hash(&self.0.policy)?,
            None => None,
        };
        let is_right = self.is_right(hash, credentials).await?;
        let Some(user) = user else { return Ok(Verdict::UnknownUser) };
        if !is_right {
            return Ok(Verdict::WrongPassword);
        }
        let standing = self.standing(&user)?;
        let account = self.account(user)?;
        Ok(match standing {
            AccountStatus::Active => Verdict::Accepted(account),
            AccountStatus::Disabled => Verdict::Disabled(account),
            AccountStatus::Expired => Verdict::Expired(account),
        })
    }

    async fn stored(&self, user: DigestUser<'_>) -> Result<Option<DigestAccount>, BackendError> {
        let (function, realm) = (user.function(), user.realm().as_str());
        if !self.0.functions.contains(function) {
            return Err(BackendError::new(format!("no H(A1) is held for {function}")));
        }
        let found = match user.name() {
            DigestName::UserId(name) => self.user_called(name, realm).await?,
            DigestName::Userhash(hash) => self.user_hashed(hash, function, realm).await?,
        };
        let Some(found) = found else { return Ok(None) };
        let (ha1, standing) = (found.ha1(function)?, self.standing(&found)?);
        Ok(Some(DigestAccount::new(self.account(found)?, ha1).with_status(standing)))
    }

    fn standing(&self, user: &User) -> Result<AccountStatus, BackendError> {
        user.standing(self.0.clock.now()).map_err(BackendError::new)
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for Sql {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.within(self.verdict(credentials)).await
    }

    /// There is always a database to wait for.
    fn validate_now(&self, _: BasicCredentials<'_>) -> Option<Result<Verdict, BackendError>> {
        None
    }

    /// A table tells nobody that it has changed.
    fn revision(&self, _: &BasicCredentials<'_>) -> u64 {
        0
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for Sql {
    fn hash_functions(&self) -> HashFunctions {
        self.0.functions
    }

    fn holds_passwords(&self) -> bool {
        false
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<Option<DigestAccount>, BackendError> {
        self.within(self.stored(user)).await
    }

    fn secret_now(&self, _: DigestUser<'_>) -> Option<Result<Option<DigestAccount>, BackendError>> {
        None
    }

    /// A database tells nothing of changes.
    fn secret_revision(&self, _: &DigestUser<'_>) -> u64 {
        0
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("query", &self.0.query)
            .field("functions", &self.0.functions)
            .finish_non_exhaustive()
    }
}
