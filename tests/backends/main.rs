//! Back ends that need no server: validators, files, caches and SQLite.

#[path = "../support/mod.rs"]
mod support;

mod by_realm;
#[cfg(feature = "cached")]
mod cached;
#[cfg(all(feature = "cached", feature = "htpasswd"))]
mod hashing_once;
#[cfg(feature = "htdigest")]
mod htdigest;
#[cfg(feature = "htpasswd")]
mod htpasswd;
#[cfg(feature = "password-hash")]
mod password_hash;
#[cfg(feature = "sql-sqlite")]
mod sql_sqlite;
mod validators;
