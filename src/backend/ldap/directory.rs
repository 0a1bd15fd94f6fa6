//! Checks passwords and looks up users, trying one server after the other.

use std::sync::Arc;

use super::{
    attempts::{Attempts, error},
    groups::Groups,
    limits::Limits,
    lookup::Lookup,
    server::Server,
};
use crate::{
    backend::{
        AccountLookup, BasicCredentials, Verdict,
        queue::{Check, Queue},
        runtime::{self, within},
    },
    error::BackendError,
    user_id::UserId,
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

    /// Tests every server, without the password of a user.
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
        let turn = Check::new(credentials.is_recheck(), credentials.ticket());
        let permit = self.queue.enter(turn, limit).await?;
        let (directory, credentials) = (Arc::clone(self), credentials.to_owned());
        let check = async move { directory.check_now(credentials.as_borrowed()).await };
        permit.run(within(limit, check)).await
    }

    /// Waits for its turn, ahead of logins, and looks up a user without a password.
    pub(super) async fn account(
        self: &Arc<Self>,
        user: &UserId,
    ) -> Result<AccountLookup, BackendError> {
        let limit = self.limits.timeout;
        let permit = self.queue.enter(Check::Recheck(None), limit).await?;
        let (directory, user) = (Arc::clone(self), user.clone());
        let look_up = async move { directory.account_now(user.as_str()).await };
        permit.run(within(limit, look_up)).await
    }

    async fn account_now(&self, user: &str) -> Result<AccountLookup, BackendError> {
        let mut attempts = Attempts::on(&self.servers);
        while let Some(server) = attempts.next_server() {
            let found = self.lookup.account(server, &self.groups, user).await;
            let found = found.or_else(|error| error.answer(|_| AccountLookup::Unknown));
            if let Some(end) = attempts.record(server, found) {
                return end;
            }
        }
        Err(attempts.error())
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
