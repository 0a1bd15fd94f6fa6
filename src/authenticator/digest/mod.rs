//! Digest as the engine sees it.
//!
//! The order is what makes it safe: first the digest is verified, and only then is the
//! nonce-count recorded, so that nobody without the password can use up a count.

mod builder;
mod names;
mod nonce_keys;
mod nonces;
mod scheme;

pub use builder::{AuthInfo, DigestBuilder};
pub use nonce_keys::NonceKeys;
pub use scheme::DigestScheme;
