//! Tracks how many requests and tunnels of a connection are in progress.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::idle_timer::IdleTimer;

/// Counts the requests and tunnels in progress on one connection. Clones share the count.
///
/// Changes wake no task: a task that waits for the connection to become idle checks again when that
/// could have happened.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<State>);

/// One request or tunnel in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<State>);

#[derive(Debug)]
struct State {
    in_progress: AtomicUsize,
    /// Touched when a request or a tunnel ends.
    ended: IdleTimer,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State { in_progress: AtomicUsize::new(0), ended: IdleTimer::start() }))
    }

    pub(crate) fn begin(&self) -> Busy {
        self.0.in_progress.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.0))
    }

    /// Waits until nothing has been in progress for `limit`, counted from now.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        let begun = Instant::now();
        let mut end = begun + limit;
        loop {
            sleep_until(end).await;
            // Acquire: a task that sees zero also sees when the last request ended.
            let is_busy = self.0.in_progress.load(Ordering::Acquire) != 0;
            let idle_since = if is_busy { Instant::now() } else { self.0.ended.last().max(begun) };
            end = idle_since + limit;
            if Instant::now() >= end {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.ended.touch();
        self.0.in_progress.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn is_not_idle_during_a_request() {
        let (activity, start) = (Activity::new(), Instant::now());
        let working = async {
            sleep(LIMIT / 2).await;
            let busy = activity.begin();
            sleep(LIMIT * 2).await;
            drop(busy);
        };
        tokio::join!(activity.idle_for(LIMIT), working);
        assert_eq!(start.elapsed().as_secs(), 35);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_request_restarts_the_limit() {
        let (activity, start) = (Activity::new(), Instant::now());
        let working = async {
            sleep(LIMIT / 2).await;
            drop(activity.begin());
        };
        tokio::join!(activity.idle_for(LIMIT), working);
        assert_eq!(start.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_earlier_idle_time_does_not_count() {
        let (activity, start) = (Activity::new(), Instant::now());
        activity.idle_for(LIMIT).await;
        activity.idle_for(LIMIT).await;
        assert_eq!(start.elapsed().as_secs(), 20);
    }
}
