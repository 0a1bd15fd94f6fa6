//! Shared code of the benchmarks: users, requests, and functions that time and count operations.
//!
//! `cargo bench` runs all of them, `cargo bench --bench parse -- hostile/layer` those of one file
//! with such names; `-- --quick` measures briefly, `-- --test` only checks that they work.

// Every benchmark is a separate crate and uses only a part of this.
#![allow(dead_code)]

pub(crate) mod clock;
pub(crate) mod digest_client;
pub(crate) mod engine;
pub(crate) mod hostile;
pub(crate) mod nonces;
pub(crate) mod operation;
pub(crate) mod service;
pub(crate) mod threads;
