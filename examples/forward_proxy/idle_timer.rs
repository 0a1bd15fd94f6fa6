//! Tells when something has been idle for too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Remembers when it was last touched. Clones share the time.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    start: Instant,
    /// Milliseconds from `start` to the last touch.
    touched: Arc<AtomicU64>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), touched: Arc::default() }
    }

    /// Something happened.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.touched.store(now, Ordering::Relaxed);
    }

    /// When something happened last, to the millisecond.
    pub(crate) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.touched.load(Ordering::Relaxed))
    }

    /// Ends when nothing has happened for `limit`.
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
    async fn touching_puts_the_end_off() {
        const LIMIT: Duration = Duration::from_secs(10);
        let watch = Stopwatch::start();
        let touching = async {
            for _ in 0..5 {
                sleep(LIMIT / 2).await;
                watch.touch();
            }
        };
        tokio::join!(watch.idle_for(LIMIT), touching);
        assert_eq!(watch.start.elapsed().as_secs(), 35);
    }
}
