//! Checks passwords, trying one server after the other.

use std::mem;

use super::{
    limits::Limits,
    lookup::{Groups, Lookup, LookupError},
    server::Server,
};
use crate::{
    backend::{BasicCredentials, UnusableRecord, Verdict, queue::Queue, runtime::within},
    error::BackendError,
};

/// The shared state of a validator's clones.
pub(super) struct Directory {
    pub(super) servers: Vec<Server>,
    pub(super) lookup: Lookup,
    pub(super) groups: Groups,
    pub(super) limits: Limits,
    queue: Queue,
}

impl Directory {
    pub(super) fn new(
        servers: Vec<Server>,
        lookup: Lookup,
        groups: Groups,
        limits: Limits,
    ) -> Self {
        let queue = Queue::new(limits.max_checks, limits.queue);
        Self { servers, lookup, groups, limits, queue }
    }

    /// Waits for its turn, and checks the password.
    pub(super) async fn check(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, BackendError> {
        let limit = self.limits.timeout;
        let _permit = self.queue.enter(credentials.is_recheck(), limit).await?;
        within(limit, self.check_now(credentials)).await
    }

    async fn check_now(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let (mut failures, mut resting) = (Failures::default(), Vec::new());
        for server in &self.servers {
            if !server.may_be_tried() {
                resting.push(server);
            } else if let Some(end) = self.check_on(server, credentials, &mut failures).await {
                return end;
            }
        }
        for server in resting {
            if let Some(end) = self.check_on(server, credentials, &mut failures).await {
                return end;
            }
        }
        Err(failures.into())
    }

    /// `None` if the next server must be tried.
    async fn check_on(
        &self,
        server: &Server,
        credentials: BasicCredentials<'_>,
        failures: &mut Failures,
    ) -> Option<Result<Verdict, BackendError>> {
        let failure = match self.lookup.check(server, &self.groups, credentials).await {
            Ok(verdict) => {
                server.answered();
                return Some(Ok(verdict));
            }
            Err(LookupError::Unusable(cause)) => {
                server.answered();
                return Some(Ok(Verdict::Unusable(UnusableRecord::new(cause))));
            }
            Err(LookupError::Failure(failure)) => failure,
        };
        if failure.is_of_server() {
            server.failed();
        } else {
            server.answered();
        }
        failures.texts.push(format!("{}: {failure}", server.address()));
        failures.is_transient |= failure.is_transient();
        if failure.is_worth_another_server() {
            return None;
        }
        failures.is_transient = false;
        Some(Err(mem::take(failures).into()))
    }
}

/// The failures of the servers that were tried.
#[derive(Default)]
struct Failures {
    texts: Vec<String>,
    /// Whether trying again may help.
    is_transient: bool,
}

impl From<Failures> for BackendError {
    fn from(failures: Failures) -> Self {
        let text = failures.texts.join("; ");
        match failures.is_transient {
            true => Self::transient(text),
            false => Self::new(text),
        }
    }
}
