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
