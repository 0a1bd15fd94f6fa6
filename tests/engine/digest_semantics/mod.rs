//! What right and wrong digests, used and unused nonces come to.

mod many;
mod nonces;
mod replay;
mod resource;
mod secrets;
mod store;
