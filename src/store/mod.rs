//! Stores that come with the crate.
