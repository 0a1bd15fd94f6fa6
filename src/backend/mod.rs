//! Sources of users: the traits that a back end implements, and the back ends of this crate.
//!
//! [`CredentialValidator`] checks passwords, for Basic, and
//! [`DigestSecrets`] looks up the secrets with which Digest responses are verified. A back end that
//! can only check passwords cannot serve Digest.

mod by_realm;
#[cfg(feature = "cached")]
pub mod cached;
mod chain;
pub(crate) mod credential_validator;
pub(crate) mod digest_secrets;
mod erased;
mod from_fn;
#[cfg(any(feature = "ldap", feature = "password-hash"))]
mod gate;
#[cfg(feature = "htdigest")]
pub mod htdigest;
#[cfg(feature = "htpasswd")]
pub mod htpasswd;
mod impossible;
#[cfg(feature = "ldap")]
pub mod ldap;
mod lookup;
#[cfg(feature = "password-hash")]
pub mod password_hash;
#[cfg(any(feature = "ldap", feature = "password-hash"))]
mod queue;
#[cfg(any(feature = "ldap", feature = "password-hash", feature = "redis", feature = "timeout"))]
pub(crate) mod runtime;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "timeout")]
mod timeout;
pub(crate) mod users;
#[cfg(any(feature = "htdigest", feature = "htpasswd"))]
pub mod watched_file;

pub use by_realm::ByRealm;
pub use chain::{SecretsChain, ValidatorChain};
pub use credential_validator::OwnedCredentials;
pub(crate) use credential_validator::{BasicCredentials, CredentialValidator, Verdict};
pub use digest_secrets::{AccountStatus, DigestName};
pub(crate) use digest_secrets::{DigestAccount, DigestSecrets, DigestUser, SecretLookup};
pub use erased::{AnySecrets, AnyValidator};
pub use from_fn::{FromAsyncFn, FromFn, from_async_fn, from_fn};
pub use lookup::{AccountLookup, UnusableRecord};
#[cfg(feature = "timeout")]
pub use timeout::Timeout;
pub use users::UserError;
