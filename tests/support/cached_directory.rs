//! A back end that counts its checks, can be slow, can fail, and whose users change.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{sync::Semaphore, task::yield_now};
use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, Realm, UserId, Verdict,
    backend::cached::{Cached, CachedBuilder},
    clock::{Clock, Timestamp},
    revocation::Revocations,
};

/// A clock that only moves when it is set.
#[derive(Clone, Debug)]
pub(crate) struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    pub(crate) fn new() -> Self {
        let clock = Self(Arc::default());
        clock.set(0);
        clock
    }

    /// Sets the clock to this many milliseconds after the start of the test.
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(10_000_000_000_u64.checked_add_signed(millis * 1_000).unwrap(), SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst))
    }
}

/// The record of a user.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) password: &'static str,
    pub(crate) verdict: fn(Account) -> Verdict,
    pub(crate) max_age: Option<Duration>,
}

/// The back end. Clones share it.
#[derive(Clone)]
pub(crate) struct Directory(Arc<Inner>);

struct Inner {
    users: Mutex<HashMap<&'static str, Stored>>,
    checks: AtomicUsize,
    rechecks: AtomicUsize,
    running: AtomicUsize,
    error: Mutex<Option<BackendError>>,
    panics: AtomicBool,
    /// Whether the version changes and users are revoked when they change.
    reports_changes: AtomicBool,
    changes: AtomicU64,
    registries: Mutex<Vec<Revocations>>,
    /// Checks wait for a permit while `is_gated`.
    permits: Semaphore,
    is_gated: AtomicBool,
}

impl Directory {
    /// `alice` with `wonder` and `bob` with `builder`.
    pub(crate) fn new() -> Self {
        let directory = Self(Arc::new(Inner {
            users: Mutex::default(),
            checks: AtomicUsize::new(0),
            rechecks: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            error: Mutex::default(),
            panics: AtomicBool::new(false),
            reports_changes: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            registries: Mutex::default(),
            permits: Semaphore::new(0),
            is_gated: AtomicBool::new(false),
        }));
        directory.set("alice", "wonder");
        directory.set("bob", "builder");
        directory
    }

    pub(crate) fn set(&self, name: &'static str, password: &'static str) {
        self.store(name, Stored { password, verdict: Verdict::Accepted, max_age: None });
    }

    pub(crate) fn store(&self, name: &'static str, stored: Stored) {
        self.0.users.lock().unwrap().insert(name, stored);
        self.0.changes.fetch_add(1, SeqCst);
        if self.0.reports_changes.load(SeqCst) {
            for revocations in &*self.0.registries.lock().unwrap() {
                revocations.revoke_in_all_realms(&UserId::new(name));
            }
        }
    }

    pub(crate) fn reporting_changes(self) -> Self {
        self.0.reports_changes.store(true, SeqCst);
        self
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        self.fail(is_down.then(|| BackendError::transient("no connection")));
    }

    /// Answers every check with this error.
    pub(crate) fn fail(&self, error: Option<BackendError>) {
        *self.0.error.lock().unwrap() = error;
    }

    pub(crate) fn panics(&self, panics: bool) {
        self.0.panics.store(panics, SeqCst);
    }

    /// Makes all checks from now on wait for [`let_go`](Self::let_go).
    pub(crate) fn wait(&self) {
        self.0.is_gated.store(true, SeqCst);
    }

    /// Answers this many checks, running or future.
    pub(crate) fn let_go(&self, checks: usize) {
        self.0.permits.add_permits(checks);
    }

    /// How many checks there have been.
    pub(crate) fn checks(&self) -> usize {
        self.0.checks.load(SeqCst)
    }

    /// How many of them were marked as re-checks.
    pub(crate) fn rechecks(&self) -> usize {
        self.0.rechecks.load(SeqCst)
    }

    /// How many checks are running.
    pub(crate) fn running(&self) -> usize {
        self.0.running.load(SeqCst)
    }

    /// A cache around it, and its clock. Lifetimes are 60 s, and 5 s for refusals.
    pub(crate) fn cached(&self) -> (Cached<Self>, FakeClock) {
        self.cached_with(|options| options)
    }

    pub(crate) fn cached_with(
        &self,
        options: impl FnOnce(CachedBuilder<Self>) -> CachedBuilder<Self>,
    ) -> (Cached<Self>, FakeClock) {
        cached_with(self.clone(), options)
    }
}

/// A cache around `inner`, and its clock.
pub(crate) fn cached_with<T>(
    inner: T,
    options: impl FnOnce(CachedBuilder<T>) -> CachedBuilder<T>,
) -> (Cached<T>, FakeClock) {
    let clock = FakeClock::new();
    let builder = Cached::builder(inner).with_clock(clock.clone());
    (options(builder).build().unwrap(), clock)
}

/// Counts a check while it runs.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, SeqCst);
        Self(running)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl CredentialValidator for Directory {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let inner = &*self.0;
        inner.checks.fetch_add(1, SeqCst);
        inner.rechecks.fetch_add(credentials.is_recheck().into(), SeqCst);
        let _counted = Counted::new(&inner.running);
        // Names fold case. The record is read before the wait.
        let name = credentials.user_id().to_ascii_lowercase();
        let stored = inner.users.lock().unwrap().get(&*name).cloned();
        if inner.is_gated.load(SeqCst) {
            inner.permits.acquire().await.unwrap().forget();
        }
        assert!(!inner.panics.load(SeqCst), "the directory panics");
        if let Some(error) = inner.error.lock().unwrap().clone() {
            return Err(error);
        }
        let is_right = credentials.verify(stored.as_ref().map(|stored| stored.password));
        Ok(match stored {
            None => Verdict::UnknownUser,
            Some(_) if !is_right => Verdict::WrongPassword,
            Some(stored) => {
                let account = Account::new(name);
                (stored.verdict)(match stored.max_age {
                    Some(max_age) => account.with_max_age(max_age),
                    None => account,
                })
            }
        })
    }

    fn version(&self) -> u64 {
        if self.0.reports_changes.load(SeqCst) { self.0.changes.load(SeqCst) } else { 0 }
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.registries.lock().unwrap().push(revocations.clone());
    }
}

/// The answer in a word.
pub(crate) fn word(answer: Result<Verdict, BackendError>) -> &'static str {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted",
        Ok(Verdict::WrongPassword | Verdict::WrongPasswordOf(_)) => "wrong",
        Ok(Verdict::UnknownUser) => "unknown",
        Ok(Verdict::Disabled(_)) => "disabled",
        Ok(Verdict::Expired(_)) => "expired",
        Ok(Verdict::Unusable(_)) => "unusable",
        Ok(other) => panic!("{other:?}"),
        Err(_) => "failed",
    }
}

pub(crate) type Request<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request as the engine makes it.
pub(crate) fn request<V: CredentialValidator>(
    cache: &Cached<V>,
    name: &str,
    password: &str,
) -> Request<&'static str> {
    let (cache, name, password) = (cache.clone(), name.to_owned(), password.to_owned());
    Box::pin(async move {
        let realm = Realm::new("proxy").unwrap();
        let credentials = BasicCredentials::new(&realm, &name, &password);
        word(cache.validate(credentials).await)
    })
}

/// The answer to a request that does not wait.
pub(crate) async fn ask<V: CredentialValidator>(
    cache: &Cached<V>,
    name: &str,
    password: &str,
) -> &'static str {
    match begin(&mut request(cache, name, password)).await {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// Polls a request until it ends, or until it and all tasks wait for something. Call it on a
/// current-thread runtime.
pub(crate) async fn begin<T>(request: &mut Request<T>) -> Poll<T> {
    for _ in 0..4 {
        let polled = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_ready() {
            return polled;
        }
        yield_now().await;
    }
    Poll::Pending
}

/// Checks that no check is running, or about to end.
#[track_caller]
pub(crate) fn nothing_runs<T>(cache: &Cached<T>) {
    let shown = format!("{cache:?}");
    assert!(shown.contains("running: 0"), "{shown}");
    assert_eq!(shown.matches("running: ").count(), shown.matches("running: 0").count(), "{shown}");
}

/// Lets other tasks run until a condition holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if condition() {
            return;
        }
        yield_now().await;
    }
    panic!("the condition never holds");
}
