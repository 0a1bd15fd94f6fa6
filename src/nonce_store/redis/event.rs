//! What the store reports to operators.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::error::{BackendError, Causes};

/// A change of a [`RedisNonceStore`](super::RedisNonceStore), for
/// [`on_change`](super::RedisNonceStoreBuilder::on_change). `Display` shows it with its causes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RedisEvent<'a> {
    /// The store is connected, for the first time or again.
    Connected {
        /// Host and port of the server.
        server: &'a str,
    },
    /// The server cannot be used. Reported once for each outage.
    Lost {
        /// Host and port of the server.
        server: &'a str,
        /// Why.
        cause: &'a BackendError,
        /// Whether this node goes on alone, with [`LocalOnly`](super::FailurePolicy::LocalOnly).
        is_degraded: bool,
    },
    /// All nonces that were issued before have become stale, because the server was started or
    /// emptied, may have lost writes, or because a node has a longer nonce lifetime.
    NewEpoch {
        /// Host and port of the server.
        server: &'a str,
    },
}

impl fmt::Display for RedisEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { server } => write!(f, "Redis at {server}: connected"),
            Self::Lost { cause, is_degraded, .. } => {
                let policy = match is_degraded {
                    true => "this node checks nonces alone",
                    false => "Digest is refused",
                };
                write!(f, "the shared nonce store is lost, {policy}: {}", Causes(*cause))
            }
            Self::NewEpoch { server } => {
                write!(f, "Redis at {server}: a new epoch, earlier nonces are stale")
            }
        }
    }
}

/// Called with each event.
pub(super) type Observer = Arc<dyn Fn(RedisEvent<'_>) + Send + Sync>;

/// How often something happened since a [`RedisNonceStore`](super::RedisNonceStore) was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisCounts {
    /// Attempts to connect: the first one, and the probes during outages.
    pub connection_attempts: u64,
    /// Checks that the server did not answer, including those that were not sent to it because it
    /// was known to be lost.
    pub failed_checks: u64,
    /// Failed checks that this node decided alone.
    pub degraded_checks: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connection_attempts: AtomicU64,
    pub(super) failed_checks: AtomicU64,
    pub(super) degraded_checks: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> RedisCounts {
        RedisCounts {
            connection_attempts: self.connection_attempts.load(Relaxed),
            failed_checks: self.failed_checks.load(Relaxed),
            degraded_checks: self.degraded_checks.load(Relaxed),
        }
    }
}
