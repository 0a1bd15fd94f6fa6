//! Helpers of the end-to-end tests: the example proxy as a process, origins for it, a client that
//! writes bytes as they are, one that answers Digest challenges, and the curl program.

// Every test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub(crate) mod curl;
pub(crate) mod digest;
pub(crate) mod origin;
pub(crate) mod proxy;
pub(crate) mod wire;
