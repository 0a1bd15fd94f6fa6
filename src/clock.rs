//! Timestamps, and a clock that tests can replace.
//!
//! Only the engine and caches read a clock. They pass the time on, so that tests of lifetimes need
//! not sleep.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This time plus `duration`, or the last time that can be represented.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The time that has passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

const fn micros(duration: Duration) -> u64 {
    let micros = duration.as_micros();
    if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 }
}

/// Provides the current time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current time. It may stand still or step back; the library stays safe.
    fn now(&self) -> Timestamp;
}

/// The system clock, read once and advanced by a monotonic clock from then on.
///
/// Changes of the system clock do not affect it, so that nonces neither expire early nor come from
/// the future while the process runs. Time during which the machine is suspended may not count.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
    started_at: Timestamp,
}

impl SystemClock {
    /// A clock that starts at the current system time.
    #[must_use]
    pub fn new() -> Self {
        // A system time before 1970 becomes the epoch: only differences matter.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at: Timestamp(micros(since_epoch)) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.started_at.saturating_add(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_never_wraps() {
        let (early, late) = (Timestamp::from_micros(3), Timestamp::from_micros(10));
        assert_eq!(late.saturating_since(early), Duration::from_micros(7));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(late.saturating_add(Duration::MAX).as_micros(), u64::MAX);
    }

    #[test]
    fn the_system_clock_starts_now_and_never_steps_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        // 2020-01-01 in microseconds.
        assert!(first.as_micros() > 1_577_836_800_000_000);
    }
}
