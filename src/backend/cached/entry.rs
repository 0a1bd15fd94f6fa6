//! A kept answer, and the times at which it may be used.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{
    answer::{Answer, AnswerKind},
    builder::Times,
};
use crate::{clock::Timestamp, revocation::RevocationHandle};

/// The time, and the last known state of the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// The version of the source, combined with the number of invalidations.
    pub(super) version: u64,
    /// How often all answers were invalidated.
    pub(super) cleared: u64,
}

impl Moment {
    /// Whether less than `lifetime` has passed since. `false` also if the clock was set back.
    pub(super) fn is_within(&self, lifetime: Duration, now: Timestamp) -> bool {
        now < self.at.saturating_add(lifetime) && has_begun(self.at, now)
    }
}

/// A kept answer. Lifetimes start with its check.
pub(super) struct Entry<A> {
    pub(super) answer: A,
    /// One for each registry; empty for a refusal.
    handles: Box<[RevocationHandle]>,
    /// The state of the source that the answer is valid for: the version for a refusal, otherwise
    /// the number of times that everything was cleared.
    state: u64,
    start: Timestamp,
    /// The end of the time in which the answer is used without a check.
    fresh_until: Timestamp,
    /// The time from which a request that uses the answer starts a re-check in the background.
    refresh_at: Timestamp,
    /// The end of the time in which the answer is used while checks fail.
    usable_until: Timestamp,
    is_refreshing: AtomicBool,
    /// When a check last failed, in microseconds.
    failed_at: AtomicU64,
}

/// The maximum disorder of clock readings in different threads.
const DISORDER: Duration = Duration::from_secs(1);

/// How long a stale answer is used after a failure before the next check.
const PAUSE: Duration = Duration::from_secs(1);

impl<A: Answer> Entry<A> {
    /// `None` for an answer that may not be kept.
    pub(super) fn new(
        answer: &A,
        start: Moment,
        handles: Box<[RevocationHandle]>,
        times: &Times,
    ) -> Option<Self> {
        let zero = Duration::ZERO;
        let (account, lifetime, refresh_ahead, stale) = match answer.kind() {
            AnswerKind::Active(account) => {
                (Some(account), times.lifetime, times.refresh_ahead, times.stale_if_error)
            }
            AnswerKind::Inactive(account) => (Some(account), times.negative_lifetime(), zero, zero),
            AnswerKind::Refused => (None, times.negative_lifetime(), zero, zero),
            AnswerKind::Unusable => return None,
        };
        let max_age = account.and_then(|account| account.max_age()).unwrap_or(Duration::MAX);
        let fresh = lifetime.min(max_age);
        // Not in the first half: a long `refresh_ahead` would re-check each answer at once.
        let quiet = fresh.saturating_sub(refresh_ahead).max(fresh / 2);
        let after = |time| start.at.saturating_add(time);
        (!fresh.is_zero()).then(|| Self {
            answer: answer.clone(),
            state: if handles.is_empty() { start.version } else { start.cleared },
            handles,
            start: start.at,
            fresh_until: after(fresh),
            refresh_at: after(quiet),
            usable_until: after(fresh.saturating_add(stale).min(max_age)),
            is_refreshing: AtomicBool::new(false),
            failed_at: AtomicU64::new(0),
        })
    }
}

impl<A> Entry<A> {
    pub(super) fn is_refusal(&self) -> bool {
        self.handles.is_empty()
    }

    /// Whether the answer is still valid, apart from its age. `registries` is their present number:
    /// the answer would miss a revocation in a registry that was attached later.
    pub(super) fn is_valid(&self, now: &Moment, registries: usize) -> bool {
        if self.is_refusal() {
            return self.state == now.version;
        }
        self.state == now.cleared
            && self.handles.len() == registries
            && !self.handles.iter().any(RevocationHandle::is_revoked)
    }

    /// Whether the answer may be used without a check: within its lifetime, and shortly after a
    /// failed check.
    pub(super) fn answers(&self, now: Timestamp) -> bool {
        let failed_at = Timestamp::from_micros(self.failed_at.load(Relaxed));
        self.is_before(self.fresh_until, now)
            || (self.may_stand_in(now) && now.saturating_since(failed_at) < PAUSE)
    }

    /// Whether the answer may be used because a check failed.
    pub(super) fn may_stand_in(&self, now: Timestamp) -> bool {
        self.is_before(self.usable_until, now)
    }

    /// Whether the caller must start the re-check in the background. True once for each answer.
    pub(super) fn starts_refresh(&self, now: Timestamp) -> bool {
        now >= self.refresh_at
            && self.is_before(self.fresh_until, now)
            && !self.is_refreshing.swap(true, Relaxed)
    }

    pub(super) fn note_failure(&self, now: Timestamp) {
        self.failed_at.store(now.as_micros(), Relaxed);
    }

    /// Whether `end` is yet to come. `false` also if the clock was set back.
    fn is_before(&self, end: Timestamp, now: Timestamp) -> bool {
        now < end && has_begun(self.start, now)
    }
}

/// Whether `start` is in the past, as far as threads agree on the time.
fn has_begun(start: Timestamp, now: Timestamp) -> bool {
    start <= now.saturating_add(DISORDER)
}
