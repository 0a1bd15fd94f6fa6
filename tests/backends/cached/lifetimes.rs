//! The requests that a verdict is kept for, and its lifetime.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tower_proxy_auth::{
    Account, BasicCredentials, CredentialValidator, Realm, UserId, Users, Verdict,
    backend::{cached::Cached, from_fn},
};

use crate::support::cached_directory::{Directory, Stored, ask, begin, request};

#[tokio::test]
async fn a_thousand_equal_requests_are_one_check() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    for _ in 0..1_000 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    }
    assert_eq!(directory.checks(), 1);
    for _ in 0..1_000 {
        assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
        assert_eq!(ask(&cache, "carol", "wonder").await, "unknown");
    }
    assert_eq!(directory.checks(), 3);
}

#[tokio::test]
async fn keeps_a_wrong_password_with_the_canonical_name() {
    let checks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&checks);
    let cache = Cached::new(from_fn(move |_| {
        counted.fetch_add(1, SeqCst);
        Verdict::WrongPasswordOf(UserId::new("alice"))
    }));
    let (cache, realm) = (cache.unwrap(), Realm::new("proxy").unwrap());
    for _ in 0..3 {
        let verdict = cache.validate(BasicCredentials::new(&realm, "Alice", "wrong")).await;
        assert!(
            matches!(&verdict, Ok(Verdict::WrongPasswordOf(user)) if user.as_str() == "alice"),
            "{verdict:?}"
        );
    }
    assert_eq!(checks.load(SeqCst), 1);
    // The key is what the client sent.
    let _ = cache.validate(BasicCredentials::new(&realm, "alice", "wrong")).await;
    assert_eq!(checks.load(SeqCst), 2);
}

#[tokio::test]
async fn a_verdict_is_only_for_the_same_credentials() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let long = "n".repeat(60);
    let sent = [
        ("alice", "wonder", "accepted"),
        ("alicew", "onder", "unknown"),
        ("alic", "ewonder", "unknown"),
        ("alice", "wonderr", "wrong"),
        ("alice", "Wonder", "wrong"),
        ("bob", "wonder", "wrong"),
        (&(long.clone() + "x"), "wonder", "unknown"),
        (&(long + "y"), "wonder", "unknown"),
    ];
    for round in 0..2 {
        for (at, (name, password, expected)) in sent.into_iter().enumerate() {
            assert_eq!(ask(&cache, name, password).await, expected, "{name}");
            let checks = if round == 0 { at + 1 } else { sent.len() };
            assert_eq!(directory.checks(), checks, "{name}");
        }
    }
}

#[tokio::test]
async fn realms_share_no_verdict() {
    let [here, there] = ["here", "there"].map(|realm| Realm::new(realm).unwrap());
    let users = Users::new(&here).with_user("alice", "wonder").unwrap();
    let cache = Cached::new(users).unwrap();
    for _ in 0..2 {
        let accepted = cache.validate(BasicCredentials::new(&here, "alice", "wonder")).await;
        assert!(matches!(accepted, Ok(Verdict::Accepted(_))));
        let elsewhere = BasicCredentials::new(&there, "alice", "wonder");
        assert!(matches!(cache.validate(elsewhere).await, Ok(Verdict::UnknownUser)));
    }
    // Nor do caches.
    let other = Cached::new(Users::new(&here)).unwrap();
    let unknown = other.validate(BasicCredentials::new(&here, "alice", "wonder")).await;
    assert!(matches!(unknown, Ok(Verdict::UnknownUser)));
}

#[tokio::test]
async fn right_passwords_are_kept_for_longer_than_refusals() {
    let directory = Directory::new();
    let account = |verdict| Stored { password: "right", verdict, max_age: None };
    directory.store("dora", account(Verdict::Disabled));
    directory.store("emil", account(Verdict::Expired));
    for (name, password, expected, lifetime) in [
        ("alice", "wonder", "accepted", 60_000),
        ("alice", "wrong", "wrong", 5_000),
        ("carol", "wonder", "unknown", 5_000),
        ("dora", "right", "disabled", 5_000),
        ("emil", "right", "expired", 5_000),
    ] {
        let (cache, clock) = directory.cached();
        let before = directory.checks();
        for (at, checks) in [(0, 1), (lifetime - 1, 1), (lifetime, 2), (2 * lifetime - 1, 2)] {
            clock.set(at);
            assert_eq!(ask(&cache, name, password).await, expected);
            assert_eq!(directory.checks() - before, checks, "{name} {password} at {at}");
        }
    }
}

#[tokio::test]
async fn a_lifetime_counts_from_the_start_of_the_check() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.wait();
    let mut slow = request(&cache, "alice", "wonder");
    assert!(begin(&mut slow).await.is_pending());
    clock.set(9_000);
    directory.let_go(1);
    assert!(begin(&mut slow).await.is_ready());
    directory.let_go(9);
    for (at, checks) in [(59_999, 1), (60_000, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
        assert_eq!(directory.checks(), checks);
    }
}

#[tokio::test]
async fn the_max_age_shortens_a_lifetime_and_never_extends_it() {
    for (verdict, max_age, lifetime) in [
        (Verdict::Accepted as fn(Account) -> Verdict, 10, 10_000),
        (Verdict::Accepted, 3_600, 60_000),
        (Verdict::Disabled, 2, 2_000),
        (Verdict::Disabled, 3_600, 5_000),
    ] {
        let (directory, max_age) = (Directory::new(), Some(Duration::from_secs(max_age)));
        directory.store("dora", Stored { password: "right", verdict, max_age });
        let (cache, clock) = directory.cached();
        for (at, checks) in [(0, 1), (lifetime - 1, 1), (lifetime, 2)] {
            clock.set(at);
            ask(&cache, "dora", "right").await;
            assert_eq!(directory.checks(), checks, "{max_age:?} at {at}");
        }
    }
    let (directory, max_age) = (Directory::new(), Some(Duration::ZERO));
    let never = Stored { password: "right", verdict: Verdict::Accepted, max_age };
    directory.store("dora", never);
    let (cache, _) = directory.cached();
    for checks in 1..4 {
        assert_eq!(ask(&cache, "dora", "right").await, "accepted");
        assert_eq!(directory.checks(), checks);
    }
}

#[tokio::test]
async fn checks_again_after_the_clock_was_set_back() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    ask(&cache, "alice", "wonder").await;
    ask(&cache, "alice", "wrong").await;
    // Two threads may read the clock out of order.
    clock.set(-1_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
    clock.set(-3_600_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
    assert_eq!(directory.checks(), 4);
}

#[tokio::test]
async fn a_refusal_replaces_the_verdict() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    directory.set("alice", "changed");
    clock.set(59_999);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted", "the cache does not know");
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "wrong");
    assert_eq!(ask(&cache, "alice", "changed").await, "accepted");
    // Even if the clock is set back to a time when it was right.
    clock.set(30_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "wrong");
}
