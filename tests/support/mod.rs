//! Helpers that the test binaries share.

// Each binary is a separate crate and uses only a part of this.
#![allow(dead_code, unused_imports, unused_macros)]

#[cfg(feature = "cached")]
pub(crate) mod cached_directory;
pub(crate) mod certificates;
pub(crate) mod curl;
pub(crate) mod digest;
pub(crate) mod engine;
pub(crate) mod false_ldap;
pub(crate) mod gate;
pub(crate) mod layer;
pub(crate) mod log;
pub(crate) mod origin;
pub(crate) mod proxy;
pub(crate) mod rechecks;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod scene;
pub(crate) mod server;
pub(crate) mod slapd;
#[cfg(feature = "sql")]
pub(crate) mod sql;
#[cfg(feature = "sql")]
pub(crate) mod sql_proxy;
pub(crate) mod streams;
pub(crate) mod user_file;
pub(crate) mod validator_battery;
pub(crate) mod wire;
