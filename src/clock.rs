//! Time as the library sees it: one number, from a clock that can be replaced.
//!
//! Nothing below the engine has a clock: the engine hands down a moment, which reads the clock for
//! the first who asks. That keeps every rule about lifetimes testable without sleeping.

use std::{
    cell::Cell,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time that lies `micros` microseconds after the Unix epoch.
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

    /// How long `earlier` lies before this time; zero if it does not.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

const fn micros(duration: Duration) -> u64 {
    let micros = duration.as_micros();
    if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 }
}

/// Where the engine gets the time from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present time. It may stand still; the library stays safe when it steps back.
    fn now(&self) -> Timestamp;
}

/// The present time, read from a clock when it is first asked for, and the same from then on.
///
/// Most requests with Basic never ask, and a clock is slow next to the rest of their check.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    clock: &'a dyn Clock,
    read: Cell<Option<Timestamp>>,
}

impl<'a> Moment<'a> {
    pub(crate) const fn of(clock: &'a dyn Clock) -> Self {
        Self { clock, read: Cell::new(None) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.read.get().unwrap_or_else(|| {
            let now = self.clock.now();
            self.read.set(Some(now));
            now
        })
    }
}

/// The clock of the machine, read once when it is made and counted on from there without steps.
///
/// Whoever sets the machine's clock does not move this one, so nonces neither expire early nor come
/// from the future while the process lives. Time that a machine spends suspended may not count.
///
/// On Linux it moves on with the ticks of the kernel, every 1 to 10 milliseconds: a clock that does
/// so is read in a fifth of the time, and no limit in this crate is finer than a second.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Monotonic,
    started_at: Timestamp,
}

impl SystemClock {
    /// A clock that shows the machine's time now.
    #[must_use]
    pub fn new() -> Self {
        // A machine whose clock stands before 1970 gets the epoch: only differences matter.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Monotonic::now(), started_at: Timestamp(micros(since_epoch)) }
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

#[cfg(not(target_os = "linux"))]
type Monotonic = std::time::Instant;

/// A reading of the clock that moves on with the ticks of the kernel.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct Monotonic(Duration);

#[cfg(target_os = "linux")]
impl Monotonic {
    fn now() -> Self {
        use rustix::time::{ClockId, DynamicClockId, clock_gettime, clock_gettime_dynamic};

        // Where it is not to be had, the precise one does as well.
        let coarse = clock_gettime_dynamic(DynamicClockId::Known(ClockId::MonotonicCoarse));
        let now = coarse.unwrap_or_else(|_| clock_gettime(ClockId::Monotonic));
        // It counts up from zero, so a reading that does not fit is none.
        Self(Duration::try_from(now).unwrap_or_default())
    }

    fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_difference_never_wraps() {
        let (early, late) = (Timestamp::from_micros(3), Timestamp::from_micros(10));
        assert_eq!(late.saturating_since(early), Duration::from_micros(7));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(late.saturating_add(Duration::MAX).as_micros(), u64::MAX);
    }

    #[test]
    fn the_system_clock_goes_forward_from_the_present() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        // 2020-01-01 in microseconds.
        assert!(first.as_micros() > 1_577_836_800_000_000);
    }

    #[test]
    fn a_moment_reads_its_clock_once_and_only_when_asked() {
        #[derive(Debug, Default)]
        struct Counting(AtomicU64);

        impl Clock for Counting {
            fn now(&self) -> Timestamp {
                Timestamp::from_micros(1 + self.0.fetch_add(1, Ordering::Relaxed))
            }
        }

        let clock = Counting::default();
        let moment = Moment::of(&clock);
        assert_eq!(clock.0.load(Ordering::Relaxed), 0);
        assert_eq!((moment.now(), moment.now()), (Timestamp(1), Timestamp(1)));
        assert_eq!(clock.0.load(Ordering::Relaxed), 1);
    }
}
