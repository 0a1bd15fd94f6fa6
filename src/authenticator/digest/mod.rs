//! The Digest scheme of the engine.
//!
//! It verifies the response before the store records the nonce-count, so that a client without the
//! password cannot use up a count.

mod builder;
mod names;
mod nonce_keys;
mod nonces;
mod scheme;

pub use builder::{AuthInfo, DigestBuilder};
pub use nonce_keys::NonceKeys;
pub use scheme::DigestScheme;
