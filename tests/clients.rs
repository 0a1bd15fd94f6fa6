//! What real clients send and need.

#[path = "support/engine.rs"]
mod engine;

#[path = "clients/challenges.rs"]
mod challenges;
#[path = "clients/credentials.rs"]
mod credentials;
#[path = "clients/names.rs"]
mod names;
#[path = "clients/targets.rs"]
mod targets;
