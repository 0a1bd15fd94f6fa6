//! Stored passwords: checks hashes, makes new ones, and limits concurrent hashing.
//!
//! These are the parts of a validator whose users are stored with a password hash, in a file, a
//! table or a service: [`PasswordHash::parse`] reads a hash, [`PasswordHash::verify`] checks a
//! password against it, and [`hash_password`] makes a new one.
//!
//! - A hash names its own cost: a record with `$2y$31$` could stall the proxy for days. A hash
//!   whose cost exceeds the [`HashPolicy`] is refused when it is read, before anything is computed.
//! - Weak kinds are accepted only if the policy names them; DES crypt and the broken `$2x$` never
//!   are.
//! - A check takes up to a second of one core, so it must not run on the threads that serve
//!   requests: a [`HashingPool`] runs a limited number of checks on blocking threads, with a
//!   bounded queue.
//! - A check must cost the same for known and unknown users: see [`HashCost`].
//!
//! # Examples
//! ```
//! use tower_proxy_auth::backend::password_hash::{
//!     HashMethod, HashPolicy, PasswordHash, hash_password,
//! };
//!
//! let stored = hash_password("wonder", HashMethod::Bcrypt { cost: 5 })?;
//! let hash = PasswordHash::parse(&stored, &HashPolicy::new())?;
//! assert!(hash.verify("wonder"));
//! assert!(!hash.verify("wonderer"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod argon2;
mod bcrypt;
mod cost;
mod crypt64;
mod error;
mod hash;
mod kind;
mod md5_crypt;
mod method;
mod policy;
mod pool;
mod prefix;
mod sha_crypt;
mod single_round;
mod work;
mod yescrypt;

pub use cost::HashCost;
use error::OutOfMemory;
pub use error::{HashingError, PasswordHashError};
pub use hash::PasswordHash;
pub use kind::HashKind;
pub use method::{HashMethod, hash_password};
pub use policy::HashPolicy;
pub use pool::{HashingPool, HashingPoolBuilder};
#[cfg(all(test, feature = "htpasswd"))]
pub(super) use work::work_of;
