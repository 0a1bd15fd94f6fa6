//! Proxy authentication for tower.

pub mod clock;
pub mod error;
pub mod grammar;
pub mod identity;
pub mod ports;
pub mod scheme;
pub mod store;
