//! What a connection is doing: how many requests are under way, and since when there is none.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep_until};

use crate::idle_timer::Stopwatch;

/// Counts the requests and tunnels of one connection. Clones share the count.
///
/// Beginning and ending wake nobody: whoever waits for the end looks again when it could be
/// reached.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<State>);

/// One request or tunnel that is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<State>);

#[derive(Debug)]
struct State {
    under_way: AtomicUsize,
    /// Touched when something ends.
    ended: Stopwatch,
}

impl Activity {
    pub(crate) fn new() -> Self {
        let ended = Stopwatch::start();
        Self(Arc::new(State { under_way: AtomicUsize::new(0), ended }))
    }

    pub(crate) fn begin(&self) -> Busy {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.0))
    }

    /// Ends when nothing has been under way for `limit` from now on.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        let begun = Instant::now();
        let mut end = begun + limit;
        loop {
            sleep_until(end).await;
            // Who sees that nothing is under way sees too when the last of it ended.
            let is_busy = self.0.under_way.load(Ordering::Acquire) != 0;
            let quiet_since = if is_busy { Instant::now() } else { self.0.ended.last().max(begun) };
            end = quiet_since + limit;
            if Instant::now() >= end {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.ended.touch();
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

pin_project! {
    /// A body that holds on to something until it has been sent or is dropped.
    #[derive(Debug)]
    pub(crate) struct Holding<B, T> {
        #[pin]
        body: B,
        held: T,
    }
}

impl<B, T> Holding<B, T> {
    pub(crate) fn new(body: B, held: T) -> Self {
        Self { body, held }
    }
}

impl<B: Body, T> Body for Holding<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn is_not_idle_while_something_is_under_way() {
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
    async fn short_work_starts_the_time_anew() {
        let (activity, start) = (Activity::new(), Instant::now());
        let working = async {
            sleep(LIMIT / 2).await;
            drop(activity.begin());
        };
        tokio::join!(activity.idle_for(LIMIT), working);
        assert_eq!(start.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_what_was_idle_before_does_not_count() {
        let (activity, start) = (Activity::new(), Instant::now());
        activity.idle_for(LIMIT).await;
        activity.idle_for(LIMIT).await;
        assert_eq!(start.elapsed().as_secs(), 20);
    }
}
