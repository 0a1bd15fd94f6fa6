//! Checks passwords, trying one server after the other.

use std::sync::Arc;

use super::{
    attempts::{Attempts, error},
    groups::Groups,
    limits::Limits,
    lookup::Lookup,
    server::Server,
};
use crate::{
    backend::{BasicCredentials, Verdict, queue::Queue, runtime::{self, within}},
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

    /// Tries every server, without a password of a user.
    pub(super) async fn test(&self) -> Result<(), BackendError> {
        runtime::current()?;
        let (mut failures, mut is_transient) = (Vec::new(), true);
        for server in &self.servers {
            match self.lookup.test(server, &self.groups).await {
                Ok(()) => server.answered(),
                Err(failure) => {
                    is_transient &= failure.is_transient();
                    failures.push(server.record(&failure));
                }
            }
        }
        match failures.is_empty() {
            true => Ok(()),
            false => Err(error(&failures, is_transient)),
        }
    }

    /// Waits for its turn, and checks the password.
    pub(super) async fn check(
        self: &Arc<Self>,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, BackendError> {
        let limit = self.limits.timeout;
        let permit = self.queue.enter(credentials.is_recheck(), limit).await?;
        let (directory, credentials) = (Arc::clone(self), credentials.to_owned());
        let check = async move { directory.check_now(credentials.as_borrowed()).await };
        permit.run(within(limit, check)).await
    }

    async fn check_now(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let mut attempts = Attempts::on(&self.servers);
        while let Some(server) = attempts.next_server() {
            let verdict = self.lookup.check(server, &self.groups, credentials).await;
            let verdict = verdict.or_else(|error| error.answer(Verdict::Unusable));
            if let Some(end) = attempts.record(server, verdict) {
                return end;
            }
        }
        Err(attempts.error())
    }
}
