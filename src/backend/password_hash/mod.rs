//! Stored passwords: checks hashes, makes new ones, and limits how many are computed at once.
//!
//! For every validator whose users are stored with a hash, in a file, a table or a service:
//! [`PasswordHash::parse`] reads what is stored, [`PasswordHash::verify`] checks a password, and
//! [`hash_password`] makes what is to be stored.
//!
//! - A hash names its own cost, so whoever writes one could stop the proxy with `$2y$31$`. Costs
//!   above those of the [`HashPolicy`] are refused when the hash is read, before any is computed.
//! - Kinds that are quickly guessed are accepted only where the policy names them. DES crypt,
//!   `$1$` and the broken `$2x$` never are.
//! - A check takes up to a second of one core, so it must not run on the threads that serve
//!   requests: a [`HashingPool`] runs a limited number of checks on blocking threads, with a bounded
//!   queue.
//! - An unknown user must cost what a known one costs: [`Effort`] is what makes it so.
//!
//! # Examples
//! ```
//! use tower_proxy_auth::{backend::{password_hash::{HashMethod, HashPolicy, PasswordHash, hash_password}}};
//!
//! let stored = hash_password("wonder", HashMethod::Bcrypt { cost: 5 })?;
//! let hash = PasswordHash::parse(&stored, &HashPolicy::new())?;
//! assert!(hash.verify("wonder"));
//! assert!(!hash.verify("wonderer"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apr1;
mod argon2;
mod bcrypt;
mod crypt64;
mod effort;
mod error;
mod hash;
mod kind;
mod meter;
mod method;
mod policy;
mod pool;
mod quick;
mod sha_crypt;

pub use effort::Effort;
pub use error::{HashingError, PasswordHashError};
pub use hash::PasswordHash;
pub use kind::HashKind;
#[cfg(test)]
pub(super) use meter::work_of;
pub use method::{HashMethod, hash_password};
pub use policy::HashPolicy;
pub use pool::{HashingPool, HashingPoolBuilder};
