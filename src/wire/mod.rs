//! What goes over the wire, in both directions: no state, no I/O.
//!
//! A server prints challenges and reads credentials; a client does the reverse. Both find here
//! what [RFC 7617] (Basic) and [RFC 7616] (Digest) lay down, and nothing that remembers anything.
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617

pub(crate) mod basic;
pub(crate) mod digest;
mod latin1;
mod realm;

pub use realm::Realm;
