//! The curl program against the example `forward_proxy`.
//!
//! These tests need programs, so they run on demand:
//! `cargo test --test curl -- --ignored`. Those for SHA-512-256 need python3 with venv and pip,
//! which fetches pycurl: curl before 8.7 computes that digest wrongly.

mod support;

#[path = "curl/bodies.rs"]
mod bodies;
#[path = "curl/connections.rs"]
mod connections;
#[path = "curl/logins.rs"]
mod logins;
#[path = "curl/names.rs"]
mod names;
#[path = "curl/pycurl.rs"]
mod pycurl;
#[path = "curl/refusals.rs"]
mod refusals;

use std::io::Write;

use support::{origin::Origin, proxy::Proxy};
use tempfile::NamedTempFile;

/// A proxy that alice may use, whose password is wonder.
#[track_caller]
fn proxy_of_alice(options: &[&str]) -> Proxy {
    Proxy::start(&[&["--user", "alice:wonder"], options].concat())
}

/// An https origin, and the file for `--cacert` by which it is trusted.
#[track_caller]
fn trusted_origin() -> (Origin, NamedTempFile) {
    let origin = Origin::https();
    let mut file = NamedTempFile::new().expect("a file can be made");
    file.write_all(origin.certificate().pem.as_bytes()).expect("the file can be written");
    (origin, file)
}

#[track_caller]
fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("a path that is text")
}
