//! What is kept of verdicts, for whom and for how long, and what identical requests share.
#![cfg(feature = "cached")]

#[path = "support/cached_directory.rs"]
mod directory;
#[path = "support/engine.rs"]
mod engine;

#[path = "cached/bounds.rs"]
mod bounds;
#[path = "cached/changes.rs"]
mod changes;
#[path = "cached/coalescing.rs"]
mod coalescing;
#[path = "cached/failures.rs"]
mod failures;
#[path = "cached/lifetimes.rs"]
mod lifetimes;
#[path = "cached/options.rs"]
mod options;
#[path = "cached/outage.rs"]
mod outage;
#[path = "cached/refresh.rs"]
mod refresh;
#[path = "cached/secrets.rs"]
mod secrets;
