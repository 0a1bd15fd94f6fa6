//! A check that several requests wait for.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::{
    FutureExt as _,
    future::{Shared, WeakShared},
};

use crate::error::BackendError;

/// What a check comes to.
pub(super) type Checked<T> = Result<T, BackendError>;

type BoxCheck<T> = Pin<Box<dyn Future<Output = Checked<T>> + Send>>;

/// One request's part in a check. Each polls it on, and it is dropped with the last of them.
pub(super) struct Check<T: Clone> {
    shared: Shared<BoxCheck<T>>,
    waiting: Arc<Waiting>,
    is_done: bool,
}

/// A check, for who does not keep it going.
pub(super) struct WeakCheck<T: Clone> {
    shared: WeakShared<BoxCheck<T>>,
    waiting: Arc<Waiting>,
}

/// Wakes all who wait for a check.
#[derive(Default)]
struct Waiting(Mutex<Option<Waker>>);

impl<T: Clone + Send + Sync + 'static> Check<T> {
    pub(super) fn new(check: impl Future<Output = Checked<T>> + Send + 'static) -> Self {
        let waiting = Arc::<Waiting>::default();
        let noted = Arc::clone(&waiting);
        // A panic that went through would go on in all who wait.
        let mut check = Box::pin(AssertUnwindSafe(check).catch_unwind());
        let check = std::future::poll_fn(move |context| {
            noted.note(context.waker());
            check.poll_unpin(context).map(|ended| {
                ended.unwrap_or_else(|_| Err(BackendError::new("the back end's code panicked")))
            })
        });
        Self { shared: check.boxed().shared(), waiting, is_done: false }
    }

    /// `None` once it has ended.
    pub(super) fn downgrade(&self) -> Option<WeakCheck<T>> {
        let shared = self.shared.downgrade()?;
        Some(WeakCheck { shared, waiting: Arc::clone(&self.waiting) })
    }
}

impl<T: Clone> WeakCheck<T> {
    /// `None` if nobody waits for it any more.
    pub(super) fn upgrade(&self) -> Option<Check<T>> {
        let shared = self.shared.upgrade()?;
        Some(Check { shared, waiting: Arc::clone(&self.waiting), is_done: false })
    }
}

impl<T: Clone + Send + Sync + 'static> Future for Check<T> {
    type Output = Checked<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Checked<T>> {
        let polled = self.shared.poll_unpin(context);
        self.is_done = polled.is_ready();
        polled
    }
}

/// Whoever leaves may be the only one who was to go on: all were woken, but the others came while
/// it still polled, and went back to sleep.
impl<T: Clone> Drop for Check<T> {
    fn drop(&mut self) {
        if !self.is_done {
            self.waiting.wake();
        }
    }
}

impl Waiting {
    fn note(&self, waker: &Waker) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *noted {
            Some(noted) => noted.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = noted {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        task::Wake,
    };

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Alarm(AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    type Slot = Arc<Mutex<Option<Check<u8>>>>;

    fn poll(check: &mut Check<u8>, waker: &Waker) -> Poll<Checked<u8>> {
        check.poll_unpin(&mut Context::from_waker(waker))
    }

    /// The first polls the check; while it does so, the check is woken, and the second comes, and
    /// finds it busy.
    #[test]
    fn the_second_is_woken_when_the_first_leaves_with_what_was_to_be_done() {
        let (second, alarm) = (Slot::default(), Arc::<Alarm>::default());
        let (slot, waker) = (Arc::clone(&second), Waker::from(Arc::clone(&alarm)));
        let mut is_first_poll = true;
        let mut first = Check::new(std::future::poll_fn(move |context| {
            if !std::mem::take(&mut is_first_poll) {
                return Poll::Ready(Ok(7));
            }
            context.waker().wake_by_ref();
            let mut second = slot.lock().unwrap();
            assert!(poll(second.as_mut().unwrap(), &waker).is_pending());
            Poll::Pending
        }));
        *second.lock().unwrap() = first.downgrade().unwrap().upgrade();
        assert!(poll(&mut first, Waker::noop()).is_pending());
        assert_eq!(alarm.0.load(SeqCst), 0, "the second sleeps");
        drop(first);
        assert_eq!(alarm.0.load(SeqCst), 1);
        let answer = poll(second.lock().unwrap().as_mut().unwrap(), Waker::noop());
        assert!(matches!(answer, Poll::Ready(Ok(7))));
    }

    #[test]
    fn is_dropped_with_the_last_who_waits_and_not_before() {
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let first = Check::<u8>::new(async move {
            let _holds = holds;
            std::future::pending().await
        });
        let weak = first.downgrade().unwrap();
        let mut second = weak.upgrade().unwrap();
        assert!(poll(&mut second, Waker::noop()).is_pending());
        drop(first);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(second);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn a_panic_is_a_failure_for_all() {
        let mut first = Check::<u8>::new(async { panic!("on purpose") });
        let mut second = first.downgrade().unwrap().upgrade().unwrap();
        for check in [&mut second, &mut first] {
            assert!(matches!(poll(check, Waker::noop()), Poll::Ready(Err(_))));
        }
    }
}
