//! Mistakes in the options of a database.

use std::{fmt, io};

use crate::{error::ConfigError, wire::digest::HashFunction};

/// A mistake in the options of a [`Sql`](super::Sql), found when it is built.
///
/// Messages show at most an option of the URL, never user name or password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlConfigError {
    /// A URL with an unknown scheme.
    #[error("the database URL must begin with sqlite:, postgres: or mysql:")]
    UnknownDatabase,
    /// The database of the URL was not compiled in.
    #[error("{database} was not compiled in: enable the feature {feature}")]
    FeatureIsOff {
        /// The database.
        database: &'static str,
        /// Its feature.
        feature: &'static str,
    },
    /// A URL that is malformed.
    #[error("the {database} URL is malformed: {problem}")]
    InvalidUrl {
        /// The database.
        database: &'static str,
        /// The problem.
        problem: String,
    },
    /// An option of a URL that the database does not have.
    #[error("the {database} URL has the unknown option {name}: check its spelling")]
    UnknownOption {
        /// The database.
        database: &'static str,
        /// The name of the option.
        name: String,
    },
    /// A URL that requires TLS, which was not compiled in.
    #[error(
        "the {database} URL requires TLS, which was not compiled in: enable the feature tls-ring \
         or tls-aws-lc-rs"
    )]
    TlsIsOff {
        /// The database.
        database: &'static str,
    },
    /// A URL with `verify-ca`, and the process has no default crypto provider, which sqlx needs
    /// then.
    #[error(
        "the {database} URL does not check the name in the certificate, which needs a default \
         crypto provider: check it, or call rustls' CryptoProvider::install_default before"
    )]
    NoCryptoProvider {
        /// The database.
        database: &'static str,
    },
    /// An SQLite file that does not exist or is not a file. It is not created.
    #[error("the database file {path} does not exist or is not a file: create it first")]
    NotAFile {
        /// Its path.
        path: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// An empty query.
    #[error("the query is empty: leave it out to use the default one")]
    EmptyQuery,
    /// A query by userhash for a function that `with_digest` does not name.
    #[error("the query by the {function} hash of names needs with_digest for {function}")]
    UserhashWithoutDigest {
        /// The hash function.
        function: HashFunction,
    },
    /// A limit of zero.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl SqlConfigError {
    #[allow(dead_code, reason = "each database calls it")]
    pub(super) fn invalid_url(database: &'static str, error: &dyn fmt::Display) -> Self {
        Self::InvalidUrl { database, problem: error.to_string() }
    }
}
