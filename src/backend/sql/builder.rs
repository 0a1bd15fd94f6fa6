//! The options of a database.

use std::{collections::BTreeMap, error::Error, fmt, sync::Arc, time::Duration};

use super::{
    error::SqlConfigError,
    max_cost::MaxCost,
    query::{Limits, QueryRunner},
    row::SqlRow,
    url,
    validator::{Parts, Sql},
};
use crate::{
    backend::{
        password_hash::{HashCost, HashPolicy, HashingPool},
        queue::Queue,
    },
    clock::{Clock, SystemClock},
    error::ConfigError,
    identity::Account,
    secret::Password,
    wire::digest::{HashFunction, HashFunctions},
};

/// Options of [`Sql`], from [`Sql::builder`].
///
/// `Debug` does not show the URL.
#[must_use]
pub struct SqlBuilder {
    open: Box<dyn FnOnce(Limits) -> Opened + Send + Sync>,
    query: Option<String>,
    cost_query: Option<String>,
    hashing: Option<HashingPool>,
    min_cost: Option<HashCost>,
    limits: Limits,
    options: Options,
}

/// A database, to which no connection has been made.
pub(super) type Opened = Result<Arc<dyn QueryRunner>, SqlConfigError>;

/// The options that the validator takes as they are.
pub(super) struct Options {
    pub(super) by_userhash: BTreeMap<HashFunction, Arc<str>>,
    pub(super) has_realm: bool,
    pub(super) functions: HashFunctions,
    pub(super) policy: HashPolicy,
    pub(super) record: Option<Record>,
    pub(super) change_columns: Vec<String>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// Adds the record that is made of a row to the account.
pub(super) type Record =
    Arc<dyn Fn(&SqlRow, Account) -> Result<Account, Box<dyn Error + Send + Sync>> + Send + Sync>;

impl SqlBuilder {
    pub(super) fn from_url(url: String) -> Self {
        let url = Password::new(url);
        Self::new(move |limits| url::open(url.expose(), limits))
    }

    /// `open` is called by [`build`](Self::build).
    pub(super) fn new(open: impl FnOnce(Limits) -> Opened + Send + Sync + 'static) -> Self {
        Self {
            open: Box::new(open),
            query: None,
            cost_query: None,
            hashing: None,
            min_cost: None,
            limits: Limits::default(),
            options: Options {
                by_userhash: BTreeMap::new(),
                has_realm: false,
                functions: HashFunctions::NONE,
                policy: HashPolicy::new(),
                record: None,
                change_columns: Vec::new(),
                timeout: Duration::from_secs(5),
                clock: Arc::new(SystemClock::default()),
            },
        }
    }

    /// Sets the query that finds a user by name; by default the `DEFAULT_QUERY` of the database.
    /// Its parameter (`$1` in PostgreSQL, `?` in the others) is the name as the client sent it.
    ///
    /// # Security
    /// It is sent to the database unchanged. The name needs an index, or every request reads the
    /// whole table.
    pub fn with_query(mut self, sql: impl Into<String>) -> Self {
        self.query = Some(sql.into());
        self
    }

    /// Sets whether each query takes the realm as a second parameter; `false` by default.
    pub const fn with_realm_parameter(mut self, has_realm: bool) -> Self {
        self.options.has_realm = has_realm;
        self
    }

    /// Sets the hash functions for which an H(A1) is stored for every user; none by default, so
    /// that Digest cannot be offered.
    ///
    /// A user whose H(A1) is missing or malformed cannot log in.
    pub fn with_digest(mut self, functions: impl IntoIterator<Item = HashFunction>) -> Self {
        self.options.functions =
            functions.into_iter().fold(HashFunctions::NONE, HashFunctions::with);
        self
    }

    /// Sets the query that finds a user by the hash of `user-id:realm`, for clients that send it
    /// instead of the name. Its parameter is the hash in lower-case hex, and its columns are those
    /// of the other query. Without it, such users are unknown.
    ///
    /// Store the hashes in a column with an index, one for each hash function.
    pub fn with_userhash_query(mut self, function: HashFunction, sql: impl Into<String>) -> Self {
        self.options.by_userhash.insert(function, sql.into().into());
        self
    }

    /// Sets the accepted kinds of password hashes, and their maximum costs. A user with another
    /// hash cannot log in.
    pub const fn with_hash_policy(mut self, policy: HashPolicy) -> Self {
        self.options.policy = policy;
        self
    }

    /// Sets the pool on which password hashes are checked; by default its own [`HashingPool::new`].
    pub fn with_hashing_pool(mut self, pool: HashingPool) -> Self {
        self.hashing = Some(pool);
        self
    }

    /// Sets a query without parameters that finds stored hashes, in a column `password_hash`.
    /// [`Sql::check`] or the first login reads the first 10,000 of them to learn the maximum cost
    /// of a check, so that response times do not distinguish known users from unknown ones.
    ///
    /// The default query has a default for this one, which is not used with
    /// [`with_min_cost`](Self::with_min_cost). If you set [`with_query`](Self::with_query), set
    /// this query or `with_min_cost` too.
    pub fn with_cost_query(mut self, sql: impl Into<String>) -> Self {
        self.cost_query = Some(sql.into());
        self
    }

    /// Sets the minimum cost of a check, for known and unknown users. Use the cost of the most
    /// expensive hash in the table, such as [`HashCost::of_method`] of the method that makes the
    /// hashes.
    ///
    /// Each look-up of a hash can raise the cost. Without this option and without a query for
    /// stored hashes ([`with_cost_query`](Self::with_cost_query)), a check before the first look-up
    /// costs as much as a hash of
    /// [`HashMethod::default`](crate::backend::password_hash::HashMethod). If the table has other
    /// hashes, response times then distinguish known users from unknown ones.
    pub const fn with_min_cost(mut self, cost: HashCost) -> Self {
        self.min_cost = Some(cost);
        self
    }

    /// Converts further columns to a record, which the inner service finds in [`Account::data`]. A
    /// user for whom this fails cannot log in.
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
    /// The row contains neither password hash nor H(A1)s.
    pub fn with_record<T, E>(
        mut self,
        record: impl Fn(&SqlRow) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.options.record = Some(Arc::new(move |row, account| {
            record(row).map(|value| account.with_data(value)).map_err(Into::into)
        }));
        self
    }

    /// Adds columns to the [change stamp](Account::change_stamp), such as the role of a user. It
    /// always covers the groups, and the password hash for Basic or the H(A1)s for Digest. A query
    /// without such a column is refused with 503.
    pub fn with_change_columns<C: Into<String>>(
        mut self,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.options.change_columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Sets the maximum number of open connections, and of concurrent queries: 1 or more; 10 by
    /// default.
    pub const fn with_max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// Sets the maximum number of queued queries, and also of queued queries for
    /// [re-checks](crate::BasicCredentials::is_recheck); 1,000 by default, and 0 for none. The next
    /// one fails with 503.
    pub const fn with_queue(mut self, queries: usize) -> Self {
        self.limits.queue = queries;
        self
    }

    /// Limits the time to connect, including further attempts while the server refuses
    /// connections; 3 s by default.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// Limits the time of a query; 3 s by default.
    pub const fn with_query_timeout(mut self, limit: Duration) -> Self {
        self.limits.query = limit;
        self
    }

    /// Limits the time of a look-up, and separately the wait in the queue before it; 5 s each by
    /// default. Hashing has the limits of the
    /// [`HashingPool`](crate::backend::password_hash::HashingPool).
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = limit;
        self
    }

    /// Sets the clock for the expiry of accounts; [`SystemClock`](crate::clock::SystemClock) by
    /// default.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.options.clock = Arc::new(clock);
        self
    }

    /// Makes the validator. It connects at the first request, so that a proxy can start before its
    /// database; use [`Sql::check`] to test the configuration.
    ///
    /// # Errors
    /// A configuration mistake: [`SqlConfigError`].
    pub fn build(self) -> Result<Sql, SqlConfigError> {
        let Self { open, query, cost_query, hashing, min_cost, limits, options } = self;
        let given = query.as_deref().into_iter().chain(cost_query.as_deref());
        let mut queries = given.chain(options.by_userhash.values().map(|query| &**query));
        if queries.any(|query| query.trim().is_empty()) {
            return Err(SqlConfigError::EmptyQuery);
        }
        let not_held = |function: &&HashFunction| !options.functions.contains(**function);
        if let Some(&function) = options.by_userhash.keys().find(not_held) {
            return Err(SqlConfigError::UserhashWithoutDigest { function });
        }
        ConfigError::refuse_zero([
            ("with_max_connections", limits.connections == 0),
            ("with_connect_timeout", limits.connect.is_zero()),
            ("with_query_timeout", limits.query.is_zero()),
            ("with_timeout", options.timeout.is_zero()),
        ])?;
        let database = open(limits)?;
        let has_default = query.is_none() && min_cost.is_none();
        let default_cost_query = has_default.then(|| database.default_cost_query());
        Ok(Sql::new(Parts {
            query: query.as_deref().unwrap_or(database.default_query()).into(),
            database,
            queue: Queue::new(limits.connections, limits.queue),
            hashing: hashing.unwrap_or_default(),
            max_cost: MaxCost::new(min_cost, cost_query.as_deref().or(default_cost_query)),
            options,
        }))
    }
}

impl fmt::Debug for SqlBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlBuilder")
            .field("query", &self.query)
            .field("functions", &self.options.functions)
            .field("limits", &self.limits)
            .field("timeout", &self.options.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sql::query::{Answer, Prepared};

    /// A database that must not be queried.
    struct Nowhere;

    impl QueryRunner for Nowhere {
        fn default_query(&self) -> &'static str {
            "SELECT 1"
        }

        fn default_cost_query(&self) -> &'static str {
            "SELECT 2"
        }

        fn rows(self: Arc<Self>, _: Arc<str>, _: Vec<String>, _: usize) -> Answer<Vec<SqlRow>> {
            unreachable!("build() queries nothing")
        }

        fn prepared(self: Arc<Self>, _: Arc<str>, _: Vec<String>) -> Answer<Prepared> {
            unreachable!("build() queries nothing")
        }
    }

    fn builder() -> SqlBuilder {
        SqlBuilder::new(|_| Ok(Arc::new(Nowhere)))
    }

    #[test]
    fn refuses_options_that_cannot_work() {
        let zero =
            |name| format!("the limit {name} is 0, which refuses everything: use a larger one");
        let unknown = "the database URL must begin with sqlite:, postgres: or mysql:";
        for (builder, message) in [
            (Sql::builder(""), unknown.to_owned()),
            (Sql::builder("users.db"), unknown.to_owned()),
            (Sql::builder("oracle://proxy:wonder@host/users"), unknown.to_owned()),
            (
                builder().with_query(" \n"),
                "the query is empty: leave it out to use the default one".to_owned(),
            ),
            (
                builder().with_cost_query(""),
                "the query is empty: leave it out to use the default one".to_owned(),
            ),
            (
                builder()
                    .with_digest([HashFunction::Sha256])
                    .with_userhash_query(HashFunction::Md5, "SELECT 1"),
                "the query by the MD5 hash of names needs with_digest for MD5".to_owned(),
            ),
            (builder().with_max_connections(0), zero("with_max_connections")),
            (builder().with_connect_timeout(Duration::ZERO), zero("with_connect_timeout")),
            (builder().with_query_timeout(Duration::ZERO), zero("with_query_timeout")),
            (builder().with_timeout(Duration::ZERO), zero("with_timeout")),
        ] {
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        for builder in [builder(), builder().with_queue(0)] {
            assert!(builder.build().is_ok());
        }
    }

    #[cfg(not(any(feature = "sql-sqlite", feature = "sql-postgres", feature = "sql-mysql")))]
    #[test]
    fn names_the_feature_of_a_database() {
        for (url, message) in [
            ("sqlite:users.db", "SQLite was not compiled in: enable the feature sql-sqlite"),
            ("postgres:///a", "PostgreSQL was not compiled in: enable the feature sql-postgres"),
            ("mariadb:///a", "MySQL was not compiled in: enable the feature sql-mysql"),
        ] {
            assert_eq!(Sql::builder(url).build().unwrap_err().to_string(), message);
        }
    }
}
