//! The options of a database.

use std::{collections::BTreeMap, error::Error, fmt, sync::Arc, time::Duration};

use super::{
    dearest::Dearest,
    error::SqlConfigError,
    open::{self, Opened},
    row::SqlRow,
    source::{Limits, Source},
    validator::{Parts, Sql},
};
use crate::{
    backend::password_hash::{HashCost, HashPolicy, HashingPool},
    clock::{Clock, SystemClock},
    error::ConfigError,
    identity::Account,
    secret::Password,
    wire::digest::{HashFunction, HashFunctions},
};

/// Options of [`Sql`], from [`Sql::builder`].
///
/// `Debug` shows nothing of the URL.
#[must_use]
pub struct SqlBuilder {
    origin: Origin,
    query: Option<String>,
    by_userhash: BTreeMap<HashFunction, String>,
    has_realm: bool,
    functions: HashFunctions,
    policy: HashPolicy,
    hashing: Option<HashingPool>,
    effort: Option<HashCost>,
    record: Option<Record>,
    limits: Limits,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

enum Origin {
    Url(Password),
    Given { open: Box<dyn FnOnce(Limits) -> Arc<dyn Source> + Send + Sync>, query: &'static str },
}

/// Adds to an account what its row says of it.
pub(super) type Record =
    Arc<dyn Fn(&SqlRow, Account) -> Result<Account, Box<dyn Error + Send + Sync>> + Send + Sync>;

impl SqlBuilder {
    pub(super) fn from_url(url: String) -> Self {
        Self::from_origin(Origin::Url(Password::new(url)))
    }

    #[cfg_attr(not(test), allow(dead_code, reason = "each database calls it"))]
    pub(super) fn of(
        open: impl FnOnce(Limits) -> Arc<dyn Source> + Send + Sync + 'static,
        query: &'static str,
    ) -> Self {
        Self::from_origin(Origin::Given { open: Box::new(open), query })
    }

    fn from_origin(origin: Origin) -> Self {
        Self {
            origin,
            query: None,
            by_userhash: BTreeMap::new(),
            has_realm: false,
            functions: HashFunctions::NONE,
            policy: HashPolicy::new(),
            hashing: None,
            effort: None,
            record: None,
            limits: Limits::default(),
            timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// The query that finds a user by name, instead of the database's default one. Its one
    /// parameter (`$1` to PostgreSQL, `?` to the others) is the name as the client sent it.
    ///
    /// # Security
    /// The operator writes it: it is sent as it is. Let the name be found by an index, or every
    /// request reads the whole table.
    pub fn with_query(mut self, sql: impl Into<String>) -> Self {
        self.query = Some(sql.into());
        self
    }

    /// Hands the realm to each query as a second parameter.
    pub const fn with_realm_parameter(mut self) -> Self {
        self.has_realm = true;
        self
    }

    /// Says for which hash functions an H(A1) is stored for every user; for none by default, and
    /// then Digest cannot be offered.
    ///
    /// From then on a value that is missing or broken is a failure, 503.
    pub fn with_digest(mut self, functions: impl IntoIterator<Item = HashFunction>) -> Self {
        self.functions = functions.into_iter().fold(HashFunctions::NONE, HashFunctions::with);
        self
    }

    /// The query that finds a user by the hash of `user-id:realm`, for clients that hide their
    /// names. Its one parameter is the hash in lower-case hex; the columns are the same. Without it
    /// no such client is known.
    ///
    /// Keep the hashes in a column with an index, for each function one.
    pub fn with_userhash_query(mut self, function: HashFunction, sql: impl Into<String>) -> Self {
        self.by_userhash.insert(function, sql.into());
        self
    }

    /// Which kinds of password hashes are accepted, and how dear they may be.
    pub const fn with_hash_policy(mut self, policy: HashPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The pool on which password hashes are checked; by default a [`HashingPool::new`] of its own.
    pub fn with_hashing_pool(mut self, pool: HashingPool) -> Self {
        self.hashing = Some(pool);
        self
    }

    /// The least work of a check, whoever is asked about: that of the dearest hash in the table, or
    /// [`HashCost::of_method`] of the method that makes them.
    ///
    /// Without it, that is learned from the rows that are looked at. Until the first one of a user
    /// with a password, a check costs what a hash of
    /// [`HashMethod::default`](crate::backend::password_hash::HashMethod) does, which tells known
    /// users from unknown ones if the table holds others.
    pub const fn with_effort(mut self, effort: HashCost) -> Self {
        self.effort = Some(effort);
        self
    }

    /// Makes a record of further columns, which the inner service finds in
    /// [`Account::data`]. A record that cannot be made is a failure, 503.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::{backend::{sql::{Sql, SqlRow, SqlRowError}}};
    ///
    /// #[derive(Clone)]
    /// struct Quota(i64);
    ///
    /// let builder = Sql::builder("sqlite:users.db")
    ///     .with_query("SELECT name, password_hash, quota FROM users WHERE name = ?")
    ///     .with_record(|row: &SqlRow| {
    ///         Ok::<_, SqlRowError>(Quota(row.integer("quota")?.unwrap_or(0)))
    ///     });
    /// # let _ = builder;
    /// ```
    ///
    /// # Security
    /// The row has neither password hash nor H(A1)s any more.
    pub fn with_record<T, E>(
        mut self,
        record: impl Fn(&SqlRow) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.record = Some(Arc::new(move |row, account| {
            record(row).map(|value| account.with_data(value)).map_err(Into::into)
        }));
        self
    }

    /// The most connections that are open at a time, 1 or more; 10 by default. Each takes one query
    /// at a time.
    pub const fn with_max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// How many queries may wait for a connection; 1,000 by default, and 0 for none. Past it, 503.
    pub const fn with_queue(mut self, queries: usize) -> Self {
        self.limits.queue = queries;
        self
    }

    /// How long is waited for a connection, a free one or a new one; 3 s by default.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// How long is waited for the answer to a query; 3 s by default.
    pub const fn with_query_timeout(mut self, limit: Duration) -> Self {
        self.limits.query = limit;
        self
    }

    /// How long a check or a look-up may take in all, the check of the hash included; 5 s by
    /// default.
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The clock by which accounts expire; that of the machine by default.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Looks the set-up over. Nothing is asked of the database before the first request, so that a
    /// proxy can start before its database; use [`Sql::check`] to ask it.
    ///
    /// # Errors
    /// A mistake in the set-up: [`SqlConfigError`].
    pub fn build(self) -> Result<Sql, SqlConfigError> {
        let queries = self.query.iter().chain(self.by_userhash.values());
        if queries.clone().any(|query| query.trim().is_empty()) {
            return Err(SqlConfigError::EmptyQuery);
        }
        let not_held = |function: &&HashFunction| !self.functions.contains(**function);
        if let Some(&function) = self.by_userhash.keys().find(not_held) {
            return Err(SqlConfigError::UserhashWithoutDigest { function });
        }
        for (name, is_zero) in [
            ("max_connections", self.limits.connections == 0),
            ("connect_timeout", self.limits.connect.is_zero()),
            ("query_timeout", self.limits.query.is_zero()),
            ("timeout", self.timeout.is_zero()),
        ] {
            if is_zero {
                return Err(ConfigError::ZeroLimit { name }.into());
            }
        }
        let Opened { source, query } = match self.origin {
            Origin::Url(url) => open::url(url.expose(), self.limits)?,
            Origin::Given { open, query } => Opened { source: open(self.limits), query },
        };
        Ok(Sql::of(Parts {
            source,
            query: self.query.as_deref().unwrap_or(query).into(),
            by_userhash: self
                .by_userhash
                .into_iter()
                .map(|(function, query)| (function, query.into()))
                .collect(),
            has_realm: self.has_realm,
            functions: self.functions,
            policy: self.policy,
            hashing: self.hashing.unwrap_or_default(),
            dearest: Dearest::new(self.effort),
            record: self.record,
            timeout: self.timeout,
            clock: self.clock,
        }))
    }
}

impl fmt::Debug for SqlBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlBuilder")
            .field("query", &self.query)
            .field("functions", &self.functions)
            .field("limits", &self.limits)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sql::source::{Answer, Prepared};

    /// A database that nobody should ask.
    struct Nowhere;

    impl Source for Nowhere {
        fn row<'a>(&'a self, _: &Arc<str>, _: Vec<String>) -> Answer<'a, Option<SqlRow>> {
            unreachable!("nothing is asked by build()")
        }

        fn prepared<'a>(&'a self, _: &Arc<str>) -> Answer<'a, Prepared> {
            unreachable!("nothing is asked by build()")
        }
    }

    fn builder() -> SqlBuilder {
        SqlBuilder::of(|_| Arc::new(Nowhere), "SELECT 1")
    }

    #[test]
    fn each_mistake_is_found_when_it_is_built() {
        let zero =
            |name| format!("the limit {name} is 0, which refuses everything: use a larger one");
        let unknown = "the database URL begins with none of sqlite:, postgres: and mysql:";
        for (builder, message) in [
            (Sql::builder(""), unknown.to_owned()),
            (Sql::builder("users.db"), unknown.to_owned()),
            (Sql::builder("oracle://proxy:wonder@host/users"), unknown.to_owned()),
            (
                builder().with_query(" \n"),
                "the query is empty: leave it out for the default one".to_owned(),
            ),
            (
                builder()
                    .with_digest([HashFunction::Sha256])
                    .with_userhash_query(HashFunction::Md5, "SELECT 1"),
                "a query by the MD5 hash of names needs with_digest for MD5".to_owned(),
            ),
            (builder().with_max_connections(0), zero("max_connections")),
            (builder().with_connect_timeout(Duration::ZERO), zero("connect_timeout")),
            (builder().with_query_timeout(Duration::ZERO), zero("query_timeout")),
            (builder().with_timeout(Duration::ZERO), zero("timeout")),
        ] {
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        for builder in [builder(), builder().with_queue(0)] {
            assert!(builder.build().is_ok());
        }
    }

    #[cfg(not(any(feature = "sql-sqlite", feature = "sql-postgres", feature = "sql-mysql")))]
    #[test]
    fn a_database_that_is_not_compiled_in_names_its_feature() {
        for (url, message) in [
            ("sqlite:users.db", "SQLite was not compiled in: switch on the feature sql-sqlite"),
            ("postgres:///a", "PostgreSQL was not compiled in: switch on the feature sql-postgres"),
            ("mariadb:///a", "MySQL was not compiled in: switch on the feature sql-mysql"),
        ] {
            assert_eq!(Sql::builder(url).build().unwrap_err().to_string(), message);
        }
    }
}
