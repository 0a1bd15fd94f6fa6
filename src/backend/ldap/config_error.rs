//! Mistakes in the set-up of a directory.

use std::{error::Error, path::PathBuf, time::Duration};

use crate::error::ConfigError;

/// A mistake in the options of an [`Ldap`](super::Ldap), found when it is built.
///
/// Each message names the option, its value and the remedy; none shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapConfigError {
    /// A value that cannot be used as it stands.
    #[error("{option}: {value:?} {problem}")]
    Invalid {
        /// The method of the builder that was given the value.
        option: &'static str,
        /// The value; of a URL, no user name and no password.
        value: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// A server that would be sent passwords in the clear.
    #[error(
        "the server {url} would be sent passwords in the clear: use ldaps:// or with_start_tls or, \
         where nobody can listen, insecure_plaintext"
    )]
    Plaintext {
        /// Its URL.
        url: String,
    },
    /// No way to find a user.
    #[error("nothing says how a user is found: use with_dn_template or with_search")]
    NoLookup,
    /// Two ways to find a user.
    #[error("with_dn_template and with_search are two ways to find a user: use one of them")]
    TwoLookups,
    /// A search that would have to be anonymous.
    #[error("with_search needs an account that may search: add with_service_account")]
    NoServiceAccount,
    /// An option that has no effect together with `with_dn_template`.
    #[error("{option} goes with with_search alone: leave it out, or use with_search")]
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
    /// A file of certificates that cannot be read, or holds none.
    #[error("the CA file {} cannot be used: name a PEM file with certificates", path.display())]
    CaFile {
        /// Where it is.
        path: PathBuf,
        /// Why it cannot be used.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No certificate of an authority on this system.
    #[error("this system trusts no certificate authority: name one with with_ca_file")]
    NoAuthority,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// A time-out that would end every check before a server is known to hang.
    #[error(
        "with_timeout is {timeout:?}, which is less than {name} with {part:?}: a server that hangs \
         would never be given up for the next one"
    )]
    TimeoutTooShort {
        /// The time-out of the whole check.
        timeout: Duration,
        /// The method of the builder that sets the other one.
        name: &'static str,
        /// The other one.
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
