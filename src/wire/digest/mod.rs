//! The Digest scheme, [RFC 7616]: challenges, credentials, and the response.
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616

mod algorithm;
mod challenge;
mod credentials;
mod credentials_error;
mod hash;
mod hash_function;
mod hash_functions;
mod hashed_a1;
mod info;
mod nonce;
mod nonce_key;
mod parameters;
mod protection;
mod response;
#[cfg(test)]
mod sample;
mod uri;
mod userhash;
mod username;

pub use algorithm::Algorithm;
pub(crate) use challenge::Challenge;
pub(crate) use credentials::Credentials;
pub(crate) use credentials_error::CredentialsError;
pub use hash_function::{HashFunction, UnknownHashFunction};
pub use hash_functions::HashFunctions;
pub use hashed_a1::{HashedA1, InvalidHashedA1};
pub use nonce::{Epoch, NonceCount, NonceId};
pub use nonce_key::NonceKey;
pub use uri::UriCheck;
pub use userhash::Userhash;
pub(crate) use username::Username;

/// The name of the scheme.
pub(crate) const NAME: &str = "Digest";
