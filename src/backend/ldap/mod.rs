//! Passwords checked by a directory (LDAP), on ldap3 with rustls.
//!
//! [`Ldap`] is the validator, and says what it makes of each answer; [`LdapBuilder`] has its
//! options, and [`LdapConfigError`] says what is wrong with them.
//!
//! # What becomes of connections
//! - A connection belongs to the check that uses it. A check that is cancelled takes its connection
//!   with it, so what lies idle is in a known state.
//! - A connection that is bound as the service account searches and never binds again.
//! - The others are for binds. Only the user who has just been bound searches on one.
//! - Each operation has a time-out, and a connection on which one ran out is closed.

// `directory` asks the servers in turn; `server` has the connections to one, and `connection` is
// the one place that speaks to ldap3.
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
mod searches;
mod server;
mod template;
mod tls;
mod validator;

pub use builder::{LdapBuilder, SearchScope};
pub use config_error::LdapConfigError;
pub use validator::Ldap;
