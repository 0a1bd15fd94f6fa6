//! Counts of strikes and of running checks, in a table of fixed size.

use std::time::Duration;

use crate::clock::Timestamp;

/// The unit of time in which strikes are counted and forgotten.
const SLOT: Duration = Duration::from_secs(10);

/// The number of slots that are counted: the present one, which is incomplete, and those of the
/// minute before it.
const SLOTS: usize = 7;

/// The counts of one key, or of several keys that share a bucket by chance. Then each key counts
/// the strikes and the checks of all of them, so a limit is reached earlier and never later.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// The number of the present slot, counted from the Unix epoch.
    slot: u32,
    /// The strikes in the present slot, in the one before, and so on.
    strikes: [u32; SLOTS],
    /// Checks that may still become strikes.
    pending: u32,
    /// Checks that run, which include the pending ones.
    running: u32,
}

/// The limits of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BucketLimits {
    /// Strikes within a minute; `None` if they do not count.
    pub(super) failures: Option<u32>,
    /// Checks at once.
    pub(super) checks: u32,
}

/// What a bucket says about one more check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It may run.
    Free,
    /// It exceeds the limit on running checks.
    Busy,
    /// There were too many strikes. One is forgotten after this time, in whole seconds.
    Struck(Duration),
}

/// All buckets.
#[derive(Debug)]
pub(super) struct Buckets(Box<[Bucket]>);

impl Buckets {
    pub(super) fn new(capacity: usize) -> Self {
        Self(vec![Bucket::default(); capacity].into())
    }

    /// The index of the bucket of a key.
    pub(super) fn index(&self, key: u64) -> usize {
        (key % self.0.len().max(1) as u64) as usize
    }

    pub(super) fn room(&mut self, index: usize, limits: BucketLimits, now: Timestamp) -> Room {
        let Some(bucket) = self.at(index, now) else { return Room::Busy };
        if let Some(max) = limits.failures {
            let strikes = bucket.strikes();
            if strikes >= max {
                return Room::Struck(bucket.wait(max, now));
            }
            if strikes.saturating_add(bucket.pending) >= max {
                return Room::Busy;
            }
        }
        if bucket.running >= limits.checks { Room::Busy } else { Room::Free }
    }

    /// The number of checks that run.
    pub(super) fn running(&self, index: usize) -> u32 {
        self.0.get(index).map_or(0, |bucket| bucket.running)
    }

    /// Adds a check that runs; `pending` if it may become a strike.
    pub(super) fn start(&mut self, index: usize, pending: bool) {
        if let Some(bucket) = self.0.get_mut(index) {
            bucket.running = bucket.running.saturating_add(1);
            bucket.pending = bucket.pending.saturating_add(pending.into());
        }
    }

    /// Removes a check that has ended; `pending` if it is one that was started so and not settled.
    pub(super) fn finish(&mut self, index: usize, pending: bool) {
        if let Some(bucket) = self.0.get_mut(index) {
            bucket.running = bucket.running.saturating_sub(1);
            bucket.pending = bucket.pending.saturating_sub(pending.into());
        }
    }

    /// Settles a pending check, which continues to run.
    pub(super) fn settle(&mut self, index: usize) {
        if let Some(bucket) = self.0.get_mut(index) {
            bucket.pending = bucket.pending.saturating_sub(1);
        }
    }

    /// Adds a strike.
    pub(super) fn strike(&mut self, index: usize, now: Timestamp) {
        if let Some(Bucket { strikes: [present, ..], .. }) = self.at(index, now) {
            *present = present.saturating_add(1);
        }
    }

    fn at(&mut self, index: usize, now: Timestamp) -> Option<&mut Bucket> {
        let bucket = self.0.get_mut(index)?;
        bucket.advance(slot(now));
        Some(bucket)
    }
}

fn slot(now: Timestamp) -> u32 {
    u32::try_from(now.as_micros() / SLOT.as_micros() as u64).unwrap_or(u32::MAX)
}

impl Bucket {
    /// Forgets the strikes of slots that are over. If the clock has stepped back, all strikes are
    /// kept as those of the minute before now.
    fn advance(&mut self, now: u32) {
        let passed = (now.saturating_sub(self.slot) as usize).min(SLOTS);
        if passed > 0 {
            self.strikes.rotate_right(passed % SLOTS);
            self.strikes.iter_mut().take(passed).for_each(|strikes| *strikes = 0);
        }
        self.slot = now;
    }

    fn strikes(&self) -> u32 {
        self.strikes.iter().fold(0, |sum, &strikes| sum.saturating_add(strikes))
    }

    /// The time until fewer than `max` strikes are left.
    fn wait(&self, max: u32, now: Timestamp) -> Duration {
        let mut left = self.strikes();
        let oldest_first = self.strikes.iter().enumerate().rev();
        let age = oldest_first.map(|(age, &strikes)| {
            left = left.saturating_sub(strikes);
            (age, left)
        });
        let age = age.into_iter().find(|&(_, left)| left < max).map_or(0, |(age, _)| age);
        let slots = u64::from(self.slot) + (SLOTS - age) as u64;
        let end = Timestamp::from_micros(slots.saturating_mul(SLOT.as_micros() as u64));
        let wait = end.saturating_since(now).as_micros().div_ceil(1_000_000);
        Duration::from_secs(u64::try_from(wait).unwrap_or(u64::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BucketLimits = BucketLimits { failures: Some(3), checks: 2 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn struck(seconds: u64) -> Room {
        Room::Struck(Duration::from_secs(seconds))
    }

    #[test]
    fn forgets_strikes_after_a_minute_and_within_70_seconds() {
        let mut buckets = Buckets::new(1);
        for second in [1_000, 1_009, 1_025] {
            assert_eq!(buckets.room(0, LIMITS, at(second)), Room::Free);
            buckets.strike(0, at(second));
        }
        for (second, room) in
            [(1_025, struck(45)), (1_060, struck(10)), (1_069, struck(1)), (1_070, Room::Free)]
        {
            assert_eq!(buckets.room(0, LIMITS, at(second)), room, "{second}");
        }
        buckets.strike(0, at(1_071));
        buckets.strike(0, at(1_072));
        assert_eq!(buckets.room(0, LIMITS, at(1_072)), struck(18));
    }

    #[test]
    fn counts_at_most_the_limit_in_any_minute() {
        for period in [1, 7, 10, 13, 59] {
            let mut buckets = Buckets::new(1);
            let mut admitted: Vec<u64> = Vec::new();
            for second in (0..1_000).step_by(period) {
                if buckets.room(0, LIMITS, at(second)) == Room::Free {
                    buckets.strike(0, at(second));
                    admitted.push(second);
                }
            }
            assert!(admitted.windows(4).all(|four| four[3] - four[0] >= 60), "{admitted:?}");
            assert!(admitted.len() > 1_000 / period.max(26) - 3, "{admitted:?}");
        }
    }

    #[test]
    fn the_wait_is_long_enough_and_not_a_second_longer() {
        let mut buckets = Buckets::new(1);
        for (second, strikes) in [(5, 1), (33, 4), (41, 2), (66, 1)] {
            (0..strikes).for_each(|_| buckets.strike(0, at(second)));
        }
        for max in 1..=8 {
            let limits = BucketLimits { failures: Some(max), ..LIMITS };
            let Room::Struck(wait) = buckets.room(0, limits, at(66)) else { panic!("{max}") };
            let is_free = |second| {
                let mut later = Buckets(buckets.0.clone());
                later.room(0, limits, at(second)) == Room::Free
            };
            assert!(is_free(66 + wait.as_secs()), "{max}: {wait:?}");
            assert!(!is_free(66 + wait.as_secs() - 1), "{max}: {wait:?}");
        }
    }

    #[test]
    fn a_pending_check_holds_a_token_and_a_place() {
        let mut buckets = Buckets::new(1);
        buckets.strike(0, at(0));
        buckets.strike(0, at(0));
        buckets.start(0, true);
        assert_eq!(buckets.room(0, LIMITS, at(0)), Room::Busy);
        buckets.finish(0, true);
        assert_eq!(buckets.room(0, LIMITS, at(0)), Room::Free);
        buckets.start(0, true);
        buckets.settle(0);
        buckets.strike(0, at(0));
        assert_eq!(buckets.room(0, LIMITS, at(0)), struck(70));
        buckets.finish(0, false);
        assert_eq!(buckets.room(0, LIMITS, at(0)), struck(70));

        let only_places = BucketLimits { failures: None, checks: 2 };
        assert_eq!(buckets.room(0, only_places, at(0)), Room::Free);
        buckets.start(0, false);
        buckets.start(0, false);
        assert_eq!(buckets.room(0, only_places, at(0)), Room::Busy);
    }

    #[test]
    fn a_clock_that_steps_back_keeps_strikes_for_a_minute() {
        let mut buckets = Buckets::new(1);
        (0..3).for_each(|_| buckets.strike(0, at(100_000)));
        assert_eq!(buckets.room(0, LIMITS, at(7)), struck(63));
        assert_eq!(buckets.room(0, LIMITS, at(69)), struck(1));
        assert_eq!(buckets.room(0, LIMITS, at(70)), Room::Free);
    }
}
