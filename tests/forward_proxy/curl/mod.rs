//! Tests the example `forward_proxy` with the curl program.
//!
//! The tests for SHA-512-256 need python3 with venv and pip, which installs pycurl: curl before 8.7
//! computes that digest wrongly.

mod bodies;
mod connections;
mod logins;
mod names;
mod pycurl;
mod refusals;

use std::io::Write;

use tempfile::NamedTempFile;

use crate::support::origin::Origin;

/// An https origin, and a file for `--cacert` that makes curl trust it.
#[track_caller]
pub(super) fn trusted_origin() -> (Origin, NamedTempFile) {
    let origin = Origin::https();
    let mut file = NamedTempFile::new().expect("a file can be made");
    file.write_all(origin.certificate().pem.as_bytes()).expect("the file can be written");
    (origin, file)
}

#[track_caller]
pub(super) fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("a path that is text")
}
