//! What the RFCs ask of a proxy, row by row. Most of it is looked at more closely elsewhere.

#[path = "support/engine.rs"]
mod engine;

/// RFC 7617.
#[path = "rfc/basic.rs"]
mod basic;
/// RFC 7616, RFC 2617 and RFC 2069.
#[path = "rfc/digest.rs"]
mod digest;
/// RFC 9110.
#[path = "rfc/semantics.rs"]
mod semantics;
