//! Mistakes in the options of a directory.

use std::{error::Error, path::PathBuf};

use crate::error::ConfigError;

/// A mistake in the options of an [`Ldap`](super::Ldap), found when it is built.
///
/// Each message names the option, its value and the remedy, but no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapConfigError {
    /// A value is invalid.
    #[error("{option}: {value:?} {problem}")]
    Invalid {
        /// The method of the builder that took the value.
        option: &'static str,
        /// The value, without user name and password if it is a URL.
        value: String,
        /// The problem and the remedy.
        problem: &'static str,
    },
    /// A server has no TLS.
    #[error(
        "the server {url} would receive passwords in plain text: use ldaps://, with_start_tls or, \
         on a trusted network, insecure_plaintext"
    )]
    Plaintext {
        /// Its URL.
        url: String,
    },
    /// Options contradict each other.
    #[error("{0}")]
    Inconsistent(String),
    /// A file of certificates cannot be read or has none.
    #[error("the CA file {} cannot be used: name a PEM file with certificates", path.display())]
    CaFile {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be used.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The operating system trusts no certificate authority.
    #[error("the operating system trusts no certificate authority: add one with with_ca_file")]
    NoAuthority,
    /// A server with TLS, which was not compiled in.
    #[error("TLS was not compiled in: enable the feature tls-ring or tls-aws-lc-rs")]
    FeatureIsOff,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// A limit is zero, or the operating system provides no random bytes.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl LdapConfigError {
    pub(super) fn inconsistent(problem: impl Into<String>) -> Self {
        Self::Inconsistent(problem.into())
    }

    pub(super) fn invalid(option: &'static str, value: &str, problem: &'static str) -> Self {
        Self::Invalid { option, value: value.to_owned(), problem }
    }
}
