//! The attempts that wait for a place.

use std::{collections::BTreeMap, task::Waker};

/// The maximum number of attempts that wait at once.
const CAPACITY: usize = 1_024;

/// The maximum number of those that wait for the same bucket, so that a peer cannot take all places.
const CAPACITY_PER_BUCKET: usize = CAPACITY / 8;

/// Attempts that wait, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    next: u64,
    waiting: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    /// The bucket that is full.
    bucket: usize,
    /// `None` if the attempt was woken, and did not try again yet.
    waker: Option<Waker>,
}

/// Wakers that were taken out. Use them without the lock: waking or dropping one can run any code,
/// such as dropping a task that holds a ticket.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Wakers {
    next: Option<Waker>,
    unused: Option<Waker>,
}

impl Wakers {
    /// Wakes the next attempt, if there is one to wake.
    pub(super) fn wake(self) {
        drop(self.unused);
        self.next.into_iter().for_each(Waker::wake);
    }
}

impl Waiters {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds an attempt that found `bucket` full, and returns its number; `None` if too many wait.
    pub(super) fn add(&mut self, bucket: usize, waker: Waker) -> Option<u64> {
        let rivals = self.waiting.values().filter(|waiter| waiter.bucket == bucket).count();
        if self.waiting.len() >= CAPACITY || rivals >= CAPACITY_PER_BUCKET {
            return None;
        }
        self.next += 1;
        self.waiting.insert(self.next, Waiter { bucket, waker: Some(waker) });
        Some(self.next)
    }

    /// Lets an attempt that tried again wait for `bucket`. If it was woken for another bucket, it
    /// does not use the place there, so the next attempt is woken.
    pub(super) fn wait_on(&mut self, number: u64, bucket: usize, waker: Waker) -> Wakers {
        let Some(waiter) = self.waiting.get_mut(&number) else { return Wakers::default() };
        let unused = waiter.waker.replace(waker);
        let earlier = std::mem::replace(&mut waiter.bucket, bucket);
        let passes_on = unused.is_none() && earlier != bucket;
        Wakers { next: passes_on.then(|| self.wake(earlier)).flatten(), unused }
    }

    /// Removes an attempt. If it was woken and uses no place, the next one is woken.
    pub(super) fn remove(&mut self, number: u64, was_admitted: bool) -> Wakers {
        let Some(waiter) = self.waiting.remove(&number) else { return Wakers::default() };
        let passes_on = waiter.waker.is_none() && !was_admitted;
        Wakers { next: passes_on.then(|| self.wake(waiter.bucket)).flatten(), unused: waiter.waker }
    }

    /// Takes the waker of the first attempt that waits for `bucket`, to be called without the lock.
    #[must_use]
    pub(super) fn wake(&mut self, bucket: usize) -> Option<Waker> {
        let mut waiting = self.waiting.values_mut().filter(|waiter| waiter.bucket == bucket);
        waiting.find_map(|waiter| waiter.waker.take())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    /// Remembers the number of the last task that was woken.
    struct Task(usize, Arc<AtomicUsize>);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0, Ordering::SeqCst);
        }
    }

    struct Scene {
        waiters: Waiters,
        woken: Arc<AtomicUsize>,
    }

    impl Scene {
        fn new() -> Self {
            Self { waiters: Waiters::default(), woken: Arc::default() }
        }

        fn waker(&self, task: usize) -> Waker {
            Arc::new(Task(task, Arc::clone(&self.woken))).into()
        }

        fn add(&mut self, task: usize, bucket: usize) -> u64 {
            self.waiters.add(bucket, self.waker(task)).unwrap()
        }

        /// The task that is woken; 0 for none.
        fn task(&self, wakers: Wakers) -> usize {
            self.woken.store(0, Ordering::SeqCst);
            wakers.wake();
            self.woken.load(Ordering::SeqCst)
        }

        fn wake(&mut self, bucket: usize) -> usize {
            let next = self.waiters.wake(bucket);
            self.task(Wakers { next, unused: None })
        }
    }

    #[test]
    fn wakes_those_who_wait_for_the_bucket_in_order() {
        let mut scene = Scene::new();
        for (task, bucket) in [(1, 5), (2, 6), (3, 5)] {
            scene.add(task, bucket);
        }
        assert_eq!([5, 5, 5, 7, 6].map(|bucket| scene.wake(bucket)), [1, 3, 0, 0, 2]);
    }

    #[test]
    fn a_wake_that_is_not_used_goes_to_the_next() {
        let mut scene = Scene::new();
        let [one, two, _] = [1, 2, 3].map(|task| scene.add(task, 5));
        assert_eq!(scene.wake(5), 1);
        // The first one was dropped, the second one finds another bucket full.
        let next = scene.waiters.remove(one, false);
        assert_eq!(scene.task(next), 2);
        let waker = scene.waker(2);
        let next = scene.waiters.wait_on(two, 6, waker);
        assert_eq!(scene.task(next), 3);
        assert_eq!(scene.wake(6), 2);
    }

    #[test]
    fn a_wake_that_is_used_wakes_nobody_else() {
        let mut scene = Scene::new();
        let [one, two, three] = [1, 2, 3].map(|task| scene.add(task, 5));
        assert_eq!(scene.wake(5), 1);
        let next = scene.waiters.remove(one, true);
        assert_eq!(scene.task(next), 0);
        // Not woken yet.
        let next = scene.waiters.remove(two, false);
        assert_eq!(scene.task(next), 0);
        // Another attempt was faster.
        assert_eq!(scene.wake(5), 3);
        let waker = scene.waker(3);
        let next = scene.waiters.wait_on(three, 5, waker);
        assert_eq!((scene.task(next), scene.wake(5)), (0, 3));
    }

    #[test]
    fn holds_a_bounded_number() {
        let mut scene = Scene::new();
        let first = scene.add(1, 5);
        for task in 1..CAPACITY {
            scene.add(task, 5 + task / CAPACITY_PER_BUCKET);
        }
        assert!(scene.waiters.add(99, Waker::noop().clone()).is_none());
        scene.waiters.remove(first, false).wake();
        scene.add(1, 5);
        assert_eq!(scene.waiters.len(), CAPACITY);
    }

    #[test]
    fn regression_one_bucket_cannot_take_all_places() {
        let mut scene = Scene::new();
        let waits: Vec<_> = (0..CAPACITY_PER_BUCKET).map(|task| scene.add(task, 5)).collect();
        assert!(scene.waiters.add(5, Waker::noop().clone()).is_none());
        scene.add(1, 6);
        for number in waits {
            scene.waiters.remove(number, false).wake();
        }
        scene.add(1, 5);
        assert_eq!(scene.waiters.len(), 2);
    }
}
