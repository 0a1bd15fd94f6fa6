//! A back end that counts what it is asked, can be slow, can fail, and whose users change.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::sync::Semaphore;
use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::cached::{Cached, CachedBuilder},
    clock::{Clock, Timestamp},
};

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    pub(crate) fn new() -> Self {
        let clock = Self(Arc::default());
        clock.set(0);
        clock
    }

    /// Puts the clock so long after the beginning of the test, in milliseconds.
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(10_000_000_000_u64.checked_add_signed(millis * 1_000).unwrap(), SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst))
    }
}

/// What is stored of a user.
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
    asked: AtomicUsize,
    under_way: AtomicUsize,
    is_down: AtomicBool,
    panics: AtomicBool,
    /// Whether [`revision`](CredentialValidator::revision) tells of changes.
    tells: AtomicBool,
    changes: AtomicU64,
    /// What is asked waits for one of these.
    answers: Semaphore,
    is_gated: AtomicBool,
}

impl Directory {
    /// `alice` with `wonder` and `bob` with `builder`.
    pub(crate) fn new() -> Self {
        let directory = Self(Arc::new(Inner {
            users: Mutex::default(),
            asked: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            tells: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            answers: Semaphore::new(0),
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
    }

    pub(crate) fn tells_of_changes(self) -> Self {
        self.0.tells.store(true, SeqCst);
        self
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, SeqCst);
    }

    pub(crate) fn panics(&self, panics: bool) {
        self.0.panics.store(panics, SeqCst);
    }

    /// From now on nothing is answered until it is let go.
    pub(crate) fn wait(&self) {
        self.0.is_gated.store(true, SeqCst);
    }

    /// Answers so many of those that wait, or that will.
    pub(crate) fn let_go(&self, answers: usize) {
        self.0.answers.add_permits(answers);
    }

    /// How often it has been asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(SeqCst)
    }

    /// How many questions it is busy with.
    pub(crate) fn under_way(&self) -> usize {
        self.0.under_way.load(SeqCst)
    }

    /// A cache round it, with a clock for it: lifetimes are 60 s, and 5 s for refusals.
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

/// A cache round it, with a clock for it.
pub(crate) fn cached_with<T>(
    inner: T,
    options: impl FnOnce(CachedBuilder<T>) -> CachedBuilder<T>,
) -> (Cached<T>, FakeClock) {
    let clock = FakeClock::new();
    let builder = Cached::builder(inner).with_clock(clock.clone());
    (options(builder).build().unwrap(), clock)
}

/// Counts down when a question is answered or dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl CredentialValidator for Directory {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let inner = &*self.0;
        inner.asked.fetch_add(1, SeqCst);
        inner.under_way.fetch_add(1, SeqCst);
        let _under_way = UnderWay(&inner.under_way);
        // It knows the name in two spellings, and answers from what it held when it was asked.
        let name = credentials.user_id().to_ascii_lowercase();
        let stored = inner.users.lock().unwrap().get(&*name).cloned();
        if inner.is_gated.load(SeqCst) {
            inner.answers.acquire().await.unwrap().forget();
        }
        assert!(!inner.panics.load(SeqCst), "the directory panics");
        if inner.is_down.load(SeqCst) {
            return Err(BackendError::transient("no connection"));
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
        if self.0.tells.load(SeqCst) { self.0.changes.load(SeqCst) } else { 0 }
    }
}

/// What an answer comes to, in a word.
pub(crate) fn word(answer: Result<Verdict, BackendError>) -> &'static str {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted",
        Ok(Verdict::WrongPassword) => "wrong",
        Ok(Verdict::UnknownUser) => "unknown",
        Ok(Verdict::Disabled(_)) => "disabled",
        Ok(Verdict::Expired(_)) => "expired",
        Ok(other) => panic!("{other:?}"),
        Err(_) => "failed",
    }
}

/// A request as the engine makes it, from its first question to its answer.
pub(crate) fn request<V: CredentialValidator>(
    cache: &Cached<V>,
    name: &str,
    password: &str,
) -> Pin<Box<dyn Future<Output = &'static str> + Send>> {
    let (cache, name, password) = (cache.clone(), name.to_owned(), password.to_owned());
    Box::pin(async move {
        let realm = Realm::new("proxy").unwrap();
        let credentials = BasicCredentials::new(&realm, &name, &password);
        word(cache.validate(credentials).await)
    })
}

/// The answer to a request that does not wait.
#[track_caller]
pub(crate) fn ask<V: CredentialValidator>(
    cache: &Cached<V>,
    name: &str,
    password: &str,
) -> &'static str {
    match begin(&mut request(cache, name, password)) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// Polls a request, with nobody to wake.
pub(crate) fn begin<T>(request: &mut Pin<Box<dyn Future<Output = T> + Send>>) -> Poll<T> {
    request.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Checks that no question is on the list of those that wait for an answer.
#[track_caller]
pub(crate) fn nothing_is_under_way<T>(cache: &Cached<T>) {
    let shown = format!("{cache:?}");
    // Of verdicts and of secrets.
    assert_eq!(shown.matches("in_flight: 0 ").count(), 2, "{shown}");
}

/// Lets other tasks run until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let mut turns = 0;
    let mut waits = pin!(poll_fn(|context| {
        turns += 1;
        assert!(turns < 1_000_000, "it never comes to that");
        if is_so() {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }));
    waits.as_mut().await;
}
