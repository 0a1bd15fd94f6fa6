//! The layer: the requests to the inner service, and the responses to clients.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod bodies;
mod chains;
mod events;
mod forwarded;
mod http2;
mod identity;
mod options;
mod pages;
mod pending;
mod readiness;
mod redaction;
mod refusals;
mod revocation;
#[cfg(feature = "tower-http")]
mod trace;
mod upstream;
mod versions;
