//! The messages of both schemes: challenges, credentials, and the values computed from them. No
//! state, and no I/O except for random bytes from the operating system.
//!
//! [`basic`] is [RFC 7617], [`digest`] is [RFC 7616].
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617

pub(crate) mod basic;
pub(crate) mod digest;
mod latin1;
mod realm;

pub use realm::Realm;
