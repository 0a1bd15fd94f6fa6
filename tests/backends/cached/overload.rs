//! Tests a flood of guesses, with a back end that uses a `HashingPool`.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    task::Poll,
    time::Duration,
};

use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, Realm, Users, Verdict,
    backend::{ValidatorChain, cached::Cached, password_hash::HashingPool},
};

use crate::support::cached_directory::{FakeClock, Request, begin, cached_with};

/// Runs one check at a time, each of which waits until it is let go.
struct Slow {
    pool: HashingPool,
    gate: Arc<Mutex<Receiver<()>>>,
    /// The passwords in the order of their checks.
    order: Arc<Mutex<Vec<String>>>,
    verdict: fn(&str, &str) -> Verdict,
}

impl CredentialValidator for Slow {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let (owned, verdict) = (credentials.to_owned(), self.verdict);
        let (gate, order) = (Arc::clone(&self.gate), Arc::clone(&self.order));
        let check = move || {
            let credentials = owned.as_borrowed();
            order.lock().unwrap().push(credentials.password().to_owned());
            let _ = gate.lock().unwrap().recv();
            verdict(credentials.user_id(), credentials.password())
        };
        self.pool.run_for(credentials, check).await
    }
}

/// A cache around a back end, in which alice and bob are logged in.
struct Fixture<V> {
    cache: Cached<V>,
    clock: FakeClock,
    let_go: Sender<()>,
    order: Arc<Mutex<Vec<String>>>,
}

impl<V: CredentialValidator> Fixture<V> {
    /// `waiting` checks may wait, and as many re-checks.
    async fn new(waiting: usize, wrap: fn(Slow) -> V) -> Self {
        let (let_go, gate) = channel();
        let pool = HashingPool::builder().with_max_hashes(1).with_queue(waiting).build().unwrap();
        let order = Arc::default();
        let verdict = |name: &str, password: &str| match password {
            "wonder" => Verdict::Accepted(Account::new(name)),
            _ => Verdict::UnknownUser,
        };
        let (gate, seen) = (Arc::new(Mutex::new(gate)), Arc::clone(&order));
        let (cache, clock) =
            cached_with(wrap(Slow { pool, gate, order: seen, verdict }), |options| {
                options.allow_stale_if_error(Duration::from_secs(3_600))
            });
        let fixture = Self { cache, clock, let_go, order };
        for name in ["alice", "bob"] {
            fixture.let_go(1);
            assert_eq!(fixture.login(name, "wonder").await, "accepted");
        }
        fixture.order.lock().unwrap().clear();
        fixture
    }

    fn login(&self, name: &str, password: &str) -> Request<&'static str> {
        let (cache, name, password) = (self.cache.clone(), name.to_owned(), password.to_owned());
        Box::pin(async move {
            let realm = Realm::new("proxy").unwrap();
            match cache.validate(BasicCredentials::new(&realm, &name, &password)).await {
                Ok(Verdict::Accepted(_)) => "accepted",
                Ok(_) => "refused",
                Err(error) if error.is_overloaded() => "overloaded",
                Err(error) => panic!("{error:?}"),
            }
        })
    }

    /// Fills the queue: one guess runs, the others wait.
    async fn flood(&self, waiting: usize) -> Vec<Request<&'static str>> {
        let mut guesses: Vec<_> =
            (0..=waiting).map(|guess| self.login("alice", &format!("guess {guess}"))).collect();
        for guess in &mut guesses {
            assert!(begin(guess).await.is_pending());
        }
        assert_eq!(begin(&mut self.login("alice", "more")).await, Poll::Ready("overloaded"));
        guesses
    }

    /// Answers so many checks.
    fn let_go(&self, checks: usize) {
        for _ in 0..checks {
            self.let_go.send(()).unwrap();
        }
    }
}

/// The re-check waits for the running guess, but not for the queued ones.
async fn is_rechecked_before_guesses<V: CredentialValidator>(fixture: Fixture<V>) {
    let guesses = fixture.flood(2).await;
    assert_eq!(fixture.login("alice", "wonder").await, "accepted", "it is kept");
    fixture.clock.set(60_000);
    let mut alice = fixture.login("alice", "wonder");
    assert!(begin(&mut alice).await.is_pending());
    fixture.let_go(4);
    assert_eq!(alice.await, "accepted");
    for guess in guesses {
        assert_eq!(guess.await, "refused");
    }
    assert_eq!(*fixture.order.lock().unwrap(), ["guess 0", "wonder", "guess 1", "guess 2"]);
}

#[tokio::test]
async fn a_kept_verdict_is_rechecked_before_guesses() {
    is_rechecked_before_guesses(Fixture::new(2, |slow| slow).await).await;
}

#[tokio::test]
async fn a_recheck_passes_an_overloaded_first_member() {
    let chain = |mut slow: Slow| {
        slow.verdict = |_, _| Verdict::UnknownUser;
        let users = Users::new(&Realm::new("proxy").unwrap());
        let users = users.with_user("alice", "wonder").unwrap();
        ValidatorChain::new().with(slow).with(users.with_user("bob", "wonder").unwrap())
    };
    is_rechecked_before_guesses(Fixture::new(2, chain).await).await;
}

#[tokio::test]
async fn a_full_queue_uses_no_stale_verdict() {
    let fixture = Fixture::new(1, |slow| slow).await;
    let guesses = fixture.flood(1).await;
    fixture.clock.set(60_000);
    let mut bob = fixture.login("bob", "wonder");
    assert!(begin(&mut bob).await.is_pending(), "the only re-check that may wait");
    for _ in 0..2 {
        assert_eq!(begin(&mut fixture.login("alice", "wonder")).await, Poll::Ready("overloaded"));
    }
    fixture.let_go(3);
    assert_eq!(bob.await, "accepted");
    for guess in guesses {
        assert_eq!(guess.await, "refused");
    }
    fixture.let_go(1);
    assert_eq!(fixture.login("alice", "wonder").await, "accepted");
}
