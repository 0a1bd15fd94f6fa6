//! Threads that hash, apart from those that serve requests.

use std::{
    collections::VecDeque,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use crate::error::{BackendError, ConfigError};

/// The most threads that are started by default.
const MOST_THREADS: usize = 16;
/// How many checks wait for each thread by default.
const QUEUE_PER_THREAD: usize = 64;

/// A few threads that check passwords, and a queue with an end.
///
/// A slow hash on a thread that serves requests would hold up all the others on it. Here the checks
/// wait for each other alone: who finds the queue full gets a [`BackendError`] at once, which is
/// answered with 503; who has gone in the meantime is not worked for. It needs no runtime.
///
/// Cloning is cheap, and clones share the threads: give one pool to all validators, so that
/// together they leave a core to the rest. The threads end when the last clone has been dropped and
/// the checks that wait have been dropped with it.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_proxy_auth::backend::password_hash::HashingPool;
///
/// let pool = HashingPool::builder().with_threads(2).with_queue(100).build()?;
/// assert_eq!(pool.run(|| 6 * 7).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HashingPool(Arc<Owner>);

/// Options of a [`HashingPool`], from [`HashingPool::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct HashingPoolBuilder {
    threads: usize,
    queue: Option<usize>,
}

/// Ends the threads when it is dropped.
struct Owner {
    shared: Arc<Shared>,
    threads: usize,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Told of each new job, and of the end.
    changed: Condvar,
    queue: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

/// A job that knows whether somebody still waits for it.
trait Job: Send {
    fn is_awaited(&self) -> bool;
    fn run(self: Box<Self>);
}

struct Asked<F, T> {
    work: F,
    answer: oneshot::Sender<T>,
}

impl<F: FnOnce() -> T + Send, T: Send> Job for Asked<F, T> {
    fn is_awaited(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>) {
        let Self { work, answer } = *self;
        if answer.is_closed() {
            return;
        }
        // After a panic the sender is dropped without an answer, and whoever waits learns of it.
        // Whatever the job owned is dropped too: nobody sees it half changed.
        if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
            // Nobody may be left to hear it.
            let _ = answer.send(result);
        }
    }
}

impl HashingPool {
    /// A pool with one thread less than the machine has cores, but one at least and 16 at most, and
    /// with room for 64 checks for each thread.
    ///
    /// # Errors
    /// As for [`HashingPoolBuilder::build`].
    pub fn new() -> Result<Self, ConfigError> {
        Self::builder().build()
    }

    /// The options, with the values of [`new`](Self::new).
    pub fn builder() -> HashingPoolBuilder {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        HashingPoolBuilder { threads: (cores - 1).clamp(1, MOST_THREADS), queue: None }
    }

    /// Has `work` done by one of the threads, and waits for it. Dropped while it waits in the
    /// queue, it is never done.
    ///
    /// # Errors
    /// The queue is full, or the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (answer, answered) = oneshot::channel();
        self.0.shared.push(Box::new(Asked { work, answer }))?;
        answered.await.map_err(|_| BackendError::new("the check of a password panicked"))
    }
}

impl HashingPoolBuilder {
    /// How many threads hash, 1 or more. Each may need as much memory as the dearest Argon2 hash.
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// How many checks may wait, 1 or more; 64 for each thread by default.
    ///
    /// Where a check takes a quarter of a second, the last of 64 waits for 16 seconds: make it so
    /// long as clients have patience.
    pub const fn with_queue(mut self, checks: usize) -> Self {
        self.queue = Some(checks);
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`ConfigError::ZeroLimit`] without a thread or without room in the queue,
    /// [`ConfigError::Threads`] if the operating system gives no thread.
    pub fn build(self) -> Result<HashingPool, ConfigError> {
        let queue = self.queue.unwrap_or(self.threads.saturating_mul(QUEUE_PER_THREAD));
        for (name, limit) in [("threads", self.threads), ("queue", queue)] {
            if limit == 0 {
                return Err(ConfigError::ZeroLimit { name });
            }
        }
        let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new(), queue });
        // Made before the threads, so that those which did start end if another does not.
        let owner = Owner { shared, threads: self.threads };
        for _ in 0..self.threads {
            owner.start_thread().map_err(|error| ConfigError::Threads(error.into()))?;
        }
        Ok(HashingPool(Arc::new(owner)))
    }
}

impl Owner {
    fn start_thread(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            while let Some(job) = shared.next() {
                job.run();
            }
        };
        thread::Builder::new().name("proxy-auth-hash".into()).spawn(work).map(drop)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let jobs = {
            let mut waiting = self.shared.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.jobs)
        };
        self.shared.changed.notify_all();
        // Without the lock: whoever is woken by it may do anything.
        drop(jobs);
    }
}

impl Shared {
    fn push(&self, job: Box<dyn Job>) -> Result<(), BackendError> {
        let mut waiting = self.lock();
        if waiting.jobs.len() >= self.queue {
            // Whoever goes away leaves the place to others.
            waiting.jobs.retain(|job| job.is_awaited());
        }
        if waiting.jobs.len() >= self.queue {
            return Err(BackendError::transient("too many passwords wait to be checked"));
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job; `None` at the end.
    fn next(&self) -> Option<Box<dyn Job>> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing that is done under the lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("threads", &self.0.threads)
            .field("queue", &self.0.shared.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error as _,
        future::Future,
        pin::{Pin, pin},
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn pool(threads: usize, queue: usize) -> HashingPool {
        HashingPool::builder().with_threads(threads).with_queue(queue).build().unwrap()
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn said<T: fmt::Debug>(result: Result<T, BackendError>) -> String {
        result.unwrap_err().source().unwrap().to_string()
    }

    /// Keeps the only thread of a pool busy until it is told to go on.
    async fn occupy(
        pool: &HashingPool,
    ) -> (mpsc::Sender<()>, impl Future<Output = Result<(), BackendError>> + use<>) {
        let (go, told) = mpsc::channel::<()>();
        let (busy, begun) = oneshot::channel();
        let pool = pool.clone();
        let mut run = Box::pin(async move {
            let work = move || {
                busy.send(()).unwrap();
                told.recv().unwrap();
            };
            pool.run(work).await
        });
        assert!(poll(run.as_mut()).is_pending());
        begun.await.unwrap();
        (go, run)
    }

    #[tokio::test]
    async fn work_is_done_elsewhere() {
        let here = thread::current().id();
        let there = pool(1, 1).run(move || thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_has_room_again() {
        let pool = pool(1, 2);
        let (go, first) = occupy(&pool).await;
        let (mut second, mut third) = (pin!(pool.run(|| 2)), pin!(pool.run(|| 3)));
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(fourth) = poll(pin!(pool.run(|| 4))) else { panic!("it waits") };
        assert!(fourth.as_ref().is_err_and(BackendError::is_transient));
        assert_eq!(said(fourth), "too many passwords wait to be checked");
        go.send(()).unwrap();
        first.await.unwrap();
        assert_eq!((second.await.unwrap(), third.await.unwrap()), (2, 3));
        assert_eq!(pool.run(|| 5).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn who_has_gone_leaves_the_place_in_a_full_queue() {
        let pool = pool(1, 2);
        let (go, first) = occupy(&pool).await;
        {
            let (mut second, mut third) = (pin!(pool.run(|| 2)), pin!(pool.run(|| 3)));
            assert!(poll(second.as_mut()).is_pending());
            assert!(poll(third.as_mut()).is_pending());
            assert!(poll(pin!(pool.run(|| 4))).is_ready(), "full");
        }
        let mut fifth = pin!(pool.run(|| 5));
        assert!(poll(fifth.as_mut()).is_pending());
        go.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(fifth.await.unwrap(), 5);
    }

    #[tokio::test]
    async fn who_has_gone_is_not_worked_for() {
        let pool = pool(1, 10);
        let (go, first) = occupy(&pool).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = |done: &Arc<AtomicUsize>| {
            let done = Arc::clone(done);
            move || done.fetch_add(1, Ordering::SeqCst)
        };
        {
            let mut gone = pin!(pool.run(count(&done)));
            assert!(poll(gone.as_mut()).is_pending());
        }
        let mut stays = pin!(pool.run(count(&done)));
        assert!(poll(stays.as_mut()).is_pending());
        go.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(stays.await.unwrap(), 0, "the one that is gone was not counted");
    }

    #[tokio::test]
    async fn a_panic_fails_its_own_work_alone() {
        let pool = pool(1, 1);
        for _ in 0..3 {
            let result = pool.run(|| panic!("on purpose")).await.map(|(): ()| ());
            assert_eq!(said(result), "the check of a password panicked");
        }
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_clone() {
        let pool = pool(3, 10);
        let shared = Arc::downgrade(&pool.0.shared);
        let clone = pool.clone();
        drop(pool);
        assert_eq!(clone.run(|| 1).await.unwrap(), 1);
        drop(clone);
        // Each thread holds it until it ends; were one to live on, this would never end.
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }

    #[test]
    fn refuses_no_threads_and_no_queue() {
        let builder = HashingPool::builder();
        for (builder, name) in
            [(builder.with_threads(0), "threads"), (builder.with_queue(0), "queue")]
        {
            let message =
                format!("the limit {name} is 0, which refuses everything: use a larger one");
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        let pool = HashingPool::new().unwrap();
        assert!((1..=MOST_THREADS).contains(&pool.0.threads));
        assert_eq!(pool.0.shared.queue, QUEUE_PER_THREAD * pool.0.threads);
    }
}
