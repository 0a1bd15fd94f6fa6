//! The store of used nonce-counts: what it keeps, and what it drops.

use tower_proxy_auth::{
    Authenticator, BackendError, DigestScheme, Realm, Users,
    digest::{NonceKey, NonceKeys},
    nonce_store::{Epoch, MemoryNonceStore, NonceCheck, NonceStore, NonceUse},
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, realm, users},
};

fn proxy(users: Users, store: impl NonceStore) -> Proxy {
    let digest = DigestScheme::builder(users).with_nonce_store(store).build().unwrap();
    Proxy::of(Authenticator::builder(realm()).with_scheme(digest))
}

fn store(capacity: usize) -> MemoryNonceStore {
    MemoryNonceStore::builder().with_capacity(capacity).build().unwrap()
}

/// The credentials of a user over a nonce that is issued at this time.
fn user_at(proxy: &Proxy, number: usize, seconds: i64) -> Digest {
    proxy.clock.set(seconds);
    Digest { user: format!("user{number}"), ..proxy.fresh() }
}

fn crowd(size: usize) -> Users {
    let users = Users::new(&realm());
    for number in 0..size {
        users.set(&format!("user{number}"), "wonder").unwrap();
    }
    users
}

#[test]
fn never_accepts_an_evicted_nonce_again() {
    let store = store(4);
    let proxy = proxy(crowd(9), store.clone());
    let used: Vec<_> = (0..8).map(|number| user_at(&proxy, number, number as i64)).collect();
    for digest in &used {
        proxy.login(digest).passes(&digest.user, &digest.user);
    }
    assert_eq!(store.len(), 4);
    for digest in &used[..4] {
        proxy.login(digest).is("the same count", 407, "nonce-forgotten");
        proxy.login(&digest.count(2)).is("the next count", 407, "nonce-forgotten");
    }
    proxy.login(&used[7].count(2)).passes("a nonce that is still kept", "user7");
}

#[test]
fn accepts_a_new_nonce_in_a_full_store() {
    let store = store(4);
    let proxy = proxy(crowd(100), store.clone());
    for number in 0..100 {
        let digest = user_at(&proxy, number, number as i64 / 10);
        proxy.login(&digest).passes("first", &digest.user);
        proxy.login(&digest.count(2)).passes("second", &digest.user);
    }
    assert!(store.len() <= 4);
}

#[test]
fn does_not_let_one_user_fill_the_store() {
    let store = store(160);
    let proxy = proxy(crowd(2), store.clone());
    let quiet = user_at(&proxy, 1, 0);
    proxy.login(&quiet).passes("before the flood", "user1");
    let waiting = user_at(&proxy, 1, 0);
    for number in 0..1_000 {
        let flood = user_at(&proxy, 0, 1 + number / 10);
        proxy.login(&flood).passes("the flood", "user0");
    }
    assert!(store.len() <= 160 / 16 + 1, "{}", store.len());
    proxy.login(&quiet.count(2)).passes("used by another user before", "user1");
    proxy.login(&waiting).passes("issued to another user before", "user1");
}

#[test]
fn counts_a_name_in_another_realm_as_another_user() {
    let store = store(160);
    let [busy, quiet] = ["busy", "quiet"].map(|name| {
        let realm = Realm::new(name).unwrap();
        let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
        let digest = DigestScheme::builder(users).with_nonce_store(store.clone()).build().unwrap();
        Proxy::of(Authenticator::builder(realm).with_scheme(digest))
    });
    let first = Digest { realm: "quiet".into(), ..quiet.fresh() };
    quiet.login(&first).passes("before the quota is used up", "alice");
    for second in 1..=100 {
        busy.clock.set(second / 10);
        let digest = Digest { realm: "busy".into(), ..busy.fresh() };
        busy.login(&digest).passes("within and past the quota", "alice");
    }
    assert_eq!(store.len(), 160 / 16 + 1);
    quiet.login(&first.count(2)).passes("after the quota was used up", "alice");
}

#[test]
fn does_not_bring_back_a_nonce_when_the_clock_steps_back() {
    let store = store(4);
    let proxy = proxy(users(), store.clone());
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    proxy.clock.set(10_000);
    let bob = Digest { user: "bob".into(), password: "builder".into(), ..proxy.fresh() };
    proxy.login(&bob).passes("in between", "bob");
    assert_eq!(store.len(), 1, "what expired is gone");
    proxy.clock.set(1);
    for count in [1, 2] {
        proxy.login(&digest.count(count)).is("back then", 407, "nonce-forgotten");
    }
}

#[test]
fn answers_503_when_the_store_fails() {
    struct Down;
    impl NonceStore for Down {
        fn epoch(&self) -> Result<Epoch, BackendError> {
            Ok(Epoch::new([1; 16]))
        }
        async fn check_and_insert(&self, _: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
            Err(BackendError::new("no connection"))
        }
    }
    let down = proxy(users(), Down);
    down.login(&down.fresh()).is("unreachable", 503, "backend-failed");
    let wrong = Digest { password: "other".into(), ..down.fresh() };
    down.login(&wrong).is("called for right digests alone", 407, "wrong-password");
}

#[test]
fn answers_503_instead_of_407_without_an_epoch() {
    struct Unreachable;
    impl NonceStore for Unreachable {
        fn epoch(&self) -> Result<Epoch, BackendError> {
            Err(BackendError::transient("no connection"))
        }
        async fn check_and_insert(&self, _: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
            unreachable!("there are no nonces")
        }
    }
    let digest = DigestScheme::builder(users()).with_nonce_store(Unreachable).build().unwrap();
    let auth = Authenticator::builder(realm()).with_scheme(digest).with_basic(users());
    let proxy = Proxy::of(auth);
    for (name, response) in [
        ("no credentials", proxy.challenge()),
        ("a wrong password", proxy.get(basic("alice:other"))),
    ] {
        response.is(name, 503, "backend-failed");
        assert!(response.challenges().is_empty(), "{name}: never Basic alone");
    }
    proxy.get(basic("alice:wonder")).passes("Basic needs no nonce", "alice");
}

#[test]
fn refuses_a_nonce_of_another_epoch_as_stale() {
    let keys = NonceKeys::new(NonceKey::random().unwrap());
    let proxy = |store: MemoryNonceStore| {
        let digest = DigestScheme::builder(users()).with_nonce_keys(keys.clone());
        let digest = digest.with_nonce_store(store).build().unwrap();
        Proxy::of(Authenticator::builder(realm()).with_scheme(digest))
    };
    let store = store(10);
    let (one, same, other) = (proxy(store.clone()), proxy(store), proxy(MemoryNonceStore::new()));
    let digest = one.fresh();
    other.login(&digest).is("another store", 407, "nonce-unknown");
    same.login(&digest).passes("the same store", "alice");
    one.login(&digest).is("a replay on another node", 407, "nonce-replayed");
}

#[test]
fn records_nothing_for_unproved_requests() {
    let store = MemoryNonceStore::new();
    let proxy = proxy(users(), store.clone());
    let digest = proxy.fresh();
    for wrong in [
        Digest { password: "other".into(), ..digest.clone() },
        Digest { user: "carol".into(), ..digest.clone() },
        Digest { nonce: "other".into(), ..digest.clone() },
    ] {
        assert_eq!(proxy.login(&wrong).status, 407);
    }
    proxy.clock.set(1_000);
    proxy.login(&digest).is("expired", 407, "nonce-expired");
    assert!(store.is_empty());
    proxy.login(&proxy.fresh()).passes("the right one", "alice");
    assert_eq!(store.len(), 1);
}
