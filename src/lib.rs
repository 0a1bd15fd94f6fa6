//! Proxy authentication for tower.

pub mod authenticator;
pub mod clock;
pub mod error;
pub mod grammar;
pub mod head;
pub mod identity;
pub mod middleware;
mod policy;
pub mod ports;
pub mod reason;
pub mod scheme;
pub mod secret;
pub mod store;
pub mod validator;
