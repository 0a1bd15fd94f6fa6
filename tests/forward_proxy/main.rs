//! The example `forward_proxy` end to end, as a process between real sockets.
//!
//! Tests that need curl or other programs run on demand:
//! `cargo test --all-features --test forward_proxy -- --ignored`.

#[path = "../support/mod.rs"]
mod support;

#[cfg(all(unix, feature = "access-rules", feature = "ldap", feature = "sql-sqlite"))]
mod browser;
mod curl;
#[cfg(unix)]
mod descriptors;
mod digest_options;
#[cfg(all(feature = "htpasswd", feature = "ldap"))]
mod ended_access;
mod first_programs;
// Other systems have one loopback address only.
#[cfg(target_os = "linux")]
mod guesses;
mod libsoup;
mod limits;
mod log;
mod logins;
mod old_clients;
#[cfg(unix)]
mod operate;
#[cfg(all(unix, feature = "access-rules", feature = "ldap", feature = "sql-sqlite"))]
mod pages;
mod plain;
mod process;
mod programs;
mod refusals;
#[cfg(all(unix, feature = "access-rules"))]
mod rules;
#[cfg(all(unix, feature = "access-rules", feature = "ldap", feature = "sql-sqlite"))]
mod scenes;
#[cfg(all(feature = "cached", feature = "htdigest", feature = "htpasswd", feature = "ldap"))]
mod sources;
mod tunnels;
mod unread_bodies;

use crate::support::proxy::Proxy;

/// A proxy without authentication.
#[track_caller]
fn open_proxy() -> Proxy {
    Proxy::start(&["--insecure-no-auth"])
}

/// A proxy with one user, alice, whose password is wonder.
#[track_caller]
fn proxy_of_alice(options: &[&str]) -> Proxy {
    Proxy::start(&[&["--user", "alice:wonder"], options].concat())
}

/// Credentials of alice.
const BASIC: &str = "Basic YWxpY2U6d29uZGVy";
