//! Mistakes in the options of the store.

use crate::error::ConfigError;

/// A mistake in the options of a [`RedisNonceStore`](super::RedisNonceStore), found when it is
/// built.
///
/// Messages show at most an option of the URL, never user name or password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// A URL that is malformed.
    #[error("the Redis URL {problem}")]
    InvalidUrl {
        /// The problem and the remedy.
        problem: &'static str,
    },
    /// A URL that requires TLS, which is not supported.
    #[error(
        "the Redis URL requires TLS, which is not supported: use redis:// on a private network"
    )]
    Tls,
    /// A prefix of keys that is too long or has a brace.
    #[error("the prefix of keys {prefix:?} {problem}")]
    InvalidPrefix {
        /// The prefix as given.
        prefix: String,
        /// The problem and the remedy.
        problem: &'static str,
    },
    /// A value out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
