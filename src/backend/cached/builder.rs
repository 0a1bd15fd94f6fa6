//! The options of a cache.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::{Cached, key::KeyMaker, store::Shared};
use crate::{
    clock::{Clock, SystemClock},
    error::ConfigError,
    revocation::{Attached, Revocations},
};

/// How long answers may be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) lifetime: Duration,
    negative_lifetime: Option<Duration>,
    pub(super) refresh_ahead: Duration,
    pub(super) stale_if_error: Duration,
}

impl Times {
    pub(super) fn negative_lifetime(&self) -> Duration {
        self.negative_lifetime.unwrap_or(NEGATIVE_LIFETIME.min(self.lifetime))
    }

    /// How long an answer stays in memory at most: longer than it is used, since a check of the
    /// same credentials goes ahead of first checks while it is there.
    pub(super) fn in_memory(&self) -> Duration {
        (self.lifetime.saturating_add(self.stale_if_error) * 2).max(MIN_IN_MEMORY)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let (lifetime, zero) = (self.lifetime, Duration::ZERO);
        for (name, value, range) in [
            ("lifetime of the cache", lifetime, MIN_LIFETIME..=MAX_LIFETIME),
            ("negative lifetime of the cache", self.negative_lifetime(), zero..=lifetime),
            ("refresh ahead of the cache", self.refresh_ahead, zero..=lifetime),
            ("stale if error of the cache", self.stale_if_error, zero..=MAX_LIFETIME),
        ] {
            ConfigError::check_range(name, &value, &range)?;
        }
        Ok(())
    }
}

const MIN_IN_MEMORY: Duration = Duration::from_secs(600);
const MIN_LIFETIME: Duration = Duration::from_secs(1);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const NEGATIVE_LIFETIME: Duration = Duration::from_secs(5);
const CAPACITY: usize = 10_000;

/// Options of a [`Cached`], from [`Cached::builder`].
#[must_use]
pub struct CachedBuilder<T> {
    inner: T,
    times: Times,
    capacity: usize,
    negative_capacity: usize,
    clock: Box<dyn Clock>,
}

impl<T> CachedBuilder<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            times: Times {
                lifetime: Duration::from_secs(60),
                negative_lifetime: None,
                refresh_ahead: Duration::ZERO,
                stale_if_error: Duration::ZERO,
            },
            capacity: CAPACITY,
            negative_capacity: CAPACITY,
            clock: Box::new(SystemClock::new()),
        }
    }

    /// Sets how long a right password, or a secret, is kept: 1 s to 24 h, 60 s by default.
    ///
    /// # Security
    /// An old password works for this time after a change that the back end does not report.
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.times.lifetime = lifetime;
        self
    }

    /// Sets how long a refusal is kept: a wrong password, an unknown user, an account that is
    /// disabled or has expired. At most the lifetime; zero keeps none; 5 s by default, or the
    /// lifetime if that is shorter.
    ///
    /// A new user or password may be refused for this time if it was tried before it was set.
    pub const fn with_negative_lifetime(mut self, lifetime: Duration) -> Self {
        self.times.negative_lifetime = Some(lifetime);
        self
    }

    /// Sets how long before the end of the lifetime a right password, or a secret, that is in use
    /// is checked again in the background. Zero, the default, turns this off.
    ///
    /// At most the lifetime, but a re-check never starts in its first half. Each answer is
    /// re-checked once, whether the back end answers or not.
    pub const fn with_refresh_ahead(mut self, ahead: Duration) -> Self {
        self.times.refresh_ahead = ahead;
        self
    }

    /// Sets how long after its lifetime a password that was right, or a secret, is used while the
    /// back end fails; at most 24 h. Zero, the default, turns this off. After a failure, the next
    /// check of this user starts a second later.
    ///
    /// # Security
    /// While the back end fails, a user who was locked out in it keeps access for this time. This
    /// ends with [`Account::max_age`](crate::Account::max_age), and when the user is revoked. An
    /// [overloaded](crate::BackendError::is_overloaded) queue of this process is not such a
    /// failure.
    pub const fn allow_stale_if_error(mut self, time: Duration) -> Self {
        self.times.stale_if_error = time;
        self
    }

    /// Sets the maximum number of right passwords, and of secrets; 10,000 by default. Each takes
    /// 740 to 1,000 bytes with a plain account. The least recently used one is dropped first.
    pub const fn with_capacity(mut self, answers: usize) -> Self {
        self.capacity = answers;
        self
    }

    /// Sets the maximum number of refusals, which are kept separately; 10,000 by default.
    pub const fn with_negative_capacity(mut self, refusals: usize) -> Self {
        self.negative_capacity = refusals;
        self
    }

    /// Sets the clock; the system's by default.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Makes the cache.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a time out of its range, [`ConfigError::ZeroLimit`] for a
    /// capacity of 0, [`ConfigError::Randomness`] if the operating system provides no random bytes.
    pub fn build(self) -> Result<Cached<T>, ConfigError> {
        self.times.check()?;
        ConfigError::refuse_zero([
            ("with_capacity", self.capacity == 0),
            ("with_negative_capacity", self.negative_capacity == 0),
        ])?;
        let own = Revocations::new();
        let registries = Attached::default();
        registries.add(&own);
        let shared = Shared {
            times: self.times,
            clock: self.clock,
            keys: KeyMaker::random()?,
            own,
            registries,
            invalidations: AtomicU64::new(0),
            cleared: AtomicU64::new(0),
            capacity: self.capacity,
            negative_capacity: self.negative_capacity,
        };
        Ok(Cached::from_parts(self.inner, Arc::new(shared)))
    }
}

impl<T> fmt::Debug for CachedBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedBuilder")
            .field("times", &self.times)
            .field("capacity", &self.capacity)
            .field("negative_capacity", &self.negative_capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leaves_the_memory_some_time_after_its_end() {
        for (lifetime, stale, expected) in
            [(1, 0, 600), (300, 0, 600), (300, 60, 720), (86_400, 86_400, 4 * 86_400)]
        {
            let [lifetime, stale, expected] = [lifetime, stale, expected].map(Duration::from_secs);
            let builder = CachedBuilder::new(()).with_lifetime(lifetime);
            let times = builder.allow_stale_if_error(stale).times;
            assert_eq!(times.in_memory(), expected, "{lifetime:?} {stale:?}");
        }
    }
}
