//! The throttle in the memory of one process.

mod buckets;
mod builder;
mod hold;
mod keys;
mod names;
mod proofs;
mod rules;
mod state;
mod throttle;
mod waiters;
mod waiting;

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod support;

pub use builder::MemoryThrottleBuilder;
pub use throttle::MemoryThrottle;
