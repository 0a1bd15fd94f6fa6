//! The future of an attempt that waits for a place.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    hold::{Lock, Poisoned, Shared},
    keys::Keys,
    state::Denied,
    waiters::Wakers,
};
use crate::{clock::Timestamp, throttle::Ticket, wire::Realm};

/// Waits for a place. Dropping it leaves nothing behind.
pub(super) struct Waiting<'a, L: Lock> {
    pub(super) shared: &'a Arc<Shared<L>>,
    pub(super) keys: Keys,
    pub(super) realm: &'a Realm,
    pub(super) now: Timestamp,
    /// The number of the attempt among those that wait; `None` before the first poll.
    pub(super) number: Option<u64>,
}

impl<L: Lock> Waiting<'_, L> {
    /// Tries to get a place. It is called again once the waker of `cx` was called.
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
    ) -> Poll<Result<Result<Ticket, Denied>, Poisoned>> {
        let waker = cx.waker().clone();
        let (shared, number) = (self.shared, &mut self.number);
        let tried = shared.state.with(|state| {
            let admission = shared.admit_to(state, &self.keys, self.realm, self.now);
            let waiters = &mut state.waiters;
            if let Err(Denied::Busy(bucket)) = admission {
                if let Some(number) = *number {
                    return (None, waiters.wait_on(number, bucket, waker));
                }
                *number = waiters.add(bucket, waker);
                if number.is_some() {
                    return (None, Wakers::default());
                }
            }
            let remove = |number| waiters.remove(number, admission.is_ok());
            let wakers = number.take().map(remove).unwrap_or_default();
            (Some(admission), wakers)
        });
        match tried {
            Ok((admission, wakers)) => {
                wakers.wake();
                admission.map_or(Poll::Pending, |admission| Poll::Ready(Ok(admission)))
            }
            Err(poisoned) => Poll::Ready(Err(poisoned)),
        }
    }
}

impl<L: Lock> Drop for Waiting<'_, L> {
    fn drop(&mut self) {
        if let Some(number) = self.number
            && let Ok(wakers) = self.shared.state.with(|state| state.waiters.remove(number, false))
        {
            wakers.wake();
        }
    }
}
