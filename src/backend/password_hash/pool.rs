//! Hashes passwords with limited concurrency, outside the threads that serve requests.

use std::{sync::Arc, thread, time::Duration};

use tokio::task;

use crate::{
    backend::{
        BasicCredentials,
        queue::{Check, Permit, Queue},
        runtime,
    },
    error::{BackendError, ConfigError},
};

/// The highest default number of concurrent hashes.
const MAX_DEFAULT_HASHES: usize = 16;
/// The default length of the queue for each concurrent hash.
const QUEUE_PER_HASH: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Hashes passwords on tokio's blocking threads, with limited concurrency and a bounded queue.
///
/// An expensive hash on a thread that serves requests would delay all other requests on it. If the
/// queue is full, or a check waits in it for too long, the check fails with a [`BackendError`] that
/// [is overloaded](BackendError::is_overloaded), and the client gets 503.
/// [Re-checks](BasicCredentials::is_recheck) precede other checks, and have their own queue. If there
/// is a [throttle](crate::throttle), checks of peers that have few others come next, so that a user
/// does not wait for all checks of a peer that guesses.
///
/// Cloning is cheap, and clones share the limit: share one pool among all validators, so that
/// together they leave a core to the rest of the process. It needs a tokio runtime; without one,
/// checks fail.
///
/// # Panics
/// A check panics on a runtime without a timer.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_proxy_auth::backend::password_hash::HashingPool;
///
/// let pool = HashingPool::builder().with_max_hashes(2).with_queue(100).build()?;
/// assert_eq!(pool.run(|| 6 * 7).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HashingPool {
    queue: Arc<Queue>,
    timeout: Duration,
}

/// Options of a [`HashingPool`], from [`HashingPool::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct HashingPoolBuilder {
    max_hashes: usize,
    queue: Option<usize>,
    timeout: Duration,
}

impl HashingPool {
    /// A pool with the default options: one concurrent hash fewer than the machine has cores, but
    /// at least 1 and at most 16, and 256 queued checks for each, which wait for at most 10 s.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().pool()
    }

    /// The options, with the values of [`new`](Self::new).
    pub fn builder() -> HashingPoolBuilder {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let max_hashes = (cores - 1).clamp(1, MAX_DEFAULT_HASHES);
        HashingPoolBuilder { max_hashes, queue: None, timeout: TIMEOUT }
    }

    /// Runs `work`, which hashes a password, on a blocking thread and waits for its result.
    ///
    /// If the future is dropped in the queue, `work` never runs. If it is dropped later, `work`
    /// keeps its share of the limit until it ends.
    ///
    /// # Errors
    /// The queue is full, the wait in it took too long, `work` panicked, or the tokio runtime is
    /// missing or shutting down.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        run(self.enter(Check::First(None)).await?, work).await
    }

    /// As [`run`](Self::run), for a check of these credentials, which goes ahead of others if it is
    /// a [re-check](BasicCredentials::is_recheck).
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn run_for<T: Send + 'static>(
        &self,
        credentials: BasicCredentials<'_>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let check = Check::new(credentials.is_recheck(), credentials.ticket());
        run(self.enter(check).await?, work).await
    }

    /// The number of hashes that are being computed, for metrics.
    #[must_use]
    pub fn running(&self) -> usize {
        self.queue.running()
    }

    /// The number of checks that wait in the queue, for metrics.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    async fn enter(&self, check: Check<'_>) -> Result<Permit, BackendError> {
        self.queue.enter(check, self.timeout).await
    }
}

async fn run<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BackendError> {
    let running = task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    running.await.map_err(|error| runtime::task_error(&error))
}

impl Default for HashingPool {
    fn default() -> Self {
        Self::new()
    }
}

impl HashingPoolBuilder {
    /// Sets the maximum number of concurrent hashes, 1 or more. Each may need as much memory as the
    /// most expensive Argon2 or yescrypt hash.
    pub const fn with_max_hashes(mut self, hashes: usize) -> Self {
        self.max_hashes = hashes;
        self
    }

    /// Sets the maximum number of queued checks, 1 or more, and also of queued re-checks; by
    /// default 256 for each concurrent hash.
    ///
    /// Checks that a [throttle](crate::throttle) has admitted have a place until they end. By
    /// default, a peer has at most 8, so 256 places are enough for 32 peers that guess. Without a
    /// throttle, choose a length that matches how long clients wait: if a check takes a quarter of a
    /// second, the last of 40 waits for the default limit of 10 s.
    pub const fn with_queue(mut self, checks: usize) -> Self {
        self.queue = Some(checks);
        self
    }

    /// How long a check may wait in the queue; 10 s by default.
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Makes the pool.
    ///
    /// # Errors
    /// [`ConfigError::ZeroLimit`] if a limit is 0.
    pub fn build(self) -> Result<HashingPool, ConfigError> {
        ConfigError::refuse_zero([
            ("with_max_hashes", self.max_hashes == 0),
            ("with_queue", self.queue() == 0),
            ("with_timeout", self.timeout.is_zero()),
        ])?;
        Ok(self.pool())
    }

    fn queue(&self) -> usize {
        self.queue.unwrap_or(self.max_hashes.saturating_mul(QUEUE_PER_HASH))
    }

    fn pool(self) -> HashingPool {
        let queue = Arc::new(Queue::new(self.max_hashes, self.queue()));
        HashingPool { queue, timeout: self.timeout }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error as _,
        fmt,
        pin::{Pin, pin},
        sync::mpsc,
        task::{Context, Poll, Waker},
    };

    use tokio::{sync::oneshot, time};

    use super::*;

    fn pool(max_hashes: usize, queue: usize) -> HashingPool {
        HashingPool::builder().with_max_hashes(max_hashes).with_queue(queue).build().unwrap()
    }

    #[track_caller]
    fn at_once<T>(future: impl Future<Output = T>) -> T {
        match poll(pin!(future)) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn cause<T: fmt::Debug>(result: Result<T, BackendError>) -> String {
        result.unwrap_err().source().unwrap().to_string()
    }

    #[tokio::test]
    async fn hashes_on_another_thread() {
        let here = thread::current().id();
        let there = pool(1, 1).run(|| thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn an_abandoned_check_holds_its_place_until_it_ends() {
        let pool = pool(1, 1);
        let (resume, resumed) = mpsc::channel::<()>();
        let (start, started) = oneshot::channel();
        let check = tokio::spawn({
            let pool = pool.clone();
            async move {
                let work = move || {
                    start.send(()).unwrap();
                    let _ = resumed.recv();
                };
                pool.run(work).await
            }
        });
        started.await.unwrap();
        check.abort();
        assert!(check.await.unwrap_err().is_cancelled());

        let mut waiting = pin!(pool.run(|| 1));
        assert!(poll(waiting.as_mut()).is_pending());
        assert_eq!((pool.running(), pool.waiting()), (1, 1));
        let refused = at_once(pool.run(|| 2));
        assert!(refused.as_ref().is_err_and(BackendError::is_overloaded));
        drop(resume);
        assert_eq!(waiting.await.unwrap(), 1);
        assert_eq!((pool.running(), pool.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_wait_in_the_queue_ends_as_an_overload() {
        let limit = Duration::from_secs(3);
        let builder = HashingPool::builder().with_max_hashes(1).with_timeout(limit);
        let pool = builder.build().unwrap();
        let permit = pool.enter(Check::First(None)).await.unwrap();
        for check in [Check::First(None), Check::Recheck(None)] {
            let start = time::Instant::now();
            let error = pool.enter(check).await.unwrap_err();
            assert_eq!(start.elapsed(), limit);
            assert!(error.is_overloaded(), "a stale verdict must not stand in: {error:?}");
            assert_eq!(cause::<()>(Err(error)), "no turn in the queue within 3s");
        }
        drop(permit);
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_fails_only_its_own_check() {
        let pool = pool(1, 1);
        for _ in 0..3 {
            let result = pool.run(|| panic!("on purpose")).await.map(|(): ()| ());
            assert_eq!(cause(result), "the check panicked");
        }
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    }

    #[test]
    fn fails_outside_a_runtime_and_in_one_that_shuts_down() {
        let pool = pool(1, 1);
        let error = at_once(pool.run(|| ()));
        assert_eq!(cause(error), "the back end needs a tokio runtime");

        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _context = handle.enter();
        let error = at_once(pool.run(|| ())).unwrap_err();
        assert!(error.is_transient() && !error.is_overloaded());
        assert_eq!(cause::<()>(Err(error)), "the tokio runtime is shutting down");
    }

    #[test]
    fn refuses_a_limit_of_zero() {
        let builder = HashingPool::builder();
        for (builder, name) in [
            (builder.with_max_hashes(0), "with_max_hashes"),
            (builder.with_queue(0), "with_queue"),
            (builder.with_timeout(Duration::ZERO), "with_timeout"),
        ] {
            let message =
                format!("the limit {name} is 0, which refuses everything: use a larger one");
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        assert!((1..=MAX_DEFAULT_HASHES).contains(&builder.max_hashes));
        assert_eq!(builder.queue(), QUEUE_PER_HASH * builder.max_hashes);
    }
}
