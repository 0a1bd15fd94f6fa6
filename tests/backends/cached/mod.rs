//! What is kept of verdicts, for whom and for how long, and what identical requests share.

mod bounds;
mod changes;
mod coalescing;
mod failures;
mod lifetimes;
mod options;
mod outage;
mod refresh;
mod secrets;
