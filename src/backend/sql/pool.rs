//! Connections to a database: some open, some waited for, none used again after a failure.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use sqlx::{
    ColumnIndex, ConnectOptions as _, Connection, Database, Encode, Executor, IntoArguments, Type,
    pool::PoolConnection,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time,
};

use super::{
    driver::{Driver, Failed, one_row, prepare},
    failure::{failure, may_be_lost},
    row::SqlRow,
    source::{Answer, Limits, Prepared, Source},
};
use crate::error::BackendError;

/// Connections of our own making, or of a pool that somebody else made.
///
/// A connection of ours goes back to the others only after a query was answered to its end.
/// Whatever else happened to it (a failure, a time-out, a request that was cancelled), it is
/// closed.
pub(super) struct Pool<DB: Driver> {
    origin: Origin<DB>,
    limits: Limits,
    /// One permit for each connection.
    connections: Semaphore,
    /// One permit for each connection, and for each question that waits for one.
    places: Semaphore,
}

enum Origin<DB: Driver> {
    Own { options: Options<DB>, idle: Mutex<Vec<Open<DB>>> },
    Given(sqlx::Pool<DB>),
}

type Options<DB> = <<DB as Database>::Connection as Connection>::Options;

struct Open<DB: Driver> {
    connection: DB::Connection,
    since: Instant,
}

enum Lent<DB: Driver> {
    New(Open<DB>),
    /// One that was used before, and that the server may have closed since.
    Used(Open<DB>),
    Given(PoolConnection<DB>),
}

/// A connection for one query. Dropped without being given back, it is closed.
struct Lease<'a, DB: Driver> {
    /// There until it is given back or dropped.
    lent: Option<Lent<DB>>,
    _permits: [SemaphorePermit<'a>; 2],
}

/// What is done with a connection.
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failed>> + Send + 'c>>;

impl<DB: Driver> Pool<DB> {
    /// Opens connections by itself, when they are needed.
    pub(super) fn new(options: Options<DB>, limits: Limits) -> Self {
        let options = options.disable_statement_logging();
        Self::of(Origin::Own { options, idle: Mutex::default() }, limits)
    }

    /// Takes the connections of a pool.
    pub(super) fn given(pool: sqlx::Pool<DB>, limits: Limits) -> Self {
        Self::of(Origin::Given(pool), limits)
    }

    fn of(origin: Origin<DB>, limits: Limits) -> Self {
        let at_most = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        let connections = at_most(limits.connections);
        let places = at_most(limits.connections.saturating_add(limits.queue));
        Self { origin, limits, connections, places }
    }

    /// Has `work` done with a connection. If that was an open one that the server had closed in the
    /// meantime, the work is done again with a new one.
    async fn with_connection<T>(
        &self,
        parameters: &[String],
        work: impl for<'c> Fn(&'c mut DB::Connection) -> Work<'c, T> + Send + Sync,
    ) -> Result<T, BackendError> {
        let mut may_be_used = true;
        loop {
            let mut lease = self.lease(may_be_used).await?;
            let (connection, was_used) = lease.connection()?;
            let Ok(done) = time::timeout(self.limits.query, work(connection)).await else {
                let limit = self.limits.query;
                let text = format!("no answer from the database within {limit:?}");
                return Err(BackendError::transient(text));
            };
            match done {
                Ok(answer) => {
                    self.give_back(lease);
                    return Ok(answer);
                }
                Err(Failed::Sql(error)) if was_used && may_be_lost(&error) => {
                    // Where one was lost, the others are, too.
                    self.close_idle();
                    may_be_used = false;
                }
                Err(Failed::Sql(error)) => return Err(failure(&error, parameters)),
                Err(Failed::TooManyRows) => {
                    return Err(BackendError::new(
                        "the query answers more than one row for a user",
                    ));
                }
            }
        }
    }

    /// A connection: one that was used before, if that is wanted and there is one.
    async fn lease(&self, may_be_used: bool) -> Result<Lease<'_, DB>, BackendError> {
        let place = self.places.try_acquire();
        let place = place.map_err(|_| BackendError::transient("too many queries wait"))?;
        let connected = time::timeout(self.limits.connect, async {
            // It is never closed.
            let connection = self.connections.acquire().await.map_err(BackendError::new)?;
            let lent = self.connect(may_be_used).await;
            let lent = lent.map_err(|error| failure(&error, &[]))?;
            Ok(Lease { lent: Some(lent), _permits: [connection, place] })
        });
        connected.await.unwrap_or_else(|_| {
            let limit = self.limits.connect;
            Err(BackendError::transient(format!("no connection to the database within {limit:?}")))
        })
    }

    async fn connect(&self, may_be_used: bool) -> Result<Lent<DB>, sqlx::Error> {
        match &self.origin {
            Origin::Given(pool) => pool.acquire().await.map(Lent::Given),
            Origin::Own { options, idle } => {
                if may_be_used && let Some(open) = newest(idle) {
                    return Ok(Lent::Used(open));
                }
                let connection = options.connect().await?;
                Ok(Lent::New(Open { connection, since: Instant::now() }))
            }
        }
    }

    fn give_back(&self, mut lease: Lease<'_, DB>) {
        match (&self.origin, lease.lent.take()) {
            (Origin::Own { idle, .. }, Some(Lent::New(open) | Lent::Used(open))) => {
                lock(idle).push(open);
            }
            // What was given goes back by itself.
            (_, lent) => drop(lent),
        }
    }

    fn close_idle(&self) {
        if let Origin::Own { idle, .. } = &self.origin {
            let lost = std::mem::take(&mut *lock(idle));
            // Without the lock.
            drop(lost);
        }
    }
}

/// The connection that was used last, so that in quiet times the others grow old. Those that have
/// been open for too long are closed.
fn newest<DB: Driver>(idle: &Mutex<Vec<Open<DB>>>) -> Option<Open<DB>> {
    let mut idle = lock(idle);
    let (young, old) = std::mem::take(&mut *idle)
        .into_iter()
        .partition::<Vec<_>, _>(|open| open.since.elapsed() < DB::LIFETIME);
    *idle = young;
    let newest = idle.pop();
    drop(idle);
    drop(old);
    newest
}

/// Nothing that is done under the lock can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<DB: Driver> Lease<'_, DB> {
    /// The connection, and whether it was used before.
    fn connection(&mut self) -> Result<(&mut DB::Connection, bool), BackendError> {
        match &mut self.lent {
            Some(Lent::New(open)) => Ok((&mut open.connection, false)),
            Some(Lent::Used(open)) => Ok((&mut open.connection, true)),
            // The pool has looked after it.
            Some(Lent::Given(connection)) => Ok((&mut *connection, false)),
            None => Err(BackendError::new("the connection was given back already")),
        }
    }
}

impl<DB: Driver> Drop for Lease<'_, DB> {
    fn drop(&mut self) {
        if let Some(Lent::Given(connection)) = self.lent.take() {
            drop(connection.detach());
        }
    }
}

impl<DB> Source for Pool<DB>
where
    DB: Driver,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn row<'a>(&'a self, query: &Arc<str>, parameters: Vec<String>) -> Answer<'a, Option<SqlRow>> {
        let query = Arc::clone(query);
        Box::pin(async move {
            let ask = self.with_connection(&parameters, |connection| {
                Box::pin(one_row::<DB>(connection, Arc::clone(&query), parameters.clone()))
            });
            ask.await
        })
    }

    fn prepared<'a>(&'a self, query: &Arc<str>) -> Answer<'a, Prepared> {
        let query = Arc::clone(query);
        Box::pin(async move {
            let ask = self.with_connection(&[], |connection| {
                Box::pin(prepare::<DB>(connection, Arc::clone(&query)))
            });
            ask.await
        })
    }
}
