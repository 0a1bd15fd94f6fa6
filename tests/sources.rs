//! The example `forward_proxy` with users from files, a directory, a database: curl gets through it
//! with the right password and not with a wrong one.
//!
//! These tests need programs, so they run on demand:
//! `cargo test --all-features --test sources -- --ignored`.

#[path = "support/scene.rs"]
mod scene;
mod support;
#[path = "support/user_file.rs"]
mod user_file;

#[path = "support/certificates.rs"]
mod certificates;
#[path = "sources/directory.rs"]
mod directory;
#[path = "sources/files.rs"]
mod files;
#[path = "support/slapd.rs"]
mod slapd;
