//! A connection to a server, and the task that drives it.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use ldap3::{
    LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, SearchOptions,
};
use tokio::{task::AbortHandle, time};

use super::{
    address::{Address, Security},
    failure::{Failure, FailureKind},
    outcome,
    references::References,
    tls,
};

/// The parameters of a connection to a server.
pub(super) struct Route {
    pub(super) address: Address,
    pub(super) tls: Option<tls::Config>,
    pub(super) connect_timeout: Duration,
    pub(super) operation_timeout: Duration,
    pub(super) references: Arc<References>,
}

/// A search.
pub(super) struct Query<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// The highest number of entries.
    pub(super) limit: usize,
}

/// An open connection, which is closed when it is dropped.
///
/// If the future of an operation is dropped, the state of the connection is unknown, and the
/// connection must be dropped too. So callers own the connection while they wait.
pub(super) struct Connection {
    ldap: ldap3::Ldap,
    driver: AbortHandle,
    route: Arc<Route>,
    used: Instant,
}

impl Connection {
    /// Connects, up to and including TLS.
    pub(super) async fn open(route: &Arc<Route>) -> Result<Self, Failure> {
        let mut settings = LdapConnSettings::new();
        if let Some(tls) = &route.tls {
            let start = route.address.security() == Security::StartTls;
            settings = tls::apply(settings, tls, start);
        }
        let connecting = LdapConnAsync::from_url_with_settings(settings, route.address.url());
        let connected = within(route.connect_timeout, connecting).await?;
        let (connection, ldap) = connected.map_err(|error| Failure::of_connecting(&error))?;
        let driver = tokio::spawn(connection.drive()).abort_handle();
        Ok(Self { ldap, driver, route: Arc::clone(route), used: Instant::now() })
    }

    /// Whether no failure is known and it was used within `age`.
    pub(super) fn is_usable(&mut self, age: Duration) -> bool {
        !self.ldap.is_closed() && self.used.elapsed() < age
    }

    /// Binds as `dn`, which replaces an earlier bind.
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Result<LdapResult, Failure> {
        // A server treats an empty password as an anonymous bind, which succeeds.
        if password.is_empty() || dn.is_empty() {
            return Err(Failure::new(FailureKind::Final, "a bind without name or password"));
        }
        let binding = self.ldap.with_controls(outcome::controls()).simple_bind(dn, password);
        let answer = within(self.route.operation_timeout, binding).await?;
        self.used = Instant::now();
        answer.map_err(|error| Failure::of_operation(&error))
    }

    /// Searches with the rights of the last bind. Finds at most one entry more than the limit,
    /// which means that there are too many.
    pub(super) async fn search(&mut self, query: &Query<'_>) -> Result<Vec<SearchEntry>, Failure> {
        let limit = self.route.operation_timeout;
        let searching = search(&mut self.ldap, query, limit);
        let answer = within(limit, searching).await?;
        let (found, result) = answer.map_err(|error| Failure::of_operation(&error))?;
        self.used = Instant::now();
        let is_too_many = found.entries.len() > query.limit;
        match result.rc {
            0 | SIZE_LIMIT_EXCEEDED | CANCELLED if is_too_many => Ok(found.entries),
            0 if found.has_references => {
                let Route { references, address, .. } = &*self.route;
                references.check(address, query.base, found.entries.is_empty())?;
                Ok(found.entries)
            }
            0 => Ok(found.entries),
            _ => {
                let operation = format!("search below {:?}", query.base);
                Err(Failure::of_result(&operation, &result))
            }
        }
    }
}

struct Found {
    entries: Vec<SearchEntry>,
    has_references: bool,
}

const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// ldap3's result code for a search that is not read to its end.
const CANCELLED: u32 = 88;

async fn search(
    ldap: &mut ldap3::Ldap,
    query: &Query<'_>,
    limit: Duration,
) -> Result<(Found, LdapResult), LdapError> {
    let most = query.limit.saturating_add(1);
    let options = SearchOptions::new()
        .sizelimit(i32::try_from(most).unwrap_or(i32::MAX))
        .timelimit(i32::try_from(limit.as_secs().max(1)).unwrap_or(i32::MAX));
    let attributes = query.attributes.to_vec();
    let mut answers = ldap
        .with_search_options(options)
        .streaming_search(query.base, query.scope, query.filter, attributes)
        .await?;
    let mut found = Found { entries: Vec::new(), has_references: false };
    while found.entries.len() < most {
        match answers.next().await? {
            Some(answer) if answer.is_ref() => found.has_references = true,
            Some(answer) if answer.is_intermediate() => {}
            Some(answer) => found.entries.push(SearchEntry::construct(answer)),
            None => break,
        }
    }
    Ok((found, answers.finish().await))
}

/// Ends an operation after `limit`, or when ldap3 panics on an invalid answer.
///
/// If panics abort the process, such an answer aborts it.
async fn within<F: Future>(limit: Duration, operation: F) -> Result<F::Output, Failure> {
    let mut operation = pin!(operation);
    let caught = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| operation.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    });
    match time::timeout(limit, caught).await {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(Failure::new(FailureKind::Misconfigured, "an answer that is not LDAP")),
        Err(_) => {
            Err(Failure::new(FailureKind::Unreachable, format!("no answer within {limit:?}")))
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
