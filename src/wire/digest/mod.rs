//! The Digest scheme, [RFC 7616]: what is printed, what is read, and what is computed from it.
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616

mod algorithm;
mod challenge;
mod credentials;
mod hash;
mod hash_function;
mod hash_functions;
mod hashed_a1;
mod info;
mod nonce;
mod nonce_key;
mod parameters;
mod part;
mod response;
mod uri;
mod username;

pub use algorithm::Algorithm;
pub use challenge::Challenge;
pub(crate) use credentials::Claimed;
pub use credentials::{Credentials, CredentialsError};
pub use hash_function::HashFunction;
pub use hash_functions::HashFunctions;
pub use hashed_a1::{HashedA1, InvalidHashedA1};
pub use nonce::{Epoch, NonceCount, NonceId};
pub use nonce_key::NonceKey;
pub(crate) use nonce_key::NonceText;
pub use response::Userhash;
pub(crate) use response::Verified;
pub use uri::UriCheck;

/// The name of the scheme.
pub const NAME: &str = "Digest";
