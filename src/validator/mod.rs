//! Where users come from: validators and secrets that come with the crate.

#[cfg(feature = "cached")]
pub mod cached;
mod closure;
mod first_of;
#[cfg(feature = "htdigest")]
pub mod htdigest;
#[cfg(feature = "htpasswd")]
pub mod htpasswd;
#[cfg(feature = "ldap")]
pub mod ldap;
#[cfg(feature = "password-hash")]
pub mod password_hash;
#[cfg(feature = "sql")]
pub mod sql;
mod tag;
#[cfg(feature = "timeout")]
mod timeout;
mod users;
#[cfg(any(feature = "htdigest", feature = "htpasswd"))]
mod watched_file;

#[cfg(feature = "cached")]
pub use cached::Cached;
pub use closure::{FromAsyncFn, FromFn, from_async_fn, from_fn};
pub use first_of::{FirstOf, FirstSecretsOf};
#[cfg(feature = "htdigest")]
pub use htdigest::Htdigest;
#[cfg(feature = "htpasswd")]
pub use htpasswd::Htpasswd;
#[cfg(feature = "ldap")]
pub use ldap::Ldap;
#[cfg(feature = "timeout")]
pub use timeout::Timeout;
pub use users::{UserError, Users};
