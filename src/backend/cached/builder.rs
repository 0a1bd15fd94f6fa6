//! The options of a cache.

use std::{fmt, num::NonZeroUsize, pin::Pin, time::Duration};

use super::{Cached, invalidations::Invalidations, key::MacKey, rooms::Rooms, state::State};
use crate::{
    clock::{Clock, SystemClock},
    error::ConfigError,
};

/// Runs a future in the background.
pub(super) type Spawn = Box<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

/// For how long what is good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) lifetime: Duration,
    pub(super) negative_lifetime: Duration,
    pub(super) refresh_ahead: Duration,
    pub(super) stale_if_error: Duration,
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const NEGATIVE_LIFETIME: Duration = Duration::from_secs(5);
const VERDICTS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
const REFUSED_NAMES: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Options of a [`Cached`], from [`Cached::builder`].
#[must_use]
pub struct CachedBuilder<T> {
    inner: T,
    lifetime: Duration,
    negative_lifetime: Option<Duration>,
    refresh_ahead: Duration,
    stale_if_error: Duration,
    capacity: NonZeroUsize,
    negative_capacity: NonZeroUsize,
    spawn: Option<Spawn>,
    clock: Option<Box<dyn Clock>>,
}

impl<T> CachedBuilder<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            lifetime: Duration::from_secs(60),
            negative_lifetime: None,
            refresh_ahead: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            capacity: VERDICTS,
            negative_capacity: REFUSED_NAMES,
            spawn: None,
            clock: None,
        }
    }

    /// For how long a right password, or a secret, is not asked about again, from 1 s to 24 h; 60 s
    /// by default.
    ///
    /// It is also how long an old password works on after a change that the validator learns
    /// nothing of.
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The same for a refusal: a wrong password, an unknown user, an account that is disabled or
    /// has expired. From zero, which keeps none, to the lifetime above; 5 s by default, or the
    /// lifetime if that is shorter.
    ///
    /// It is also how long a new user or password may be refused if it was tried before it was set.
    pub const fn with_negative_lifetime(mut self, lifetime: Duration) -> Self {
        self.negative_lifetime = Some(lifetime);
        self
    }

    /// Has a right password, or a secret, that is in use asked about again when its lifetime ends
    /// in less than `ahead`, so that nobody waits for it: whoever comes then is answered at once,
    /// and `spawn` is given the check to run, such as `|check| { tokio::spawn(check); }`. Off by
    /// default; at most the lifetime, of which no more than the second half counts.
    ///
    /// Each is asked about once, whether the back end answers or not.
    pub fn with_refresh_ahead(
        mut self,
        ahead: Duration,
        spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Self {
        self.refresh_ahead = ahead;
        self.spawn = Some(Box::new(spawn));
        self
    }

    /// Lets a password that was right, or a secret, go on to work for so long after its lifetime,
    /// at most 24 h, while the back end fails; never by default. After a failure it is used for a
    /// second before the back end is asked again.
    ///
    /// # Security
    /// For so long a user whom the directory has locked out, but who could not be asked about, gets
    /// in. It ends with [`Account::max_age`](crate::identity::Account::max_age), with an
    /// invalidation, and with a change that the validator knows of.
    pub const fn allow_stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = time;
        self
    }

    /// How many verdicts on right passwords are kept at most, and how many secrets; 10,000 by
    /// default. Each takes about 360 bytes with a plain account. The one that has not been used for
    /// the longest time goes first.
    pub const fn with_capacity(mut self, verdicts: NonZeroUsize) -> Self {
        self.capacity = verdicts;
        self
    }

    /// Of how many names refusals are kept at most, eight of each, in about 1 KiB; 4,096 names by
    /// default.
    pub const fn with_negative_capacity(mut self, names: NonZeroUsize) -> Self {
        self.negative_capacity = names;
        self
    }

    /// Where the cache gets the time from; the machine's clock by default.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Makes the cache.
    ///
    /// # Errors
    /// [`ConfigError::CacheTime`] for a time out of its range, [`ConfigError::Randomness`] if the
    /// operating system gives no random bytes.
    pub fn build(self) -> Result<Cached<T>, ConfigError> {
        let times = self.times()?;
        Ok(Cached::of(State {
            inner: self.inner,
            clock: self.clock.unwrap_or_else(|| Box::new(SystemClock::new())),
            times,
            spawn: self.spawn,
            mac_key: MacKey::random()?,
            invalidations: Invalidations::new(),
            verdicts: Rooms::new(self.capacity, self.negative_capacity, &times),
            secrets: Rooms::new(self.capacity, self.negative_capacity, &times),
        }))
    }

    fn times(&self) -> Result<Times, ConfigError> {
        let (lifetime, zero) = (self.lifetime, Duration::ZERO);
        check("lifetime", lifetime, SHORTEST, LONGEST)?;
        if let Some(given) = self.negative_lifetime {
            check("negative lifetime", given, zero, lifetime)?;
        }
        check("refresh ahead", self.refresh_ahead, zero, lifetime)?;
        check("stale if error", self.stale_if_error, zero, LONGEST)?;
        Ok(Times {
            lifetime,
            negative_lifetime: self.negative_lifetime.unwrap_or(NEGATIVE_LIFETIME.min(lifetime)),
            refresh_ahead: self.refresh_ahead,
            stale_if_error: self.stale_if_error,
        })
    }
}

fn check(
    name: &'static str,
    value: Duration,
    minimum: Duration,
    maximum: Duration,
) -> Result<(), ConfigError> {
    match (minimum..=maximum).contains(&value) {
        true => Ok(()),
        false => Err(ConfigError::CacheTime { name, value, minimum, maximum }),
    }
}

impl<T> fmt::Debug for CachedBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedBuilder")
            .field("lifetime", &self.lifetime)
            .field("negative_lifetime", &self.negative_lifetime)
            .field("refresh_ahead", &self.refresh_ahead)
            .field("stale_if_error", &self.stale_if_error)
            .field("capacity", &self.capacity)
            .field("negative_capacity", &self.negative_capacity)
            .finish_non_exhaustive()
    }
}
