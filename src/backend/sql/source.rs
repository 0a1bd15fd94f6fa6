//! What every database is asked, whatever it is.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use super::row::SqlRow;
use crate::error::BackendError;

pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// A database that answers questions. Ends every wait by itself, as [`Limits`] say.
pub(super) trait Source: Send + Sync {
    /// The one row that `query` answers for `parameters`; `None` if it answers none.
    ///
    /// More than one is a failure: a query that finds two users for a name has to be repaired.
    fn row<'a>(&'a self, query: &Arc<str>, parameters: Vec<String>) -> Answer<'a, Option<SqlRow>>;

    /// What the database makes of `query` before it is asked.
    fn prepared<'a>(&'a self, query: &Arc<str>) -> Answer<'a, Prepared>;
}

/// A query as a database understands it.
pub(super) struct Prepared {
    /// The names of the columns that it answers.
    pub(super) columns: Vec<String>,
    /// How many parameters it takes, where the database says so.
    pub(super) parameters: Option<usize>,
}

/// How much is asked of a database at a time, and how long it is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections that are open at a time.
    pub(super) connections: usize,
    /// Questions that wait for a connection at a time.
    pub(super) queue: usize,
    /// How long is waited for a connection, be it a free one or a new one.
    pub(super) connect: Duration,
    /// How long is waited for the answer to a query.
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
