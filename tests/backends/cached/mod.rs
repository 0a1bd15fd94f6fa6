//! Tests of `Cached`.

mod bounds;
mod changes;
mod coalescing;
mod failures;
mod lifetimes;
mod options;
mod outage;
mod refresh;
mod secrets;
