//! Answers about users that there are.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use foldhash::quality::RandomState;
use moka::{policy::EvictionPolicy, sync::Cache};

use super::{
    asked::Asked,
    builder::Times,
    key::Key,
    question::{Answer, Finding},
};
use crate::clock::Timestamp;

/// Answers about users that there are, by the question: verdicts on right passwords, to which
/// strangers add none, and secrets, of which there are no more than names.
pub(super) struct Proven<A>(Cache<Key, Arc<Kept<A>>, RandomState>);

/// An answer, and for how long it is good, from the question on.
pub(super) struct Kept<A> {
    pub(super) answer: A,
    pub(super) asked: Asked,
    /// Where invalidations of the canonical name are noted.
    pub(super) place: u16,
    /// It is used without asking for so long.
    fresh: Duration,
    /// After so long whoever uses it has it asked again.
    quiet: Duration,
    is_refreshing: AtomicBool,
    /// It stands in where the back end fails for so long.
    usable: Duration,
    /// When the back end last failed to confirm it, in microseconds.
    failed_at: AtomicU64,
}

/// So long after a failure what is at hand is used without asking again, so that not every request
/// waits for a back end that hangs.
const PAUSE: Duration = Duration::from_secs(1);

impl<A: Answer> Kept<A> {
    /// `None` if it may not be kept at all.
    pub(super) fn new(answer: &A, asked: Asked, place: u16, times: &Times) -> Option<Self> {
        let (account, lifetime, refresh_ahead, stale_if_error) = match answer.finding() {
            Finding::Usable(account) => {
                (account, times.lifetime, times.refresh_ahead, times.stale_if_error)
            }
            // It is soon asked again whether the account may be used once more.
            Finding::Unusable(account) => {
                (account, times.negative_lifetime, Duration::ZERO, Duration::ZERO)
            }
            Finding::Refused { .. } | Finding::Broken => return None,
        };
        let max_age = account.max_age().unwrap_or(Duration::MAX);
        let fresh = lifetime.min(max_age);
        (!fresh.is_zero()).then(|| Self {
            answer: answer.clone(),
            asked,
            place,
            fresh,
            // Not in the first half, else a long way ahead would have each answer asked again.
            quiet: fresh.saturating_sub(refresh_ahead).max(fresh / 2),
            is_refreshing: AtomicBool::new(false),
            usable: fresh.saturating_add(stale_if_error).min(max_age),
            failed_at: AtomicU64::new(0),
        })
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.asked.is_within(self.fresh, now)
    }

    /// Whether it is time to have it asked again: true for one of those who use it.
    pub(super) fn is_to_be_refreshed(&self, now: Timestamp) -> bool {
        self.is_fresh(now)
            && !self.asked.is_within(self.quiet, now)
            && !self.is_refreshing.swap(true, Relaxed)
    }

    /// Whether the back end failed a moment ago and this may stand in.
    pub(super) fn stands_in(&self, now: Timestamp) -> bool {
        let failed_at = Timestamp::from_micros(self.failed_at.load(Relaxed));
        self.asked.is_within(self.usable, now) && now.saturating_since(failed_at) < PAUSE
    }

    /// Notes that the back end has failed. Says whether this may stand in.
    pub(super) fn fail(&self, now: Timestamp) -> bool {
        self.failed_at.store(now.as_micros(), Relaxed);
        self.asked.is_within(self.usable, now)
    }
}

impl<A: Answer> Proven<A> {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        let cache = Cache::builder()
            .max_capacity(u64::try_from(capacity.get()).unwrap_or(u64::MAX))
            // Who got in last is in use; who counts hits would turn newcomers away.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        Self(cache)
    }

    pub(super) fn find(&self, key: &Key) -> Option<Arc<Kept<A>>> {
        self.0.get(key)
    }

    pub(super) fn insert(&self, key: Key, kept: Kept<A>) {
        self.0.insert(key, Arc::new(kept));
    }

    pub(super) fn remove(&self, key: &Key) {
        self.0.invalidate(key);
    }

    pub(super) fn clear(&self) {
        self.0.invalidate_all();
    }

    /// How many there are, roughly.
    pub(super) fn len(&self) -> u64 {
        self.0.entry_count()
    }
}
