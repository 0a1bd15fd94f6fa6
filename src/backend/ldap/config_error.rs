//! Mistakes in the options of a directory.

use std::{error::Error, path::PathBuf, time::Duration};

use crate::error::ConfigError;

/// A mistake in the options of an [`Ldap`](super::Ldap), found when it is built.
///
/// Each message names the option, its value and the remedy, but no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapConfigError {
    /// A value that cannot be used.
    #[error("{option}: {value:?} {problem}")]
    Invalid {
        /// The method of the builder that took the value.
        option: &'static str,
        /// The value, without user name and password if it is a URL.
        value: String,
        /// The problem and the remedy.
        problem: &'static str,
    },
    /// A server without TLS.
    #[error(
        "the server {url} would receive passwords in plain text: use ldaps://, with_start_tls or, \
         on a trusted network, insecure_plaintext"
    )]
    Plaintext {
        /// Its URL.
        url: String,
    },
    /// No way to find users.
    #[error("there is no way to find users: use with_dn_template or with_search")]
    NoLookup,
    /// Two ways to find users.
    #[error("with_dn_template and with_search exclude each other: use one of them")]
    TwoLookups,
    /// A search that would have to be anonymous.
    #[error("with_search needs an account that may search: add with_service_account")]
    NoServiceAccount,
    /// An option that has no effect together with `with_dn_template`.
    #[error("{option} has no effect without with_search: leave it out, or use with_search")]
    OnlyWithSearch {
        /// The method of the builder.
        option: &'static str,
    },
    /// A required group, where groups are not looked up.
    #[error(
        "the group {group:?} is required, but groups are not looked up: add with_group_attribute \
         or with_group_search"
    )]
    GroupsNotLookedUp {
        /// The name of the group.
        group: String,
    },
    /// A file of certificates that cannot be read or has none.
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
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// A time-out of the check that ends before that of a step, so that the next server would never
    /// be tried.
    #[error("with_timeout is {timeout:?}, less than {name} with {part:?}: use more")]
    TimeoutTooShort {
        /// The time-out of the whole check.
        timeout: Duration,
        /// The method of the builder that sets the time-out of the step.
        name: &'static str,
        /// The time-out of the step.
        part: Duration,
    },
    /// A limit of zero, or no random bytes.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl LdapConfigError {
    pub(super) fn invalid(option: &'static str, value: &str, problem: &'static str) -> Self {
        Self::Invalid { option, value: value.to_owned(), problem }
    }
}
