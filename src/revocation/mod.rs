//! Ends the access of users: a registry with one handle for each user who is logged in.

mod handle;
mod live;
mod registry;
mod revocations;

pub use handle::{RevocationHandle, Revoked};
pub(crate) use live::{LiveLogin, LiveUser};
pub(crate) use revocations::{Access, Attached};
pub use revocations::{CheckStart, Revocations};
