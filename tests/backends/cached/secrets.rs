//! Digest secrets, which are kept and shared as verdicts are.

use std::{
    future::pending,
    pin::Pin,
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

use crate::support::cached_directory::{FakeClock, begin, cached_with, nothing_is_under_way, word};

/// A database of `alice`, who can be given another password or be locked out.
#[derive(Clone)]
struct Database(Arc<Inner>);

struct Inner {
    alice: Mutex<(&'static str, AccountStatus)>,
    asked: AtomicUsize,
    is_down: AtomicBool,
    hangs: AtomicBool,
}

impl Database {
    fn new() -> Self {
        Self(Arc::new(Inner {
            alice: Mutex::new(("wonder", AccountStatus::Active)),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        }))
    }

    fn asked(&self) -> usize {
        self.0.asked.load(SeqCst)
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
        self.0.asked.fetch_add(1, SeqCst);
        if self.0.hangs.load(SeqCst) {
            pending::<()>().await;
        }
        if self.0.is_down.load(SeqCst) {
            return Err(BackendError::transient("no connection"));
        }
        let function = user.function();
        let is_alice = match user.name() {
            DigestName::UserId(name) => name == "alice",
            DigestName::Userhash(hash) => *hash == Userhash::new(function, "alice", "proxy"),
            _ => false,
        };
        let (password, standing) = *self.0.alice.lock().unwrap();
        Ok(is_alice.then(|| {
            let ha1 = HashedA1::new(function, "alice", "proxy", password);
            let account = Account::new("alice").with_data(self::ha1(function, password));
            DigestAccount::new(account, ha1).with_status(standing)
        }))
    }
}

type Found = Result<Option<DigestAccount>, BackendError>;

/// A request for a secret as the engine makes it.
fn request(
    cache: &Cached<Database>,
    function: HashFunction,
    name: &str,
    is_hash: bool,
) -> Pin<Box<dyn Future<Output = Found> + Send>> {
    let (cache, name) = (cache.clone(), name.to_owned());
    Box::pin(async move {
        let realm = Realm::new("proxy").unwrap();
        let hash = Userhash::new(function, &name, "proxy");
        let name = if is_hash { DigestName::Userhash(&hash) } else { DigestName::UserId(&name) };
        let user = DigestUser::new(&realm, function, name);
        match cache.secret_now(user) {
            Some(answer) => answer,
            None => cache.secret(user).await,
        }
    })
}

/// Which secret it is, as [`ha1`] puts it; `none`, or `failed`.
#[track_caller]
fn find(cache: &Cached<Database>, function: HashFunction, name: &str, is_hash: bool) -> String {
    match begin(&mut request(cache, function, name, is_hash)) {
        Poll::Ready(Ok(Some(found))) => found.account().data::<String>().unwrap().clone(),
        Poll::Ready(Ok(None)) => "none".to_owned(),
        Poll::Ready(Err(_)) => "failed".to_owned(),
        Poll::Pending => panic!("it waits"),
    }
}

fn sha256(cache: &Cached<Database>, name: &str) -> String {
    find(cache, HashFunction::Sha256, name, false)
}

fn ha1(function: HashFunction, password: &str) -> String {
    format!("{function} of {password}")
}

#[test]
fn each_secret_is_asked_for_once_by_function_and_by_kind_of_name() {
    let database = Database::new();
    let (cache, _) = database.cached(|options| options);
    assert_eq!(cache.hash_functions(), database.hash_functions());
    for _ in 0..100 {
        for function in [HashFunction::Sha256, HashFunction::Md5] {
            assert_eq!(find(&cache, function, "alice", false), ha1(function, "wonder"));
            assert_eq!(find(&cache, function, "alice", true), ha1(function, "wonder"));
            assert_eq!(find(&cache, function, "Alice", false), "none");
            assert_eq!(find(&cache, function, "carol", true), "none");
        }
    }
    assert_eq!(database.asked(), 8);
}

#[test]
fn secrets_are_kept_for_longer_than_their_absence() {
    let database = Database::new();
    let (cache, clock) = database.cached(|options| options);
    for (at, asked) in [(0, 2), (4_999, 2), (5_000, 3), (9_999, 3), (59_999, 4), (60_000, 5)] {
        clock.set(at);
        assert_eq!(sha256(&cache, "alice"), ha1(HashFunction::Sha256, "wonder"));
        assert_eq!(sha256(&cache, "carol"), "none");
        assert_eq!(database.asked(), asked, "{at}");
    }
}

#[test]
fn a_changed_secret_is_in_force_after_an_invalidation_or_the_lifetime() {
    let database = Database::new();
    let (cache, clock) = database.cached(|options| options);
    let [old, changed] = ["wonder", "changed"].map(|it| ha1(HashFunction::Sha256, it));
    for is_hash in [false, true] {
        assert_eq!(find(&cache, HashFunction::Sha256, "alice", is_hash), old);
    }
    database.0.alice.lock().unwrap().0 = "changed";
    clock.set(59_999);
    assert_eq!(sha256(&cache, "alice"), old);
    cache.invalidate("alice");
    for is_hash in [false, true] {
        assert_eq!(find(&cache, HashFunction::Sha256, "alice", is_hash), changed);
    }
    database.0.alice.lock().unwrap().0 = "wonder";
    clock.set(59_999 + 60_000);
    assert_eq!(sha256(&cache, "alice"), old);
}

#[test]
fn an_account_that_is_locked_out_is_asked_about_soon_again() {
    let database = Database::new();
    let (cache, clock) =
        database.cached(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    database.0.alice.lock().unwrap().1 = AccountStatus::Disabled;
    for (at, asked) in [(0, 1), (4_999, 1), (5_000, 2)] {
        clock.set(at);
        sha256(&cache, "alice");
        assert_eq!(database.asked(), asked, "{at}");
    }
    database.0.is_down.store(true, SeqCst);
    clock.set(10_000);
    assert_eq!(sha256(&cache, "alice"), "failed", "it does not stand in");
}

#[test]
fn a_secret_stands_in_for_a_database_that_fails_where_that_is_allowed() {
    for (stale, at, expected) in
        [(0, 60_000, false), (120, 60_000, true), (120, 179_999, true), (120, 180_000, false)]
    {
        let database = Database::new();
        let (cache, clock) =
            database.cached(|options| options.allow_stale_if_error(Duration::from_secs(stale)));
        assert_eq!(sha256(&cache, "carol"), "none");
        let known = sha256(&cache, "alice");
        database.0.is_down.store(true, SeqCst);
        clock.set(at);
        let expected = if expected { &known } else { "failed" };
        assert_eq!(sha256(&cache, "alice"), expected, "{stale} at {at}");
        assert_eq!(sha256(&cache, "carol"), "failed");
        assert_eq!(find(&cache, HashFunction::Md5, "alice", false), "failed");
    }
}

#[test]
fn requests_for_one_secret_share_a_question() {
    let database = Database::new();
    let (cache, _) = database.cached(|options| options);
    database.0.hangs.store(true, SeqCst);
    let mut waiting: Vec<_> =
        (0..200).map(|_| request(&cache, HashFunction::Sha256, "alice", false)).collect();
    for request in &mut waiting {
        assert!(begin(request).is_pending());
    }
    assert_eq!(database.asked(), 1);
    drop(waiting);
    nothing_is_under_way(&cache);
}

#[test]
fn one_cache_serves_both_schemes_and_mixes_up_nothing() {
    let realm = Realm::new("proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let cache = Cached::new(users).unwrap();
    let user = DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId("alice"));
    let (kept, asks) = (cache.clone(), realm.clone());
    let mut basic: Pin<Box<dyn Future<Output = &str> + Send>> =
        Box::pin(
            async move { word(kept.validate(BasicCredentials::new(&asks, "alice", "")).await) },
        );
    assert_eq!(begin(&mut basic), Poll::Ready("wrong"));
    assert!(cache.secret_now(user).is_none(), "what Basic was told is nothing to Digest");
}

#[tokio::test]
async fn a_change_that_the_source_knows_of_is_in_force_at_once() {
    let realm = Realm::new("proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let cache = Cached::new(users.clone()).unwrap();
    let user = DigestUser::new(&realm, HashFunction::Sha256, DigestName::UserId("alice"));
    let expected = |password| HashedA1::new(HashFunction::Sha256, "alice", "proxy", password);
    for password in ["wonder", "changed"] {
        users.set("alice", password).unwrap();
        for _ in 0..2 {
            let found = cache.secret(user).await.unwrap().unwrap();
            let (found, expected) = (found.ha1().expose_hex(), expected(password).expose_hex());
            assert_eq!(*found, *expected, "{password}");
        }
    }
    users.remove("alice");
    assert!(cache.secret(user).await.unwrap().is_none());
}
