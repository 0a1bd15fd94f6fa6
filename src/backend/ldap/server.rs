//! One server: its idle connections and its health.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ldap3::{LdapResult, SearchEntry};

use super::{
    address::Address,
    connection::{Connection, Query, Route},
    failure::{Failure, FailureKind},
};
use crate::secret::Password;

/// How long a failed server is tried after the others.
const REST: Duration = Duration::from_secs(2);

/// How long an unused connection is kept, since servers and firewalls close them too.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The account that makes searches.
#[derive(Clone, Debug)]
pub(super) struct ServiceAccount {
    pub(super) dn: Box<str>,
    pub(super) password: Password,
}

/// One server.
pub(super) struct Server {
    route: Arc<Route>,
    /// Connections that are bound as the service account, and never as another user.
    searchers: Idle,
    /// Connections that are bound as any user or none, for further binds.
    binders: Idle,
    health: Health,
}

impl Server {
    pub(super) fn new(route: Route) -> Self {
        let (searchers, binders) = (Idle::default(), Idle::default());
        let route = Arc::new(route);
        Self { route, searchers, binders, health: Health::default() }
    }

    pub(super) fn address(&self) -> &Address {
        &self.route.address
    }

    /// Whether it may be tried in its turn, which is `false` for a while after a failure.
    pub(super) fn may_be_tried(&self) -> bool {
        self.health.may_be_tried(Instant::now())
    }

    /// Records that it answered.
    pub(super) fn answered(&self) {
        self.health.answered();
    }

    /// Records a failure, and returns its text with the address. If the server itself failed, its
    /// idle connections are closed, since they probably fail as well.
    pub(super) fn record(&self, failure: &Failure) -> String {
        if failure.is_of_server() {
            self.health.failed(Instant::now());
            self.searchers.clear();
            self.binders.clear();
        } else {
            self.answered();
        }
        format!("{}: {failure}", self.address())
    }

    /// Connects, and keeps the connection for a bind.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        let connection = Connection::open(&self.route).await?;
        self.binders.put(connection);
        Ok(())
    }

    /// Searches as the service account.
    pub(super) async fn search(
        &self,
        account: &ServiceAccount,
        query: &Query<'_>,
    ) -> Result<Vec<SearchEntry>, Failure> {
        if let Some(mut connection) = self.searchers.take() {
            match connection.search(query).await {
                // It was closed while it was idle.
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
            let account = format!("the service account {:?}", account.dn);
            let failure = Failure::of_result("bind", &answer).about(&account);
            return Err(failure.into_server_failure());
        }
        let found = connection.search(query).await?;
        self.searchers.put(connection);
        Ok(found)
    }

    /// Binds as `dn`. Fails only if there is no answer.
    pub(super) async fn bind(
        &self,
        dn: &str,
        password: &str,
    ) -> Result<(LdapResult, Bound<'_>), Failure> {
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
        Ok((answer, Bound { server: self, connection }))
    }
}

/// A connection after a bind.
pub(super) struct Bound<'a> {
    server: &'a Server,
    connection: Connection,
}

impl Bound<'_> {
    /// Searches as the user, or anonymously if the bind failed.
    pub(super) async fn search(&mut self, query: &Query<'_>) -> Result<Vec<SearchEntry>, Failure> {
        self.connection.search(query).await
    }

    /// Keeps the connection for another bind. Otherwise it is closed.
    pub(super) fn done(self) {
        self.server.binders.put(self.connection);
    }
}

/// Unused connections, at most as many as concurrent checks.
#[derive(Default)]
struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    /// The connection that was used last, so that superfluous ones time out.
    fn take(&self) -> Option<Connection> {
        let mut connections = self.lock();
        connections.retain_mut(|connection| connection.is_usable(IDLE_TIMEOUT));
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

/// Whether a server has failed recently.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Whether the server may be tried. After a failure and a rest, one check may try it; if that
    /// fails or does not return, another one may after another rest.
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
    fn one_check_tries_a_failed_server_after_each_rest() {
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
