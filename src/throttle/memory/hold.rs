//! The places of an attempt, until its last ticket is dropped.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use super::{
    keys::{KeyMaker, Keys},
    state::{Denied, State, Taken},
};
use crate::{
    clock::Timestamp,
    error::BackendError,
    throttle::{Settle, Settlement, Ticket},
    wire::Realm,
};

/// A mutex around the state. The model check replaces it with one that tries the possible orders in
/// which threads can take it.
pub(super) trait Lock: Send + Sync + 'static {
    fn new(state: State) -> Self;

    /// Runs `work` with exclusive access.
    ///
    /// # Errors
    /// [`Poisoned`] if an earlier `work` panicked.
    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> Result<R, Poisoned>;
}

impl Lock for Mutex<State> {
    fn new(state: State) -> Self {
        Self::new(state)
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> Result<R, Poisoned> {
        self.lock().map(|mut state| work(&mut state)).map_err(|_: PoisonError<_>| Poisoned)
    }
}

/// A panic may have left the state half changed, and strikes may be lost. Attempts get a 503 until
/// the process restarts.
#[derive(Debug, thiserror::Error)]
#[error("a panic left the throttle in an unknown state: restart the process")]
pub(super) struct Poisoned;

impl From<Poisoned> for BackendError {
    fn from(error: Poisoned) -> Self {
        Self::new(error)
    }
}

/// The state with what is needed to use it.
pub(super) struct Shared<L> {
    pub(super) state: L,
    pub(super) keys: KeyMaker,
}

impl<L: Lock> Shared<L> {
    /// Admits an attempt, or returns why it is not admitted.
    ///
    /// # Errors
    /// [`Poisoned`]
    pub(super) fn admit(
        self: &Arc<Self>,
        keys: &Keys,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Result<Ticket, Denied>, Poisoned> {
        self.state.with(|state| self.admit_to(state, keys, realm, now))
    }

    /// The same, to the state of this value, which is locked.
    pub(super) fn admit_to(
        self: &Arc<Self>,
        state: &mut State,
        keys: &Keys,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Ticket, Denied> {
        let make = |taken| -> Arc<dyn Settle> {
            let (shared, realm) = (Arc::clone(self), realm.clone());
            Arc::new(Hold { shared, realm, taken, is_struck: AtomicBool::new(false) })
        };
        state.admit(keys, &self.keys, now, make).map(Ticket::from)
    }
}

/// The state of a ticket.
struct Hold<L: Lock> {
    shared: Arc<Shared<L>>,
    realm: Realm,
    taken: Taken,
    /// Changes once, under the lock.
    is_struck: AtomicBool,
}

impl<L: Lock> Settle for Hold<L> {
    fn rank(&self) -> u32 {
        self.taken.rank
    }

    fn settle(&self, settlement: Settlement<'_>) {
        let Shared { state, keys } = &*self.shared;
        let key = |user| keys.user(&self.realm, user);
        // After a panic nothing is admitted any more.
        let _ = match settlement {
            Settlement::Accepted { user, revocation } => {
                let user = key(user.as_str());
                state.with(|state| state.accept(&self.taken, user, revocation, keys))
            }
            Settlement::Strike { user } => {
                let user = user.map(|user| key(user.as_str()));
                let strike = |state: &mut State| {
                    let was_struck = self.is_struck.swap(true, Ordering::Relaxed);
                    (!was_struck).then(|| state.strike(&self.taken, user)).flatten()
                };
                state.with(strike).map(|waker| waker.into_iter().for_each(Waker::wake))
            }
            Settlement::Neutral => Ok(()),
        };
    }
}

impl<L: Lock> Drop for Hold<L> {
    fn drop(&mut self) {
        let is_struck = *self.is_struck.get_mut();
        if let Ok(wakers) = self.shared.state.with(|state| state.release(&self.taken, is_struck)) {
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}
