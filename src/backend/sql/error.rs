//! Mistakes in the set-up of a database.

use std::{fmt, io};

use crate::{error::ConfigError, wire::digest::HashFunction};

/// A database that cannot be used the way it was asked for.
///
/// Shows of the URL at most an option behind the `?`, never user name or password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlConfigError {
    /// A URL of which nobody knows the database.
    #[error("the database URL begins with none of sqlite:, postgres: and mysql:")]
    UnknownDatabase,
    /// A database that was not compiled in.
    #[error("{database} was not compiled in: switch on the feature {feature}")]
    FeatureIsOff {
        /// Which database it is.
        database: &'static str,
        /// The feature that it needs.
        feature: &'static str,
    },
    /// A URL that is malformed.
    #[error("the {database} URL is malformed: {problem}")]
    InvalidUrl {
        /// Which database it is.
        database: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An option behind the `?` of a URL that the database does not have.
    #[error("the {database} URL has the unknown option {name}: look at its spelling")]
    UnknownOption {
        /// Which database it is.
        database: &'static str,
        /// What the option is called. What it is set to is not shown.
        name: String,
    },
    /// An SQLite file that is not there or is no file. None is made.
    #[error("the database file {path} is not there or is no file: none is made")]
    NotAFile {
        /// Where it should be.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A query without text.
    #[error("the query is empty: leave it out for the default one")]
    EmptyQuery,
    /// Users are to be found by the hashes of their names, for a hash function that is not held.
    #[error("a query by the {function} hash of names needs with_digest for {function}")]
    UserhashWithoutDigest {
        /// The hash function.
        function: HashFunction,
    },
    /// A limit that cannot be, or threads that cannot be had.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl SqlConfigError {
    #[allow(dead_code, reason = "each database calls it")]
    pub(super) fn invalid_url(database: &'static str, error: &dyn fmt::Display) -> Self {
        Self::InvalidUrl { database, problem: error.to_string() }
    }
}
