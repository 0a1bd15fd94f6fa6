//! Back ends and stores on servers, which the tests start.
//!
//! Tests that need programs run on demand:
//! `cargo test --all-features --test servers -- --ignored`.

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "ldap")]
mod ldap;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
mod sql;
