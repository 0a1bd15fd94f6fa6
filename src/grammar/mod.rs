//! The grammar of RFC 9110 that authentication needs.
