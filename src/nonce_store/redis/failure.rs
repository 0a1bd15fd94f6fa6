//! Why a server could not answer.

use std::{fmt, time::Duration};

use ::redis::{ErrorKind, RedisError};

use super::address::Address;
use crate::error::BackendError;

/// A failure of a call or a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error(transparent)]
    Connect(std::io::Error),
    /// Without the text of the server, which may repeat the password if it is not Redis.
    #[error("the server refuses the login ({0})")]
    Login(String),
    #[error("{0}")]
    Call(#[source] RedisError),
    #[error("the server is a {0}, not a master: use the address of the master")]
    Replica(String),
    #[error(
        "the server may evict records, which lets replays pass: set its maxmemory-policy to \
         noeviction, it is {0}"
    )]
    Evicts(String),
    #[error("the script returned an answer that does not exist")]
    Answer,
    #[error("the connection was closed")]
    Closed,
    #[error(transparent)]
    Random(BackendError),
}

impl Failure {
    pub(super) fn login(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io => Self::Closed,
            kind => Self::Login(error.code().map_or_else(|| format!("{kind:?}"), Into::into)),
        }
    }
}

/// A failure with the server that it is about.
#[derive(Debug)]
struct AtServer {
    server: String,
    failure: Failure,
}

impl fmt::Display for AtServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis at {}: {}", self.server, self.failure)
    }
}

impl std::error::Error for AtServer {}

/// The error that the store returns.
pub(super) fn error(address: &Address, failure: Failure) -> BackendError {
    let is_transient = !matches!(failure, Failure::Evicts(_) | Failure::Login(_));
    let error = AtServer { server: address.to_string(), failure };
    if is_transient { BackendError::transient(error) } else { BackendError::new(error) }
}
