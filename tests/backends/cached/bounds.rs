//! Bounded memory, and the cost of a hit.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use counting_allocator::count;
use tower_proxy_auth::{
    Account, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::{cached::Cached, from_fn},
};

use crate::support::cached_directory::{Directory, ask, until};

#[tokio::test]
async fn guesses_evict_no_verdict() {
    let directory = Directory::new();
    let (cache, _) =
        directory.cached_with(|options| options.with_capacity(1).with_negative_capacity(10));
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    for guess in 0..10_000 {
        assert_eq!(ask(&cache, "alice", &format!("guess {guess}")).await, "wrong");
    }
    let before = directory.checks();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "guess 9999").await, "wrong");
    assert_eq!(directory.checks(), before);
    assert_eq!(ask(&cache, "alice", "guess 5").await, "wrong");
    assert_eq!(directory.checks(), before + 1);
}

#[tokio::test]
async fn evicts_the_least_recently_used_verdict() {
    let directory = Directory::new();
    let names: Vec<&'static str> = (0..2_000).map(|name| &*format!("user {name}").leak()).collect();
    for name in &names {
        directory.set(name, "right");
    }
    let (cache, _) = directory.cached_with(|options| options.with_capacity(100));
    for name in &names {
        assert_eq!(ask(&cache, name, "right").await, "accepted");
        assert_eq!(ask(&cache, names[0], "right").await, "accepted");
    }
    assert!(directory.checks() < names.len() + 100, "{}", directory.checks());
    let before = directory.checks();
    for name in &names[..1_000] {
        assert_eq!(ask(&cache, name, "right").await, "accepted");
    }
    assert!(directory.checks() > before + 900, "{}", directory.checks() - before);
}

#[tokio::test]
async fn regression_invalidating_everything_frees_the_memory() {
    let record = Arc::new(());
    let known = Arc::clone(&record);
    let cache = Cached::new(from_fn(move |_: &BasicCredentials<'_>| {
        Verdict::Accepted(Account::new("alice").with_data(Arc::clone(&known)))
    }))
    .unwrap();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(Arc::strong_count(&record), 3, "one in the cache");
    // Other threads that use a cache can delay it.
    until(|| {
        cache.invalidate_all();
        Arc::strong_count(&record) == 2
    })
    .await;
}

#[tokio::test]
async fn a_hit_allocates_nothing() {
    let (cache, _) = Directory::new().cached();
    let realm = Realm::new("proxy").unwrap();
    let credentials = BasicCredentials::new(&realm, "alice", "wonder");
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    let hits = || {
        for _ in 0..1_000 {
            let polled =
                pin!(cache.validate(credentials)).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Ok(Verdict::Accepted(_)))));
        }
    };
    hits();
    let ((), cost) = count(hits);
    // moka does its housekeeping from time to time.
    assert!(cost.allocations < 50, "{cost:?}");
}
