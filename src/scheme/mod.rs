//! What goes over the wire, in both directions: no state, no I/O.

pub mod digest;
