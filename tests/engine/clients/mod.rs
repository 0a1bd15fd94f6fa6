//! What real clients send and need.

mod challenges;
mod credentials;
mod names;
mod targets;
