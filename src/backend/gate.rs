//! Lets a limited number of checks in, those of the lowest rank first.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::error::BackendError;

/// Admits `limit` checks at once. Among those that wait, the one with the lowest rank is next, and
/// among equals the one that came first.
pub(super) struct Gate(Mutex<Places>);

#[derive(Default)]
struct Places {
    free: usize,
    arrivals: u64,
    waiting: BTreeMap<Turn, oneshot::Sender<Pass>>,
}

/// The rank and the arrival of a check.
type Turn = (u32, u64);

/// Permission to be past the gate, until it is dropped.
pub(super) struct Pass(Arc<Gate>);

impl Gate {
    pub(super) fn new(limit: usize) -> Self {
        Self(Mutex::new(Places { free: limit, ..Places::default() }))
    }

    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Pass> {
        let mut places = self.lock();
        places.free = places.free.checked_sub(1)?;
        Some(Pass(Arc::clone(self)))
    }

    pub(super) async fn enter(self: &Arc<Self>, rank: u32) -> Result<Pass, BackendError> {
        let (sender, turn) = {
            let mut places = self.lock();
            if let Some(free) = places.free.checked_sub(1) {
                places.free = free;
                return Ok(Pass(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            places.arrivals += 1;
            let turn = (rank, places.arrivals);
            places.waiting.insert(turn, sender);
            (receiver, turn)
        };
        let _waiting = Waiting { gate: self, turn };
        sender.await.map_err(BackendError::new)
    }

    /// Ignores poisoning: each change is complete in itself.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a check from those that wait, if it is still among them.
struct Waiting<'a> {
    gate: &'a Gate,
    turn: Turn,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let sender = self.gate.lock().waiting.remove(&self.turn);
        drop(sender);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let next = {
            let mut places = self.0.lock();
            let next = places.waiting.pop_first();
            if next.is_none() {
                places.free += 1;
            }
            next
        };
        if let Some((_, sender)) = next {
            // If the check does not wait any more, the pass is dropped and goes to the next one.
            let _ = sender.send(Self(Arc::clone(&self.0)));
        }
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    type Entering = Pin<Box<dyn Future<Output = Result<Pass, BackendError>>>>;

    fn enter(gate: &Arc<Gate>, rank: u32) -> Entering {
        let gate = Arc::clone(gate);
        let mut entering: Entering = Box::pin(async move { gate.enter(rank).await });
        assert!(poll(&mut entering).is_none());
        entering
    }

    fn poll(entering: &mut Entering) -> Option<Pass> {
        match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(pass) => Some(pass.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_lowest_rank_is_next_and_then_the_first() {
        let gate = Arc::new(Gate::new(1));
        let mut pass = gate.try_enter().unwrap();
        assert!(gate.try_enter().is_none());
        let mut waiting: Vec<_> = [5, 1, 0, 1, 0].iter().map(|&rank| enter(&gate, rank)).collect();
        for next in [2, 4, 1, 3, 0] {
            drop(pass);
            let passed = waiting.iter_mut().enumerate().filter(|(index, _)| *index == next);
            pass = passed.last().and_then(|(_, entering)| poll(entering)).unwrap();
        }
        drop(pass);
        assert!(gate.try_enter().is_some());
    }

    #[test]
    fn the_turn_of_an_abandoned_check_goes_to_the_next() {
        let gate = Arc::new(Gate::new(1));
        let pass = gate.try_enter().unwrap();
        let (first, second) = (enter(&gate, 0), enter(&gate, 0));
        let mut third = enter(&gate, 0);
        drop(first);
        drop(pass);
        // The second one has got its pass, and is dropped without using it.
        assert!(poll(&mut third).is_none());
        drop(second);
        let pass = poll(&mut third).unwrap();
        assert!(gate.try_enter().is_none() && gate.lock().waiting.is_empty());
        drop(pass);
        assert!(gate.try_enter().is_some());
    }
}
