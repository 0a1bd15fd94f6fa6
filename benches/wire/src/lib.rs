//! Shared parts of the programs that `benches/wire/run` starts.

pub mod auth;
pub mod client;
pub mod connection;
