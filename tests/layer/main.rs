//! The layer, round services that show what reaches them.

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod boundary;
mod chains;
mod debug;
mod http2;
mod identity;
mod options;
mod pages;
mod pending;
mod readiness;
#[cfg(feature = "tower-http")]
mod trace;
mod upstream;
mod versions;
