//! One server: its connections, and whether it is worth a try.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ldap3::SearchEntry;

use super::{
    address::Address,
    connection::{Connection, Query, Route},
    failure::{Failure, FailureKind},
    outcome::Outcome,
};
use crate::secret::Password;

/// For how long a server that failed is asked last.
const REST: Duration = Duration::from_secs(2);

/// For how long a connection is kept without being used. Servers and firewalls close them, too.
const IDLE: Duration = Duration::from_secs(60);

/// The account that searches are made with.
#[derive(Clone, Debug)]
pub(super) struct ServiceAccount {
    pub(super) dn: Box<str>,
    pub(super) password: Password,
}

/// One server.
pub(super) struct Server {
    route: Route,
    /// Bound as the service account, and never as anybody else.
    searchers: Idle,
    /// Bound as anybody, or nobody: good for a bind and for nothing before it.
    binders: Idle,
    health: Health,
}

impl Server {
    pub(super) fn new(route: Route) -> Self {
        let (searchers, binders) = (Idle::default(), Idle::default());
        Self { route, searchers, binders, health: Health::default() }
    }

    pub(super) const fn address(&self) -> &Address {
        &self.route.address
    }

    /// Whether it is its turn: not while it rests after a failure.
    pub(super) fn may_be_tried(&self) -> bool {
        self.health.may_be_tried(Instant::now())
    }

    /// What it said was an answer.
    pub(super) fn answered(&self) {
        self.health.answered();
    }

    /// It is gone, or another one; and so is what the connections at hand lead to.
    pub(super) fn failed(&self) {
        self.health.failed(Instant::now());
        self.searchers.clear();
        self.binders.clear();
    }

    /// Searches as the service account.
    pub(super) async fn search(
        &self,
        account: &ServiceAccount,
        query: &Query<'_>,
    ) -> Result<Vec<SearchEntry>, Failure> {
        if let Some(mut connection) = self.searchers.take() {
            match connection.search(query).await {
                // It was closed while nobody looked.
                Err(failure) if failure.kind == FailureKind::Lost => {}
                Err(failure) => return Err(failure),
                Ok(found) => {
                    self.searchers.put(connection);
                    return Ok(found);
                }
            }
        }
        let mut connection = Connection::open(&self.route).await?;
        let answer = connection.bind(&account.dn, account.password.expose()).await?;
        if answer.rc != 0 {
            let failure = Failure::of_result("bind", &answer).about("the service account");
            return Err(failure.of_this_server());
        }
        let found = connection.search(query).await?;
        self.searchers.put(connection);
        Ok(found)
    }

    /// Asks whether this is the password of `dn`.
    pub(super) async fn bind(
        &self,
        dn: &str,
        password: &str,
    ) -> Result<(Outcome, Bound<'_>), Failure> {
        let idle = match self.binders.take() {
            Some(mut connection) => match connection.bind(dn, password).await {
                Err(failure) if failure.kind == FailureKind::Lost => None,
                Err(failure) => return Err(failure),
                Ok(answer) => Some((answer, connection)),
            },
            None => None,
        };
        let (answer, connection) = match idle {
            Some(bound) => bound,
            None => {
                let mut connection = Connection::open(&self.route).await?;
                (connection.bind(dn, password).await?, connection)
            }
        };
        let bound = Bound { server: self, connection };
        match Outcome::of(&answer) {
            Ok(outcome) => Ok((outcome, bound)),
            Err(failure) => {
                bound.done();
                Err(failure)
            }
        }
    }
}

/// A connection after a bind.
pub(super) struct Bound<'a> {
    server: &'a Server,
    connection: Connection,
}

impl Bound<'_> {
    /// Searches as the user, if the bind was right, and as nobody otherwise.
    pub(super) async fn search(&mut self, query: &Query<'_>) -> Result<Vec<SearchEntry>, Failure> {
        self.connection.search(query).await
    }

    /// Keeps the connection for the next bind. Without this it ends.
    pub(super) fn done(self) {
        self.server.binders.put(self.connection);
    }
}

/// Connections that wait to be used. There are never more than checks at a time.
#[derive(Default)]
struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    /// The one used last: the others may then grow old and be closed.
    fn take(&self) -> Option<Connection> {
        let mut connections = self.lock();
        connections.retain_mut(|connection| connection.is_usable(IDLE));
        connections.pop()
    }

    fn put(&self, connection: Connection) {
        self.lock().push(connection);
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a server failed lately.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Whether the server is to be tried in its turn. After a failure and a rest, that is true for
    /// one check; if that fails as well, or does not come back, the next one is after another rest.
    fn may_be_tried(&self, now: Instant) -> bool {
        let mut rests_until = self.lock();
        match *rests_until {
            Some(end) if now < end => false,
            Some(_) => {
                *rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    fn failed(&self, now: Instant) {
        *self.lock() = Some(now + REST);
    }

    fn answered(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_failed_is_tried_by_one_check_after_each_rest() {
        let (health, start) = (Health::default(), Instant::now());
        assert!(health.may_be_tried(start));
        assert!(health.may_be_tried(start));
        health.failed(start);
        assert!(!health.may_be_tried(start + REST - Duration::from_millis(1)));
        assert!(health.may_be_tried(start + REST));
        assert!(!health.may_be_tried(start + REST), "one is trying");
        assert!(health.may_be_tried(start + 2 * REST), "it did not come back");
        health.answered();
        assert!(health.may_be_tried(start));
    }
}
