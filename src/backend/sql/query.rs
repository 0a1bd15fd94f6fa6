//! Runs queries on a database of any kind.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use super::row::SqlRow;
use crate::error::BackendError;

/// A boxed answer that does not borrow, so that a task can drive it to its end.
pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send>>;

/// Runs queries on a database, and ends every wait as [`Limits`] say.
pub(super) trait QueryRunner: Send + Sync {
    /// The rows that `query` finds with `parameters`.
    fn rows(self: Arc<Self>, query: Arc<str>, parameters: Vec<String>) -> Answer<Rows>;

    /// How the database understands `query`, without running it.
    fn prepared(self: Arc<Self>, query: Arc<str>) -> Answer<Prepared>;
}

/// The rows that a query finds for a user.
#[allow(dead_code, reason = "without a database there are no rows")]
pub(super) enum Rows {
    None,
    One(SqlRow),
    /// Two or more, of which none can be preferred.
    Many,
}

/// A query as a database understands it.
pub(super) struct Prepared {
    /// The names of the columns in its rows.
    pub(super) columns: Vec<String>,
    /// The number of its parameters, if the database tells it.
    pub(super) parameters: Option<usize>,
}

/// How many queries run at once, and how long each may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Open connections, and queries at once.
    pub(super) connections: usize,
    /// Queries that wait for others to end.
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
