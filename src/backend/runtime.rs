//! What back ends need of a tokio runtime.

use tokio::runtime::Handle;

use crate::error::BackendError;

/// Waits for `answer`, and fails with a transient error after `limit`.
///
/// # Errors
/// Also without a tokio runtime.
///
/// # Panics
/// The runtime has no timer.
#[cfg(any(feature = "ldap", feature = "sql", feature = "timeout"))]
pub(super) async fn within<T>(
    limit: std::time::Duration,
    answer: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    current()?;
    let answer = tokio::time::timeout(limit, answer).await;
    answer.unwrap_or_else(|_| Err(BackendError::transient(format!("no answer within {limit:?}"))))
}

/// The runtime that the caller runs on.
///
/// # Errors
/// There is none.
pub(crate) fn current() -> Result<Handle, BackendError> {
    Handle::try_current().map_err(|_| BackendError::new("the back end needs a tokio runtime"))
}

/// The error of a check that ran in a task of its own. Does not show the message of a panic, which
/// may contain a secret.
#[cfg(any(feature = "ldap", feature = "password-hash"))]
pub(super) fn task_error(error: &tokio::task::JoinError) -> BackendError {
    match error.is_panic() {
        true => BackendError::new("the check panicked"),
        false => BackendError::transient("the tokio runtime is shutting down"),
    }
}
