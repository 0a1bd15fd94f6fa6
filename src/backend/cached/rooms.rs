//! Where the answers to one kind of question are.

use std::{fmt, num::NonZeroUsize};

use super::{
    asked::Asked,
    builder::Times,
    in_flight::InFlight,
    invalidations::Invalidations,
    key::Key,
    proven::{Kept, Proven},
    question::{Answer, Finding},
    refused::Refused,
};

/// What is known of users, what was refused, and what is under way.
pub(super) struct Rooms<A: Clone> {
    pub(super) proven: Proven<A>,
    pub(super) refused: Refused,
    pub(super) in_flight: InFlight<A>,
}

impl<A: Answer> Rooms<A> {
    pub(super) fn new(
        capacity: NonZeroUsize,
        negative_capacity: NonZeroUsize,
        times: &Times,
    ) -> Self {
        Self {
            proven: Proven::new(capacity),
            refused: Refused::new(negative_capacity, times.negative_lifetime),
            in_flight: InFlight::new(),
        }
    }

    pub(super) fn clear(&self) {
        self.proven.clear();
        self.refused.clear();
    }

    /// Keeps an answer, in place of the one that was kept before.
    pub(super) fn keep(
        &self,
        answer: &A,
        (key, name): (Key, Key),
        asked: Asked,
        invalidations: &Invalidations,
        times: &Times,
    ) {
        let kept = match answer.finding() {
            Finding::Usable(account) | Finding::Unusable(account) => {
                let place = invalidations.place(account.user().as_str());
                Kept::new(answer, asked, place, times)
            }
            Finding::Refused { is_unknown } => {
                self.refused.insert(name, key, is_unknown, asked);
                None
            }
            Finding::Broken => None,
        };
        match kept {
            Some(kept) => self.proven.insert(key, kept),
            None => self.proven.remove(&key),
        }
    }
}

impl<A: Answer> fmt::Debug for Rooms<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("proven", &self.proven.len())
            .field("refused_names", &self.refused.len())
            .field("in_flight", &self.in_flight.len())
            .finish()
    }
}
