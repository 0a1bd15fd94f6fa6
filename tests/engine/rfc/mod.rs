//! What the RFCs ask of a proxy, row by row. Most of it is looked at more closely elsewhere.

/// RFC 7617.
mod basic;
/// RFC 7616, RFC 2617 and RFC 2069.
mod digest;
/// RFC 9110.
mod semantics;
