//! The sliding window of used nonce-counts of one nonce.
//!
//! A client with several connections sends its counts out of order, so the highest count does not
//! show which ones were used. A window keeps the highest count and one bit for each of the counts
//! just below it.

use crate::{error::ConfigError, wire::digest::NonceCount};

/// The smallest width of a window, in counts.
const MIN_WIDTH: u32 = 64;
/// The largest width of a window, in counts: one for each bit.
const MAX_WIDTH: u32 = u128::BITS;

/// Checks the width of a window.
pub(in crate::nonce_store) fn check_width(width: u32) -> Result<(), ConfigError> {
    ConfigError::check_range("window of the nonce store", &width, &(MIN_WIDTH..=MAX_WIDTH))
}

/// The highest count used, and which of the 128 counts up to it were used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Bit `n` represents the count `highest - n`.
    used: u128,
    highest: NonceCount,
}

impl Window {
    /// Creates a window in which `count` is used, and no other.
    pub(super) const fn new(count: NonceCount) -> Self {
        Self { used: 1, highest: count }
    }

    /// Marks `count` as used and returns whether it was unused before.
    ///
    /// A count that is `width` or more below the highest one is treated as used.
    pub(super) fn insert(&mut self, count: NonceCount, width: u32) -> bool {
        let (count_number, highest) = (count.as_u32(), self.highest.as_u32());
        if count_number > highest {
            // A step of 128 or more shifts every bit out.
            self.used = self.used.checked_shl(count_number - highest).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let below = highest - count_number;
        let bit = 1_u128.checked_shl(below).unwrap_or(0);
        if below >= width || self.used & bit != 0 {
            return false;
        }
        self.used |= bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn nc(count: u32) -> NonceCount {
        NonceCount::new(count).unwrap()
    }

    /// Inserts the counts in turn, into a window that begins with `first`.
    #[track_caller]
    fn check(width: u32, first: u32, inserts: &[(u32, bool)]) {
        let mut window = Window::new(nc(first));
        for &(count, unused) in inserts {
            assert_eq!(window.insert(nc(count), width), unused, "{count} after {first}, {width}");
        }
    }

    #[test]
    fn accepts_each_count_once_in_any_order() {
        check(64, 3, &[(1, true), (2, true), (1, false), (2, false), (3, false)]);
        check(64, 1, &[(5, true), (4, true), (4, false), (3, true), (5, false), (6, true)]);
    }

    #[test]
    fn accepts_any_first_count_once() {
        for first in [1, 2, 64, 65, 1_000_000, u32::MAX] {
            check(64, first, &[(first, false)]);
        }
    }

    #[test]
    fn refuses_the_first_count_below_the_window() {
        for width in [64, 65, 127, 128] {
            let (below, lowest) = (1_000 - width, 1_001 - width);
            check(width, 1_000, &[(below, false), (lowest, true), (lowest, false)]);
        }
    }

    #[test]
    fn keeps_the_window_at_the_last_count() {
        let (max, lowest) = (u32::MAX, u32::MAX - 63);
        check(64, 1, &[(max, true), (max, false), (1, false), (lowest, true), (lowest - 1, false)]);
    }

    #[test]
    fn refuses_counts_that_a_step_shifted_out() {
        for (step, lowest, unused) in [(127, 1, false), (128, 2, true), (129, 3, true)] {
            check(128, 1, &[(1 + step, true), (lowest, unused), (lowest, false)]);
        }
    }

    proptest! {
        #[test]
        fn answers_like_a_set_of_all_counts(
            width in MIN_WIDTH..=MAX_WIDTH,
            base in prop_oneof![Just(1_u32), Just(u32::MAX - 400), 1..u32::MAX - 400],
            offsets in prop::collection::vec(0..400_u32, 1..200),
        ) {
            let mut counts = offsets.into_iter().map(|offset| base + offset);
            let mut highest = counts.next().unwrap();
            let mut window = Window::new(nc(highest));
            let mut used = HashSet::from([highest]);
            for count in counts {
                let expected = highest.saturating_sub(count) < width && used.insert(count);
                highest = highest.max(count);
                prop_assert_eq!(window.insert(nc(count), width), expected);
            }
        }
    }
}
