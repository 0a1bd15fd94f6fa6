//! Runs queries on a database of any kind.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use super::row::SqlRow;
use crate::error::BackendError;

/// A boxed future of an answer, which a task can drive to its end.
pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send>>;

/// Runs queries on a database, within [`Limits`].
pub(super) trait QueryRunner: Send + Sync {
    /// The query that is used unless another is given.
    fn default_query(&self) -> &'static str;

    /// A query for stored hashes, for [`default_query`](Self::default_query).
    fn default_cost_query(&self) -> &'static str;

    /// The first rows that `query` finds with `parameters`, at most `limit`.
    fn rows(
        self: Arc<Self>,
        query: Arc<str>,
        parameters: Vec<String>,
        limit: usize,
    ) -> Answer<Vec<SqlRow>>;

    /// Describes `query`, which takes `parameters`.
    fn prepared(self: Arc<Self>, query: Arc<str>, parameters: Vec<String>) -> Answer<Prepared>;
}

/// What the database reports of a query.
pub(super) struct Prepared {
    /// The names of the columns in its rows.
    pub(super) columns: Option<Vec<String>>,
    /// The number of its parameters.
    pub(super) parameters: Option<usize>,
}

/// Limits on the number and the time of queries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The maximum number of open connections, and of concurrent queries.
    pub(super) connections: usize,
    /// The maximum number of queued queries.
    pub(super) queue: usize,
    /// How long opening a connection may take.
    pub(super) connect: Duration,
    /// How long a query may take.
    pub(super) query: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10,
            queue: 1_000,
            connect: Duration::from_secs(3),
            query: Duration::from_secs(3),
        }
    }
}
