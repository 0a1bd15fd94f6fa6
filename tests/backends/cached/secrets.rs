//! Digest secrets, which are kept and shared like verdicts.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, DigestAccount, DigestSecrets,
    DigestUser, HashedA1, Realm, SecretLookup, Users,
    backend::{
        AccountStatus, DigestName,
        cached::{Cached, CachedBuilder},
    },
    digest::{HashFunction, HashFunctions, Userhash},
};

use crate::support::cached_directory::{
    FakeClock, Request, begin, cached_with, nothing_runs, until, word,
};

/// A database with the user `alice`.
#[derive(Clone)]
struct Database(Arc<Inner>);

struct Inner {
    alice: Mutex<(&'static str, AccountStatus)>,
    lookups: AtomicUsize,
    rechecks: AtomicUsize,
    is_down: AtomicBool,
    hangs: AtomicBool,
}

impl Database {
    fn new() -> Self {
        Self(Arc::new(Inner {
            alice: Mutex::new(("wonder", AccountStatus::Active)),
            lookups: AtomicUsize::new(0),
            rechecks: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        }))
    }

    fn lookups(&self) -> usize {
        self.0.lookups.load(SeqCst)
    }

    fn cached(
        &self,
        options: impl FnOnce(CachedBuilder<Self>) -> CachedBuilder<Self>,
    ) -> (Cached<Self>, FakeClock) {
        cached_with(self.clone(), options)
    }
}

impl DigestSecrets for Database {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::NONE.with(HashFunction::Sha256).with(HashFunction::Md5)
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        self.0.lookups.fetch_add(1, SeqCst);
        self.0.rechecks.fetch_add(user.is_recheck().into(), SeqCst);
        if self.0.hangs.load(SeqCst) {
            pending::<()>().await;
        }
        if self.0.is_down.load(SeqCst) {
            return Err(BackendError::transient("no connection"));
        }
        let function = user.function();
        let is_alice = match user.name() {
            DigestName::UserId(name) => name == "alice",
            DigestName::Userhash(hash) => *hash == Userhash::new(function, "alice", user.realm()),
            _ => false,
        };
        let (password, status) = *self.0.alice.lock().unwrap();
        let found = is_alice.then(|| {
            let ha1 = HashedA1::new(function, "alice", user.realm(), password);
            let account = Account::new("alice").with_data(self::ha1(function, password));
            DigestAccount::new(account, ha1).with_status(status)
        });
        Ok(found.into())
    }
}

type Found = Result<SecretLookup, BackendError>;

/// A request for a secret, as the engine makes it.
fn request(
    cache: &Cached<Database>,
    function: HashFunction,
    name: &str,
    is_hash: bool,
) -> Request<Found> {
    let (cache, name) = (cache.clone(), name.to_owned());
    Box::pin(async move {
        let realm = Realm::new("proxy").unwrap();
        let hash = Userhash::new(function, &name, &realm);
        let name = if is_hash { DigestName::Userhash(&hash) } else { DigestName::UserId(&name) };
        let user = DigestUser::new(&realm, function, name);
        cache.secret(user).await
    })
}

/// The secret in the words of [`ha1`]; `none`, or `failed`.
async fn find(
    cache: &Cached<Database>,
    function: HashFunction,
    name: &str,
    is_hash: bool,
) -> String {
    match begin(&mut request(cache, function, name, is_hash)).await {
        Poll::Ready(Ok(SecretLookup::Found(found))) => {
            found.account().data::<String>().unwrap().clone()
        }
        Poll::Ready(Ok(_)) => "none".to_owned(),
        Poll::Ready(Err(_)) => "failed".to_owned(),
        Poll::Pending => panic!("it waits"),
    }
}

async fn sha256(cache: &Cached<Database>, name: &str) -> String {
    find(cache, HashFunction::Sha256, name, false).await
}

fn ha1(function: HashFunction, password: &str) -> String {
    format!("{function} of {password}")
}

#[tokio::test]
async fn each_secret_is_looked_up_once_by_function_and_name() {
    let database = Database::new();
    let (cache, _) = database.cached(|options| options);
    assert_eq!(cache.hash_functions(), database.hash_functions());
    for _ in 0..100 {
        for function in [HashFunction::Sha256, HashFunction::Md5] {
            assert_eq!(find(&cache, function, "alice", false).await, ha1(function, "wonder"));
            assert_eq!(find(&cache, function, "alice", true).await, ha1(function, "wonder"));
            assert_eq!(find(&cache, function, "Alice", false).await, "none");
            assert_eq!(find(&cache, function, "carol", true).await, "none");
        }
    }
    assert_eq!(database.lookups(), 8);
}

#[tokio::test]
async fn secrets_are_kept_longer_than_refusals() {
    let database = Database::new();
    let (cache, clock) = database.cached(|options| options);
    for (at, lookups) in [(0, 2), (4_999, 2), (5_000, 3), (9_999, 3), (59_999, 4), (60_000, 5)] {
        clock.set(at);
        assert_eq!(sha256(&cache, "alice").await, ha1(HashFunction::Sha256, "wonder"));
        assert_eq!(sha256(&cache, "carol").await, "none");
        assert_eq!(database.lookups(), lookups, "{at}");
    }
}

#[tokio::test]
async fn a_changed_secret_needs_invalidation_or_expiry() {
    let database = Database::new();
    let (cache, clock) = database.cached(|options| options);
    let [old, changed] = ["wonder", "changed"].map(|it| ha1(HashFunction::Sha256, it));
    for is_hash in [false, true] {
        assert_eq!(find(&cache, HashFunction::Sha256, "alice", is_hash).await, old);
    }
    database.0.alice.lock().unwrap().0 = "changed";
    clock.set(59_999);
    assert_eq!(sha256(&cache, "alice").await, old);
    cache.invalidate("alice");
    for is_hash in [false, true] {
        assert_eq!(find(&cache, HashFunction::Sha256, "alice", is_hash).await, changed);
    }
    database.0.alice.lock().unwrap().0 = "wonder";
    clock.set(59_999 + 60_000);
    assert_eq!(sha256(&cache, "alice").await, old);
}

#[tokio::test]
async fn a_disabled_account_is_looked_up_again_soon() {
    let database = Database::new();
    let (cache, clock) =
        database.cached(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    database.0.alice.lock().unwrap().1 = AccountStatus::Disabled;
    for (at, lookups) in [(0, 1), (4_999, 1), (5_000, 2)] {
        clock.set(at);
        sha256(&cache, "alice").await;
        assert_eq!(database.lookups(), lookups, "{at}");
    }
    database.0.is_down.store(true, SeqCst);
    clock.set(10_000);
    assert_eq!(sha256(&cache, "alice").await, "failed", "it does not stand in");
}

#[tokio::test]
async fn uses_a_stale_secret_if_allowed() {
    for (stale, at, expected) in
        [(0, 60_000, false), (120, 60_000, true), (120, 179_999, true), (120, 180_000, false)]
    {
        let database = Database::new();
        let (cache, clock) =
            database.cached(|options| options.allow_stale_if_error(Duration::from_secs(stale)));
        assert_eq!(sha256(&cache, "carol").await, "none");
        let known = sha256(&cache, "alice").await;
        database.0.is_down.store(true, SeqCst);
        clock.set(at);
        let expected = if expected { &known } else { "failed" };
        assert_eq!(sha256(&cache, "alice").await, expected, "{stale} at {at}");
        assert_eq!(sha256(&cache, "carol").await, "failed");
        assert_eq!(find(&cache, HashFunction::Md5, "alice", false).await, "failed");
    }
}

#[tokio::test]
async fn requests_for_one_secret_share_a_lookup() {
    let database = Database::new();
    let (cache, _) = database.cached(|options| options);
    database.0.hangs.store(true, SeqCst);
    let mut waiting: Vec<_> =
        (0..200).map(|_| request(&cache, HashFunction::Sha256, "alice", false)).collect();
    for request in &mut waiting {
        assert!(begin(request).await.is_pending());
    }
    assert_eq!(database.lookups(), 1);
    drop(waiting);
    until(|| format!("{cache:?}").contains("running: 0")).await;
    nothing_runs(&cache);
}

#[tokio::test]
async fn one_cache_serves_both_schemes() {
    let realm = Realm::new("proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let cache = Cached::new(users).unwrap();
    let user = DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId("alice"));
    for _ in 0..2 {
        let refused = cache.validate(BasicCredentials::new(&realm, "alice", "")).await;
        assert_eq!(word(refused), "wrong");
        assert!(matches!(cache.secret(user).await, Ok(SecretLookup::Found(_))));
    }
}

/// A client can invent any number of parameters.
#[tokio::test]
async fn secrets_for_names_with_parameters_are_not_kept() {
    let database = Database::new();
    let (cache, _) = database.cached(|options| options);
    let realm = Realm::new("proxy").unwrap();
    let user = DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId("alice"));
    for lookups in 1..4 {
        let found = cache.secret(user.with_hashed_name("alice;country=jp")).await;
        assert!(matches!(found, Ok(SecretLookup::Found(_))));
        assert_eq!(database.lookups(), lookups);
    }
    assert_eq!(sha256(&cache, "alice").await, ha1(HashFunction::Sha256, "wonder"));
}

/// So that invented names cannot fill the queue of a database against users who are logged in.
#[tokio::test]
async fn only_look_ups_that_renew_a_secret_are_marked_as_rechecks() {
    let database = Database::new();
    let (cache, clock) = database.cached(|options| options);
    for (at, lookups, rechecks) in [(0, 2, 0), (60_000, 4, 1), (120_000, 6, 2)] {
        clock.set(at);
        sha256(&cache, "alice").await;
        sha256(&cache, "carol").await;
        let counts = [&database.0.lookups, &database.0.rechecks].map(|count| count.load(SeqCst));
        assert_eq!(counts, [lookups, rechecks], "{at}");
    }
    let realm = Realm::new("proxy").unwrap();
    let user = DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId("alice"));
    assert!(cache.secret(user.with_recheck(true)).await.is_ok());
    assert_eq!(database.0.rechecks.load(SeqCst), 3, "a mark of the caller's is kept");
}

#[tokio::test]
async fn a_reported_change_takes_effect_at_once() {
    let realm = Realm::new("proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let cache = Cached::new(users.clone()).unwrap();
    let user = DigestUser::new(&realm, HashFunction::Sha256, DigestName::UserId("alice"));
    let expected = |password| HashedA1::new(HashFunction::Sha256, "alice", &realm, password);
    for password in ["wonder", "changed"] {
        users.set("alice", password).unwrap();
        for _ in 0..2 {
            let Ok(SecretLookup::Found(found)) = cache.secret(user).await else {
                panic!("{password}");
            };
            let (found, expected) = (found.ha1().expose_hex(), expected(password).expose_hex());
            assert_eq!(*found, *expected, "{password}");
        }
    }
    users.remove("alice");
    assert!(matches!(cache.secret(user).await, Ok(SecretLookup::Unknown)));
}
