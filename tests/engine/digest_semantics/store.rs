//! What the memory of used nonces keeps, and what it forgets.

use tower_proxy_auth::{
    Authenticator, BackendError, DigestScheme, Users,
    nonce_store::{MemoryNonceStore, NoNonceStore, NonceCheck, NonceStore, NonceUse, Scope},
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, realm, users},
};

fn proxy(users: Users, store: impl NonceStore) -> Proxy {
    let digest = DigestScheme::builder(users).with_nonce_store(store).build().unwrap();
    Proxy::of(Authenticator::builder(realm()).with_scheme(digest))
}

fn store(capacity: usize) -> MemoryNonceStore {
    MemoryNonceStore::builder().with_capacity(capacity).build().unwrap()
}

/// The credentials of a user over a nonce that is issued when the clock shows this.
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
fn what_was_evicted_from_a_full_store_is_never_accepted_again() {
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
    proxy.login(&used[7].count(2)).passes("what is still on record", "user7");
}

#[test]
fn a_brand_new_nonce_passes_in_a_full_store() {
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
fn one_user_can_not_fill_the_store() {
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
    proxy.login(&quiet.count(2)).passes("what another used before", "user1");
    proxy.login(&waiting).passes("what another was given before", "user1");
}

#[test]
fn a_clock_that_steps_back_does_not_bring_back_what_expired() {
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
fn a_store_that_fails_refuses() {
    struct Down;
    impl NonceStore for Down {
        fn scope(&self) -> Scope {
            Scope::Shared
        }
        async fn check_and_insert(&self, _: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
            Err(BackendError::new("no connection"))
        }
    }
    let down = proxy(users(), Down);
    down.login(&down.fresh()).is("it cannot be reached", 503, "backend-failed");
    let wrong = Digest { password: "other".into(), ..down.fresh() };
    down.login(&wrong).is("it is asked for right digests alone", 407, "wrong-password");
    let none = proxy(users(), NoNonceStore);
    none.login(&none.fresh()).is("there is none", 407, "nonce-forgotten");
}

#[test]
fn requests_that_prove_nothing_leave_nothing_behind() {
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
