//! Checks passwords against a directory (LDAP), with ldap3. `ldaps://` and StartTLS need the
//! feature `tls-ring` or `tls-aws-lc-rs`; with both, ring is used. No default crypto provider has
//! to be installed.
//!
//! [`Ldap`] is the validator and documents the verdict for each answer of a server. [`LdapBuilder`]
//! has its options.
//!
//! # Connections
//! - A check owns its connection. It runs to its end in a task of its own even if its client hangs
//!   up, so that the connection can be used again. There are at most as many tasks as concurrent
//!   checks.
//! - A connection that is bound as the service account is used for searches only.
//! - Other connections are used for binds, and for searches as the user who has just been bound.
//! - Each operation has a timeout, after which its connection is closed.

// `directory` tries one server after the other, `server` keeps the connections to one, and only
// `connection` calls ldap3.
mod address;
mod attempts;
mod builder;
mod changes;
mod config_error;
mod connection;
mod directory;
mod dn;
mod failure;
mod groups;
mod limits;
mod lookup;
mod lookup_options;
mod name;
mod outcome;
mod references;
mod server;
mod template;
#[cfg_attr(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")), path = "without_tls.rs")]
mod tls;
mod validator;
mod verdict;

pub use builder::{LdapBuilder, SearchScope};
pub use config_error::LdapConfigError;
pub use references::LdapWarning;
pub use validator::Ldap;
