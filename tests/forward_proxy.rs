//! The example `forward_proxy`, end to end: a process of its own between real sockets.

mod support;

#[path = "forward_proxy/limits.rs"]
mod limits;
#[path = "forward_proxy/plain.rs"]
mod plain;
#[path = "forward_proxy/process.rs"]
mod process;
#[path = "forward_proxy/refusals.rs"]
mod refusals;
#[path = "forward_proxy/tunnels.rs"]
mod tunnels;

use support::proxy::Proxy;

/// A proxy that lets everybody in.
#[track_caller]
fn open_proxy() -> Proxy {
    Proxy::start(&["--insecure-no-auth"])
}
