//! Maintenance, during which every request is refused.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::Refusal;
use crate::reason::Reason;

/// The minimum `Retry-After`, which is also that without an announced end.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Maintenance of a proxy, by the system's clock.
///
/// [`Authenticator::set_maintenance`](crate::Authenticator::set_maintenance) starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maintenance {
    since: SystemTime,
    until: Option<SystemTime>,
}

impl Maintenance {
    /// When it started.
    #[must_use]
    pub const fn since(&self) -> SystemTime {
        self.since
    }

    /// The announced end, if there is one. It may have passed: maintenance lasts until it is ended.
    #[must_use]
    pub const fn until(&self) -> Option<SystemTime> {
        self.until
    }

    /// The refusal of a request at the time `now`.
    pub(super) fn refusal(self, now: SystemTime) -> Refusal {
        let mut refusal = Refusal::new(Reason::Maintenance).with_retry_after(self.retry_after(now));
        refusal.maintenance = Some(self.into());
        refusal
    }

    fn retry_after(self, now: SystemTime) -> Duration {
        let left = self.until.and_then(|until| until.duration_since(now).ok());
        left.unwrap_or_default().max(MIN_RETRY_AFTER)
    }
}

/// Whether there is maintenance. While there is none, reading it takes no lock.
#[derive(Debug, Default)]
pub(super) struct MaintenanceSwitch {
    is_on: AtomicBool,
    current: Mutex<Option<Maintenance>>,
}

impl MaintenanceSwitch {
    /// Starts maintenance at the time `now`, or changes the announced end of the current one.
    pub(super) fn set(&self, until: Option<SystemTime>, now: SystemTime) {
        let mut current = self.lock();
        let since = current.map_or(now, |current| current.since);
        *current = Some(Maintenance { since, until });
        self.is_on.store(true, Ordering::Release);
    }

    pub(super) fn end(&self) {
        let mut current = self.lock();
        *current = None;
        self.is_on.store(false, Ordering::Release);
    }

    pub(super) fn current(&self) -> Option<Maintenance> {
        if self.is_on.load(Ordering::Acquire) { *self.lock() } else { None }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Maintenance>> {
        // Each change is complete in itself.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_retry_at_the_announced_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let millis = |millis| Duration::from_millis(millis);
        for (name, until, expected) in [
            ("unknown", None, 30),
            ("passed", Some(now - millis(1)), 30),
            ("now", Some(now), 30),
            ("soon", Some(now + millis(29_001)), 30),
            ("later", Some(now + millis(30_001)), 31),
            ("in an hour", Some(now + millis(3_600_000)), 3_600),
            ("in 300 years", Some(now + Duration::from_secs(9_467_085_600)), u32::MAX.into()),
        ] {
            let maintenance = Maintenance { since: now, until };
            let refusal = maintenance.refusal(now);
            assert_eq!(refusal.retry_after(), Some(Duration::from_secs(expected)), "{name}");
            assert_eq!(refusal.maintenance(), Some(maintenance), "{name}");
        }
    }
}
