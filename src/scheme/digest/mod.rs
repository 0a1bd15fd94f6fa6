//! The Digest scheme, RFC 7616.

mod nonce;

pub use nonce::{NonceCount, NonceId};
