//! Which counts of one nonce have been used: a sliding window.
//!
//! A client with several connections sends its counts out of order, so the highest count alone is
//! not enough; every count ever sent is too much. What is kept is the highest count and one bit
//! for each of the counts just below it.

use crate::wire::digest::NonceCount;

/// The fewest counts that a window may span.
pub(super) const NARROWEST: u32 = 64;
/// The most counts that a window may span: one for each bit that is kept.
pub(super) const WIDEST: u32 = u128::BITS;

/// The highest count seen and a bit for it and for each of the 127 counts below it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    highest: NonceCount,
    /// Bit `n` stands for the count `highest - n`.
    seen: u128,
}

impl Window {
    /// What a window takes in words of 32 bits.
    pub(super) const WORDS: usize = 5;

    /// The window of a nonce whose first count is `count`, whatever that is.
    pub(super) const fn starting_at(count: NonceCount) -> Self {
        Self { highest: count, seen: 1 }
    }

    /// The window as words, without the padding that 128 bits ask for.
    pub(super) const fn to_words(self) -> [u32; Self::WORDS] {
        let seen = self.seen;
        let [a, b, c, d] =
            [seen as u32, (seen >> 32) as u32, (seen >> 64) as u32, (seen >> 96) as u32];
        [self.highest.as_u32(), a, b, c, d]
    }

    /// The window that [`to_words`](Self::to_words) was given.
    pub(super) fn from_words([highest, a, b, c, d]: [u32; Self::WORDS]) -> Self {
        let seen = [d, c, b, a].into_iter().fold(0, |seen, word| seen << 32 | u128::from(word));
        // No count is zero. If it were, refuse everything.
        match NonceCount::new(highest) {
            Some(highest) => Self { highest, seen },
            None => Self { highest: NonceCount::MAX, seen: u128::MAX },
        }
    }

    /// Records `count` and says whether it was new.
    ///
    /// A count `width` or more below the highest one is not remembered, hence not new.
    pub(super) fn admit(&mut self, count: NonceCount, width: u32) -> bool {
        if let Some(ahead) = count.as_u32().checked_sub(self.highest.as_u32()).filter(|&n| n > 0) {
            // A leap past all bits leaves none of them.
            let moved = self.seen.checked_shl(ahead).unwrap_or(0);
            self.highest = count;
            self.seen = moved | 1;
            return true;
        }
        let behind = self.highest.as_u32().saturating_sub(count.as_u32());
        if behind >= width {
            return false;
        }
        let Some(bit) = 1_u128.checked_shl(behind) else { return false };
        let is_new = self.seen & bit == 0;
        self.seen |= bit;
        is_new
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

    #[track_caller]
    fn admits(window: &mut Window, count: u32) {
        assert!(window.admit(nc(count), 64), "{count} is new");
    }

    #[track_caller]
    fn refuses(window: &mut Window, count: u32) {
        assert!(!window.admit(nc(count), 64), "{count} is not new");
    }

    #[test]
    fn admits_counts_out_of_order_once_each() {
        let mut window = Window::starting_at(nc(3));
        admits(&mut window, 1);
        admits(&mut window, 2);
        for count in 1..=3 {
            refuses(&mut window, count);
        }
    }

    #[test]
    fn any_first_count_is_good_and_is_used_up() {
        for first in [1, 2, 64, 65, 1_000_000, u32::MAX] {
            refuses(&mut Window::starting_at(nc(first)), first);
        }
    }

    #[test]
    fn admits_the_missing_count_of_a_gap_once() {
        let mut window = Window::starting_at(nc(1));
        admits(&mut window, 5);
        admits(&mut window, 4);
        refuses(&mut window, 4);
        admits(&mut window, 3);
    }

    #[test]
    fn the_last_count_inside_the_window_passes_and_the_first_below_does_not() {
        for width in [64, 65, 127, 128] {
            let mut window = Window::starting_at(nc(1_000));
            assert!(!window.admit(nc(1_000 - width), width), "width {width}");
            assert!(window.admit(nc(1_001 - width), width), "width {width}");
            assert!(!window.admit(nc(1_001 - width), width), "width {width}");
        }
    }

    #[test]
    fn the_highest_count_ends_a_nonce_but_for_its_window() {
        let mut window = Window::starting_at(nc(1));
        admits(&mut window, u32::MAX);
        refuses(&mut window, u32::MAX);
        refuses(&mut window, 1);
        refuses(&mut window, 2);
        admits(&mut window, u32::MAX - 63);
        refuses(&mut window, u32::MAX - 64);
    }

    #[test]
    fn a_leap_of_exactly_the_kept_bits_leaves_none_of_them_set() {
        for leap in [127, 128, 129] {
            let mut window = Window::starting_at(nc(1));
            assert!(window.admit(nc(1 + leap), 128));
            let lowest = 1 + leap - 127;
            assert_eq!(window.admit(nc(lowest), 128), lowest != 1, "leap {leap}");
        }
    }

    proptest! {
        #[test]
        fn answers_like_a_memory_of_all_counts(
            width in NARROWEST..=WIDEST,
            base in prop_oneof![Just(1_u32), Just(u32::MAX - 400), 1..u32::MAX - 400],
            offsets in prop::collection::vec(0..400_u32, 1..200),
        ) {
            let mut counts = offsets.into_iter().map(|offset| base + offset);
            let first = counts.next().unwrap();
            let mut window = Window::starting_at(nc(first));
            let mut seen = HashSet::from([first]);
            let mut highest = first;
            for count in counts {
                let remembered = highest.saturating_sub(count) < width;
                let expected = remembered && seen.insert(count);
                highest = highest.max(count);
                prop_assert_eq!(window.admit(nc(count), width), expected);
                prop_assert_eq!(Window::from_words(window.to_words()).to_words(), window.to_words());
                window = Window::from_words(window.to_words());
            }
        }
    }
}
