//! How many checks there are at a time, and how many wait.

use tokio::sync::{Semaphore, SemaphorePermit};
use tower_proxy_auth::BackendError;

/// A queue with an end, so that a service that has become slow does not gather all requests.
pub(crate) struct Queue {
    places: Semaphore,
    turns: Semaphore,
}

/// Whoever holds it may ask. It is given back when dropped, also by a check that was cancelled.
pub(crate) struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Queue {
    /// `at_once` may ask, and `waiting` more wait for their turn.
    pub(crate) fn new(at_once: usize, waiting: usize) -> Self {
        Self { places: Semaphore::new(at_once + waiting), turns: Semaphore::new(at_once) }
    }

    /// Waits for a turn; those who came first have theirs first.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) async fn enter(&self) -> Result<Turn<'_>, BackendError> {
        let place = self
            .places
            .try_acquire()
            .map_err(|_| BackendError::transient("too many checks wait for the service already"))?;
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
    fn one_asks_one_waits_and_the_third_is_turned_away() {
        let (queue, mut context) = (Queue::new(1, 1), Context::from_waker(Waker::noop()));
        let mut first = pin!(queue.enter());
        let Poll::Ready(Ok(turn)) = first.as_mut().poll(&mut context) else { panic!("no turn") };
        {
            let mut second = pin!(queue.enter());
            assert!(second.as_mut().poll(&mut context).is_pending());
            let mut third = pin!(queue.enter());
            let Poll::Ready(Err(error)) = third.as_mut().poll(&mut context) else {
                panic!("no end")
            };
            assert!(error.is_transient());
            drop(turn);
            assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
        }
        // Whoever goes away leaves nothing behind.
        let mut last = pin!(queue.enter());
        assert!(matches!(last.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    }
}
