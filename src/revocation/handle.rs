//! The handle of one user, and the future that waits for its revocation.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// The access of one user of one realm: whether it has ended, and a future that waits for it.
#[derive(Clone)]
pub struct RevocationHandle(pub(super) Arc<Flag>);

#[derive(Default)]
pub(super) struct Flag {
    is_set: AtomicBool,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl RevocationHandle {
    /// Whether the access has ended.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    /// Waits until the access ends.
    pub fn revoked(&self) -> Revoked {
        Revoked { handle: Some(self.clone()), number: None }
    }
}

impl Flag {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
    }

    /// Wakes the tasks that wait for the flag, after it was set.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when the access of a user ends; see [`Identity::revoked`](crate::Identity::revoked).
#[must_use = "a future does nothing unless it is polled"]
pub struct Revoked {
    /// `None` if the access cannot be revoked.
    handle: Option<RevocationHandle>,
    /// The number under which the waker is registered, if it is.
    number: Option<u64>,
}

impl Revoked {
    /// A future that never resolves.
    pub(crate) const fn never() -> Self {
        Self { handle: None, number: None }
    }
}

impl Future for Revoked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(handle) = &this.handle else { return Poll::Pending };
        let waker = cx.waker().clone();
        let mut wakers = handle.0.lock();
        // Under the lock: the flag is set before the wakers are taken out.
        if handle.is_revoked() {
            return Poll::Ready(());
        }
        let number = *this.number.get_or_insert_with(|| {
            wakers.next += 1;
            wakers.next
        });
        let replaced = wakers.waiting.insert(number, waker);
        // Without the lock: dropping a waker may drop a task that holds a `Revoked` of this user.
        drop(wakers);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Revoked {
    fn drop(&mut self) {
        if let (Some(handle), Some(number)) = (&self.handle, self.number) {
            let removed = handle.0.lock().waiting.remove(&number);
            drop(removed);
        }
    }
}

impl fmt::Debug for RevocationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationHandle").field("is_revoked", &self.is_revoked()).finish()
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revoked(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Wake};

    use super::*;

    #[test]
    fn a_dropped_future_leaves_no_waker() {
        let handle = RevocationHandle(Arc::default());
        {
            let mut revoked = pin!(handle.revoked());
            assert!(revoked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(handle.0.lock().waiting.len(), 1);
        }
        assert!(handle.0.lock().waiting.is_empty());
    }

    /// A task whose waker is its last reference, and which waits itself.
    struct Task(#[expect(dead_code, reason = "held to be dropped")] Mutex<Pin<Box<Revoked>>>);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn regression_a_replaced_waker_may_own_another_future() {
        let handle = RevocationHandle(Arc::default());
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = Box::pin(handle.revoked());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        let mut second = pin!(handle.revoked());
        let waker = Waker::from(Arc::new(Task(Mutex::new(first))));
        assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert_eq!(handle.0.lock().waiting.len(), 1);
    }

    #[test]
    fn a_future_without_a_handle_never_resolves() {
        let mut never = pin!(Revoked::never());
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
