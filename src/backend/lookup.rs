//! Results of look-ups that are neither a verdict nor a secret.

use std::{error::Error, fmt, sync::Arc};

use crate::identity::Account;

/// The result of looking up a user without a password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AccountLookup {
    /// The user exists and may log in.
    Known(Account),
    /// The user does not exist, or may not log in any more.
    Unknown,
    /// The back end cannot look up users without a password.
    Unsupported,
}

/// Why the stored record of one user cannot be used: a lock mark, a hash that is malformed or not
/// allowed, a missing H(A1), two entries for one name.
///
/// The client gets the same response as an unknown user, and other users are not affected. The
/// cause goes to the operator's log.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Verdict, backend::UnusableRecord};
///
/// let verdict = Verdict::Unusable(UnusableRecord::new("the stored hash is empty"));
/// # let _ = verdict;
/// ```
#[derive(Clone, Debug)]
pub struct UnusableRecord(Arc<dyn Error + Send + Sync>);

impl UnusableRecord {
    /// A record that cannot be used because of `cause`.
    ///
    /// # Security
    /// The text goes to the operator's log: it must not contain a password or a stored hash.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl fmt::Display for UnusableRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stored record of the user cannot be used")
    }
}

impl Error for UnusableRecord {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}
