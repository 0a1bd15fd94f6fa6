//! The traits through which the engine reaches what it does not own.
//!
//! Each has a method that may wait and one that answers at once (`*_now`). The engine asks the
//! second first, and when it answers, nothing is boxed and no task is parked.

mod nonce_store;
mod secrets;
mod validator;

pub use nonce_store::{NoNonceStore, NonceStore, NonceUse, Presentation, Scope};
pub use secrets::{DigestAccount, DigestName, DigestSecrets, DigestUser, Standing};
pub use validator::{BasicCredentials, CredentialValidator, OwnedCredentials, Verdict};
