//! Limits the running and the queued checks.

use tokio::sync::{Semaphore, SemaphorePermit};
use tower_proxy_auth::BackendError;

/// A bounded queue, so that a slow service does not collect all requests.
pub(crate) struct Queue {
    places: Semaphore,
    recheck_places: Semaphore,
    turns: Semaphore,
}

/// Permission to run a check, returned on drop, even if the check is cancelled.
pub(crate) struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Queue {
    /// Runs `running` checks at once, and lets `waiting` more wait, and as many re-checks.
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        let places = || Semaphore::new(running + waiting);
        Self { places: places(), recheck_places: places(), turns: Semaphore::new(running) }
    }

    /// Waits for a turn, in the order of arrival.
    ///
    /// A re-check renews a verdict that a cache still keeps. Such checks have places of their own,
    /// so that a flood of guesses does not lock out users who are logged in.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) async fn enter(&self, is_recheck: bool) -> Result<Turn<'_>, BackendError> {
        let places = if is_recheck { &self.recheck_places } else { &self.places };
        let place = places
            .try_acquire()
            .map_err(|_| BackendError::overloaded("too many checks are waiting for the service"))?;
        let turn = self.turns.acquire().await.map_err(BackendError::new)?;
        Ok(Turn { _turn: turn, _place: place })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn one_check_runs_and_one_waits() {
        let (queue, mut context) = (Queue::new(1, 1), Context::from_waker(Waker::noop()));
        let mut first = pin!(queue.enter(false));
        let Poll::Ready(Ok(turn)) = first.as_mut().poll(&mut context) else { panic!("no turn") };
        {
            let mut second = pin!(queue.enter(false));
            assert!(second.as_mut().poll(&mut context).is_pending());
            let mut third = pin!(queue.enter(false));
            let Poll::Ready(Err(error)) = third.as_mut().poll(&mut context) else {
                panic!("no limit")
            };
            assert!(error.is_overloaded());
            let mut recheck = pin!(queue.enter(true));
            assert!(recheck.as_mut().poll(&mut context).is_pending());
            let mut rechecks = [pin!(queue.enter(true)), pin!(queue.enter(true))];
            let polled = rechecks.each_mut().map(|one| one.as_mut().poll(&mut context));
            assert!(
                matches!(&polled, [Poll::Pending, Poll::Ready(Err(error))] if error.is_overloaded()),
                "their number is limited as well"
            );
            drop(turn);
            let Poll::Ready(Ok(turn)) = second.as_mut().poll(&mut context) else {
                panic!("no turn")
            };
            drop(turn);
            assert!(matches!(recheck.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
        }
        // Checks that were dropped have returned their places.
        let mut last = pin!(queue.enter(false));
        assert!(matches!(last.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    }
}
