//! Passwords checked by a directory (LDAP), on ldap3 with rustls.
//!
//! `directory` asks the servers in turn; `server` has the connections to one, and `connection` is
//! the one place that speaks to ldap3, with a time-out on each operation. A connection belongs to
//! the check that uses it, so a check that is cancelled takes its connection with it, and what lies
//! idle is in a known state. Connections bound as the service account search and never bind again;
//! the others are for binds, and a search on one is only made by the user who has just been bound.

mod address;
mod builder;
mod config_error;
mod connection;
mod directory;
mod dn;
mod failure;
mod limits;
mod lookup;
mod outcome;
mod server;
mod template;
mod tls;
mod validator;

pub use builder::{LdapBuilder, SearchScope};
pub use config_error::LdapConfigError;
pub use validator::Ldap;
