//! Tests a flood of guesses, with back ends that use the shared queue.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{sync::Semaphore, task::yield_now};

use super::Cached;
use crate::{
    Users,
    backend::{BasicCredentials, CredentialValidator, ValidatorChain, Verdict, queue::Queue},
    clock::{Clock, Timestamp},
    error::BackendError,
    identity::Account,
    wire::Realm,
};

/// Answers one check for each permit.
struct Slow {
    queue: Queue,
    permits: Arc<Semaphore>,
    verdict: fn(&str) -> Verdict,
}

impl CredentialValidator for Slow {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let _permit = self.queue.enter(credentials.is_recheck()).await?;
        self.permits.acquire().await.map_err(BackendError::new)?.forget();
        Ok((self.verdict)(credentials.password()))
    }
}

/// A clock in milliseconds.
#[derive(Clone, Debug, Default)]
struct TestClock(Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst) * 1_000)
    }
}

struct Fixture<V> {
    cache: Cached<V>,
    clock: TestClock,
    permits: Arc<Semaphore>,
}

type Login = Pin<Box<dyn Future<Output = &'static str>>>;

impl<V: CredentialValidator> Fixture<V> {
    /// A cache around a back end with this many places to wait, in which alice is logged in.
    async fn new(waiting: usize, wrap: fn(Slow) -> V) -> Self {
        let permits = Arc::new(Semaphore::new(1));
        let verdict = |password: &str| match password {
            "wonder" => Verdict::Accepted(Account::new("alice")),
            _ => Verdict::UnknownUser,
        };
        let queue = Queue::new(1, waiting);
        let clock = TestClock::default();
        let cache = Cached::builder(wrap(Slow { queue, permits: Arc::clone(&permits), verdict }))
            .with_clock(clock.clone())
            .allow_stale_if_error(Duration::from_secs(3_600))
            .build()
            .unwrap();
        let fixture = Self { cache, clock, permits };
        assert_eq!(poll(&mut fixture.login("wonder")).await, Poll::Ready("accepted"));
        fixture
    }

    fn login(&self, password: &str) -> Login {
        let (cache, password) = (self.cache.clone(), password.to_owned());
        Box::pin(async move {
            let realm = Realm::new("proxy").unwrap();
            match cache.validate(BasicCredentials::new(&realm, "alice", &password)).await {
                Ok(Verdict::Accepted(_)) => "accepted",
                Ok(_) => "refused",
                Err(error) if error.is_overloaded() => "overloaded",
                Err(error) => panic!("{error:?}"),
            }
        })
    }

    /// Fills the queue: one guess runs, the others wait.
    async fn flood(&self, waiting: usize) -> Vec<Login> {
        let mut guesses: Vec<_> =
            (0..=waiting).map(|guess| self.login(&format!("guess {guess}"))).collect();
        for guess in &mut guesses {
            assert!(poll(guess).await.is_pending());
        }
        assert_eq!(poll(&mut self.login("another guess")).await, Poll::Ready("overloaded"));
        guesses
    }

    /// Answers one check.
    fn let_go(&self) {
        self.permits.add_permits(1);
    }
}

/// Polls until everything waits.
async fn poll(login: &mut Login) -> Poll<&'static str> {
    for _ in 0..8 {
        let polled = login.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_ready() {
            return polled;
        }
        yield_now().await;
    }
    Poll::Pending
}

/// The re-check waits for the running guess, but not for the queued ones.
async fn is_rechecked_before_guesses<V: CredentialValidator>(fixture: Fixture<V>) {
    let mut guesses = fixture.flood(2).await;
    assert_eq!(poll(&mut fixture.login("wonder")).await, Poll::Ready("accepted"), "it is kept");
    fixture.clock.0.store(60_000, SeqCst);
    let mut alice = fixture.login("wonder");
    assert!(poll(&mut alice).await.is_pending());
    fixture.let_go();
    assert!(poll(&mut alice).await.is_pending());
    assert_eq!(poll(&mut guesses.remove(0)).await, Poll::Ready("refused"));
    fixture.let_go();
    assert_eq!(poll(&mut alice).await, Poll::Ready("accepted"));
    for guess in &mut guesses {
        assert!(poll(guess).await.is_pending());
    }
}

#[tokio::test]
async fn a_kept_verdict_is_rechecked_before_guesses() {
    is_rechecked_before_guesses(Fixture::new(2, |slow| slow).await).await;
}

#[tokio::test]
async fn a_recheck_passes_an_overloaded_first_member() {
    let chain = |mut slow: Slow| {
        slow.verdict = |_| Verdict::UnknownUser;
        let users = Users::new(&Realm::new("proxy").unwrap());
        ValidatorChain::new().with(slow).with(users.with_user("alice", "wonder").unwrap())
    };
    is_rechecked_before_guesses(Fixture::new(2, chain).await).await;
}

#[tokio::test]
async fn a_full_queue_uses_no_stale_verdict() {
    let fixture = Fixture::new(0, |slow| slow).await;
    let guesses = fixture.flood(0).await;
    fixture.clock.0.store(60_000, SeqCst);
    for _ in 0..2 {
        assert_eq!(poll(&mut fixture.login("wonder")).await, Poll::Ready("overloaded"));
    }
    drop(guesses);
    yield_now().await;
    fixture.let_go();
    assert_eq!(poll(&mut fixture.login("wonder")).await, Poll::Ready("accepted"));
}
