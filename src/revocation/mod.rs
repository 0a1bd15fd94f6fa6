//! Ends the access of users: a registry with one handle for each user who is logged in.

mod handle;
mod registry;
mod revocations;

pub use handle::{RevocationHandle, Revoked};
pub(crate) use revocations::Attached;
pub use revocations::{CheckStart, Revocations};
