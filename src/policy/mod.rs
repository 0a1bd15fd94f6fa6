//! Limits on what clients may do time and again.

mod stale_limit;

pub(crate) use stale_limit::{Client, QUIET as STALE_QUIET, StaleCredentials, StaleLimit};
