//! What is reported about requests.

mod claimed_user;
mod escaped;

pub(crate) use claimed_user::ClaimedUserMaker;
pub use claimed_user::{ClaimedUser, ClaimedUsers};
pub use escaped::Escaped;
