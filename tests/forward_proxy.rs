//! The example `forward_proxy`, end to end: a process of its own between real sockets.

mod support;

#[path = "forward_proxy/digest_options.rs"]
mod digest_options;
#[path = "forward_proxy/limits.rs"]
mod limits;
#[path = "forward_proxy/logins.rs"]
mod logins;
#[path = "forward_proxy/plain.rs"]
mod plain;
#[path = "forward_proxy/process.rs"]
mod process;
#[path = "forward_proxy/refusals.rs"]
mod refusals;
#[path = "forward_proxy/tunnels.rs"]
mod tunnels;
#[path = "forward_proxy/unread_bodies.rs"]
mod unread_bodies;

use support::proxy::Proxy;

/// A proxy that lets everybody in.
#[track_caller]
fn open_proxy() -> Proxy {
    Proxy::start(&["--insecure-no-auth"])
}

/// A proxy that alice may use, whose password is wonder.
#[track_caller]
fn proxy_of_alice(options: &[&str]) -> Proxy {
    Proxy::start(&[&["--user", "alice:wonder"], options].concat())
}

/// What alice sends with Basic.
const BASIC: &str = "Proxy-Authorization: Basic YWxpY2U6d29uZGVy";
