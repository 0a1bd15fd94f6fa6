//! Queries a database through an sqlx pool.

use std::{
    future::poll_fn,
    sync::{Arc, LazyLock},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Column as _, ColumnIndex, ConnectOptions as _, Connection, Decode, Encode,
    Executor, IntoArguments, Pool, Row as _, SqlSafeStr as _, Statement as _, Type, ValueRef as _,
    database::HasStatementCache,
    pool::{PoolConnection, PoolOptions},
};
use tokio::time::{self, error::Elapsed};

use super::{
    failure::{connect_failure, failure},
    query::{Answer, Limits, Prepared, QueryRunner},
    row::{SqlRow, Value},
};
use crate::error::BackendError;

/// A database that sqlx has a driver for.
pub(super) trait Driver: sqlx::Database + HasStatementCache {
    const DEFAULT_QUERY: &str;
    const DEFAULT_COST_QUERY: &str = "\
SELECT password_hash FROM users WHERE password_hash IS NOT NULL LIMIT 10000";
    /// Whether each query runs in a transaction and without a named statement, since a pooler may
    /// use another connection for the next transaction.
    const IS_POOLED: bool = false;
    /// How long a connection may stay open, so that it follows a server that has moved.
    const MAX_LIFETIME: Duration = Duration::from_secs(600);

    /// Reads a column that is not NULL and has the type `kind`.
    fn value(row: &Self::Row, index: usize, kind: &Self::TypeInfo) -> Value;

    /// A query for a row with the columns of `query` even if that finds no row, for a database
    /// whose queries must not be prepared.
    fn columns_query(_query: &str) -> Option<String> {
        None
    }
}

/// Reads a column that is known to be a `T`.
pub(super) fn read<'r, DB: Driver, T: Decode<'r, DB>>(
    row: &'r DB::Row,
    index: usize,
    value: impl FnOnce(T) -> Value,
) -> Value
where
    usize: ColumnIndex<DB::Row>,
{
    let read = row.try_get_unchecked(index).map(value);
    read.unwrap_or_else(|_| Value::Other("unreadable".to_owned()))
}

/// A database and the connections to it.
///
/// Queries run to their end even if the caller was cancelled, so that connections return to the
/// pool in a known state. A connection on which a query failed is closed. Our own pool tests each
/// connection that returns; one of the caller does what its options say.
pub(super) struct Database<DB: Driver> {
    /// Made at the first query, since sqlx needs a tokio runtime for it.
    pool: LazyLock<Pool<DB>, Box<dyn FnOnce() -> Pool<DB> + Send>>,
    limits: Limits,
}

/// How long an unused connection stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The SQLSTATE for a statement that does not exist.
const NO_STATEMENT: &str = "26000";

/// sqlx reserves memory for as many connections as a pool may have.
const MAX_CONNECTIONS: usize = 65_535;

impl<DB: Driver> Database<DB> {
    /// Connects with `options`, when connections are needed.
    pub(super) fn new(options: <DB::Connection as Connection>::Options, limits: Limits) -> Self {
        let options = options.disable_statement_logging();
        let connections = limits.connections.min(MAX_CONNECTIONS);
        let pool = PoolOptions::new()
            .max_connections(u32::try_from(connections).unwrap_or(u32::MAX))
            .acquire_timeout(limits.connect)
            .idle_timeout(IDLE_TIMEOUT)
            .before_acquire(|_, connection| {
                Box::pin(async move { Ok(connection.age < DB::MAX_LIFETIME) })
            })
            // Before the ping of sqlx itself, which waits without a limit for a dead server.
            .after_release(move |connection: &mut DB::Connection, _| {
                Box::pin(async move {
                    let test = time::timeout(limits.query, connection.ping()).await;
                    test.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
                })
            });
        Self { pool: LazyLock::new(Box::new(|| pool.connect_lazy_with(options))), limits }
    }

    /// Uses the connections of a pool that the caller has made.
    pub(super) fn of_pool(pool: Pool<DB>, limits: Limits) -> Self {
        Self { pool: LazyLock::new(Box::new(|| pool)), limits }
    }

    async fn connection(&self) -> Result<PoolConnection<DB>, BackendError> {
        let limit = self.limits.connect;
        let timed_out = || {
            let text = format!("no connection to the database within {limit:?}");
            BackendError::transient(text)
        };
        match time::timeout(limit, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => Err(timed_out()),
            Ok(Err(error)) => Err(connect_failure(&error)),
        }
    }

    /// Puts the connection back if the query was answered, and closes it otherwise.
    fn finish<T>(
        &self,
        connection: PoolConnection<DB>,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
        parameters: &[String],
    ) -> Result<T, BackendError> {
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failure(&error, parameters),
            Err(_) => {
                let limit = self.limits.query;
                BackendError::transient(format!("no answer from the database within {limit:?}"))
            }
        };
        drop(connection.detach());
        Err(error)
    }
}

impl<DB> QueryRunner for Database<DB>
where
    DB: Driver,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn default_query(&self) -> &'static str {
        DB::DEFAULT_QUERY
    }

    fn default_cost_query(&self) -> &'static str {
        DB::DEFAULT_COST_QUERY
    }

    fn rows(
        self: Arc<Self>,
        query: Arc<str>,
        parameters: Vec<String>,
        limit: usize,
    ) -> Answer<Vec<SqlRow>> {
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let rows = Self::select(&mut connection, query, &parameters, limit);
            let rows = time::timeout(self.limits.query, rows).await;
            self.finish(connection, rows, &parameters)
        })
    }

    fn prepared(self: Arc<Self>, query: Arc<str>, parameters: Vec<String>) -> Answer<Prepared> {
        if let Some(columns_query) = DB::columns_query(&query) {
            return Box::pin(self.described(query, columns_query.into(), parameters));
        }
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let prepared = Self::prepare(&mut connection, query);
            let prepared = time::timeout(self.limits.query, prepared).await;
            self.finish(connection, prepared, &[])
        })
    }
}

impl<DB> Database<DB>
where
    DB: Driver,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    async fn select(
        connection: &mut DB::Connection,
        query: Arc<str>,
        parameters: &[String],
        limit: usize,
    ) -> Result<Vec<SqlRow>, sqlx::Error> {
        if !DB::IS_POOLED {
            return Self::fetch(connection, query, parameters, limit).await;
        }
        let result = Self::in_transaction(connection, Arc::clone(&query), parameters, limit).await;
        match &result {
            // sqlx looks up types that it does not know yet, which ends a statement without a name.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_STATEMENT) => {
                Self::in_transaction(connection, query, parameters, limit).await
            }
            _ => result,
        }
    }

    /// Parses the statement and binds its parameters on one connection of a pooler.
    async fn in_transaction(
        connection: &mut DB::Connection,
        query: Arc<str>,
        parameters: &[String],
        limit: usize,
    ) -> Result<Vec<SqlRow>, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        let found = Self::fetch(&mut transaction, query, parameters, limit).await;
        match found {
            Ok(_) => transaction.commit().await?,
            // The first error tells more than that of a failed rollback.
            Err(_) => drop(transaction.rollback().await),
        }
        found
    }

    async fn fetch(
        connection: &mut DB::Connection,
        query: Arc<str>,
        parameters: &[String],
        limit: usize,
    ) -> Result<Vec<SqlRow>, sqlx::Error> {
        let query = sqlx::query::<DB>(AssertSqlSafe(query)).persistent(!DB::IS_POOLED);
        let query =
            parameters.iter().cloned().fold(query, |query, parameter| query.bind(parameter));
        let mut rows = connection.fetch(query);
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await else {
                break;
            };
            let row = row?;
            let columns = row.columns().iter().enumerate();
            let values =
                columns.map(|(at, column)| (column.name().to_owned(), value::<DB>(&row, at)));
            found.push(SqlRow::new(values.collect()));
        }
        Ok(found)
    }

    async fn prepare(
        connection: &mut DB::Connection,
        query: Arc<str>,
    ) -> Result<Prepared, sqlx::Error> {
        let prepared = connection.prepare(AssertSqlSafe(query).into_sql_str()).await?;
        let columns = prepared.columns().iter().map(|column| column.name().to_owned());
        let parameters =
            prepared.parameters().map(|all| all.either(|types| types.len(), |count| count));
        Ok(Prepared { columns: Some(columns.collect()), parameters })
    }

    /// Describes `query` by the row of `columns_query`.
    async fn described(
        self: Arc<Self>,
        query: Arc<str>,
        columns_query: Arc<str>,
        parameters: Vec<String>,
    ) -> Result<Prepared, BackendError> {
        let is_used = |number: &usize| query.contains(&format!("${number}"));
        let used = (1..=parameters.len()).filter(is_used).count();
        let row = match self.rows(columns_query, parameters, 1).await {
            Ok(rows) => rows.into_iter().next(),
            Err(error) if error.is_transient() => return Err(error),
            // If the query is wrong, running it unchanged gives a better message.
            Err(_) => None,
        };
        let columns = row.map(|row| row.columns().map(str::to_owned).collect());
        Ok(Prepared { parameters: columns.is_some().then_some(used), columns })
    }
}

fn value<DB: Driver>(row: &DB::Row, index: usize) -> Value
where
    usize: ColumnIndex<DB::Row>,
{
    match row.try_get_raw(index) {
        Ok(value) if value.is_null() => Value::Null,
        Ok(value) => DB::value(row, index, &value.type_info()),
        Err(_) => Value::Other("missing".to_owned()),
    }
}
