//! The order in which servers are tried, and their failures.

use std::{collections::VecDeque, slice};

use super::{failure::Failure, server::Server};
use crate::error::BackendError;

/// The attempts of one check: servers that failed a moment ago are tried after the others.
pub(super) struct Attempts<'a> {
    untried: slice::Iter<'a, Server>,
    resting: VecDeque<&'a Server>,
    failures: Vec<String>,
    /// Whether trying again may help.
    is_transient: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn on(servers: &'a [Server]) -> Self {
        let (untried, resting) = (servers.iter(), VecDeque::new());
        Self { untried, resting, failures: Vec::new(), is_transient: false }
    }

    /// The next server to try.
    pub(super) fn next_server(&mut self) -> Option<&'a Server> {
        for server in self.untried.by_ref() {
            if server.may_be_tried() {
                return Some(server);
            }
            self.resting.push_back(server);
        }
        self.resting.pop_front()
    }

    /// Records the answer of a server. `None` if the next one must be tried.
    pub(super) fn record<T>(
        &mut self,
        server: &Server,
        answer: Result<T, Failure>,
    ) -> Option<Result<T, BackendError>> {
        let failure = match answer {
            Ok(answer) => {
                server.answered();
                return Some(Ok(answer));
            }
            Err(failure) => failure,
        };
        self.failures.push(server.record(&failure));
        self.is_transient |= failure.is_transient();
        if failure.is_worth_another_server() {
            return None;
        }
        self.is_transient = false;
        Some(Err(self.error()))
    }

    /// The failures of all servers that were tried.
    pub(super) fn error(&self) -> BackendError {
        error(&self.failures, self.is_transient)
    }
}

/// The error of these failures of servers.
pub(super) fn error(failures: &[String], is_transient: bool) -> BackendError {
    let text = failures.join("; ");
    if is_transient { BackendError::transient(text) } else { BackendError::new(text) }
}
