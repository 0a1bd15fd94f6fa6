//! When something was asked, and what was known then.

use std::time::Duration;

use crate::clock::Timestamp;

/// Noted before anybody is asked, so that a change that comes in between voids the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) at: Timestamp,
    /// What the validator said of the user.
    pub(super) revision: u64,
    /// How many invalidations there had been.
    pub(super) invalidations: u64,
    /// The last one that concerned the name as sent.
    pub(super) last: u64,
}

/// Threads that read the clock one after the other may go on in another order.
const DISORDER: Duration = Duration::from_secs(1);

impl Asked {
    /// Whether what was found then is still so for who asks `now`: nothing is known to have
    /// changed.
    pub(super) fn still_holds(&self, now: &Self) -> bool {
        self.revision == now.revision && self.invalidations >= now.last
    }

    /// Whether less than `lifetime` has passed. Where the clock has been set back no age is known,
    /// so none is young enough.
    pub(super) fn is_within(&self, lifetime: Duration, now: Timestamp) -> bool {
        self.at <= now.saturating_add(DISORDER) && now < self.at.saturating_add(lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked =
        Asked { at: Timestamp::from_micros(5_000_000), revision: 3, invalidations: 7, last: 4 };

    #[test]
    fn holds_until_the_revision_is_another_or_the_user_was_invalidated() {
        assert!(ASKED.still_holds(&ASKED));
        assert!(ASKED.still_holds(&Asked { invalidations: 9, last: 7, ..ASKED }));
        assert!(!ASKED.still_holds(&Asked { invalidations: 9, last: 8, ..ASKED }));
        assert!(!ASKED.still_holds(&Asked { revision: 4, ..ASKED }));
        assert!(!ASKED.still_holds(&Asked { revision: 2, ..ASKED }));
    }

    #[test]
    fn lives_from_the_question_to_the_end_of_its_lifetime_by_a_clock_that_goes_forward() {
        let lifetime = Duration::from_secs(2);
        for (millis, expected) in [
            (3_999, false),
            (4_000, true),
            (5_000, true),
            (6_999, true),
            (7_000, false),
            (9_000, false),
        ] {
            let now = Timestamp::from_micros(millis * 1_000);
            assert_eq!(ASKED.is_within(lifetime, now), expected, "{millis}");
        }
    }
}
