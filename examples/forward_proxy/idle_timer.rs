//! Detects that something has been idle for too long.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Remembers the time of the last activity, to the millisecond.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    start: Instant,
    /// Milliseconds from `start` to the last activity.
    last: AtomicU64,
}

impl IdleTimer {
    /// Starts with an activity.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Records an activity.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Returns the time of the last activity.
    pub(crate) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Waits until nothing has happened for `limit`.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        loop {
            let end = self.last() + limit;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn an_activity_postpones_the_end() {
        const LIMIT: Duration = Duration::from_secs(10);
        let timer = IdleTimer::start();
        let touching = async {
            for _ in 0..5 {
                sleep(LIMIT / 2).await;
                timer.touch();
            }
        };
        tokio::join!(timer.idle_for(LIMIT), touching);
        assert_eq!(timer.start.elapsed().as_secs(), 35);
    }
}
