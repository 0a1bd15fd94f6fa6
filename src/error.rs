//! What can go wrong outside a request: a set-up that makes no sense, a back end that fails.

use std::{error::Error, fmt};

/// A back end (a directory, a database, a store) could not answer.
///
/// The client gets a 503, never a pass and never "wrong password". The source is for the log of
/// the operator alone and is not sent to anybody.
#[derive(Debug)]
pub struct BackendError {
    source: Box<dyn Error + Send + Sync>,
}

impl BackendError {
    /// Wraps what the back end said. A plain text will do: `BackendError::new("no connection")`.
    ///
    /// # Security
    /// The text goes to the operator's log: it must not hold a password or a stored hash.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the authentication back end failed")
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The set-up makes no sense. Found when something is built, before any request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A nonce store without room for a single nonce.
    #[error("a nonce store with a capacity of {capacity} would refuse everybody: use 1 or more")]
    NonceStoreCapacity {
        /// The capacity asked for, in nonces.
        capacity: usize,
    },
    /// A window of nonce-counts that is too narrow for parallel requests, or wider than what is
    /// remembered.
    #[error("a nonce window of {window} counts is out of range: use 64 to 128")]
    NonceWindow {
        /// The window asked for, in counts.
        window: u32,
    },
}
