//! Tests of `Cached`.

mod bounds;
mod changes;
mod coalescing;
mod failures;
mod lifetimes;
mod options;
mod outage;
#[cfg(feature = "password-hash")]
mod overload;
mod refresh;
mod secrets;
