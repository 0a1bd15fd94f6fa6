//! What the benchmarks share: users, requests, and ways to time and count operations.
//!
//! `cargo bench` runs all of them, `cargo bench --bench parse -- hostile/layer` those of one file
//! with such names; `-- --quick` measures briefly, `-- --test` only tries whether they work.

// Every benchmark is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub(crate) mod clock;
pub(crate) mod digest_client;
pub(crate) mod engine;
pub(crate) mod hostile;
pub(crate) mod nonces;
pub(crate) mod operation;
pub(crate) mod service;
pub(crate) mod threads;
