//! The engine: its answer to each kind of request, with the reason.

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod basic;
mod challenges;
mod config;
mod digest;
mod info;
mod layering;
mod maintenance;
mod many;
mod names;
mod nonces;
mod offers;
mod oracle;
mod rechecks;
mod replay;
mod request;
mod secrets;
mod store;
mod targets;
mod third_scheme;
mod throttle;
mod user_limits;
mod user_parameters;
mod vectors;
