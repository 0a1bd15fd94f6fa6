//! The traits through which the engine reaches what it does not own.

mod nonce_store;

pub use nonce_store::{NoNonceStore, NonceStore, NonceUse, Presentation, Scope};
