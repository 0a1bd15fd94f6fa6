//! What the programs of `benches/wire` share; `benches/wire/run` starts them.

pub mod auth;
pub mod client;
pub mod connection;
