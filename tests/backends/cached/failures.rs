//! A back end that fails: nothing is kept of it, and what stands in is bounded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::{cached::Cached, from_async_fn},
};

use crate::support::cached_directory::{Directory, FakeClock, Stored, ask, begin, request};

#[test]
fn a_failure_is_never_kept() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.is_down(true);
    for asked in 1..4 {
        assert_eq!(ask(&cache, "alice", "wonder"), "failed");
        assert_eq!(directory.asked(), asked);
    }
    directory.is_down(false);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    directory.is_down(true);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted", "what is kept needs no back end");
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "failed", "nothing stands in unless allowed");
    assert_eq!(ask(&cache, "alice", "wonder"), "failed");
}

/// A cache in which a right password stands in for two minutes, and `alice` and `bob`'s are kept.
fn lenient(directory: &Directory) -> (Cached<Directory>, FakeClock) {
    let (cache, clock) =
        directory.cached_with(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "bob", "builder"), "accepted");
    assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
    directory.is_down(true);
    (cache, clock)
}

#[test]
fn a_password_that_was_right_stands_in_for_a_while_where_that_is_allowed() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory);
    for (at, expected) in
        [(59_999, "accepted"), (60_000, "accepted"), (179_999, "accepted"), (180_000, "failed")]
    {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder"), expected, "{at}");
    }
    clock.set(100_000);
    assert_eq!(ask(&cache, "alice", "wrong"), "failed", "no refusal stands in");
    assert_eq!(ask(&cache, "alice", "guess"), "failed");
    assert_eq!(ask(&cache, "carol", "wonder"), "failed", "nor does anybody who was never there");
}

#[test]
fn a_back_end_that_fails_is_asked_about_a_user_once_in_a_second() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory);
    let before = directory.asked();
    for (at, asked) in [(70_000, 1), (70_000, 1), (70_999, 1), (71_000, 2), (71_500, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
        assert_eq!(directory.asked() - before, asked, "{at}");
    }
    directory.is_down(false);
    directory.set("alice", "changed");
    clock.set(72_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong", "what comes back is believed");
    directory.is_down(true);
    clock.set(80_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "failed", "and what it refused is gone");
}

#[test]
fn all_who_wait_for_a_back_end_that_fails_are_helped() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory);
    clock.set(70_000);
    directory.wait();
    let mut waiting: Vec<_> = (0..3).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut waiting {
        assert!(begin(request).is_pending());
    }
    directory.let_go(1);
    for request in &mut waiting {
        assert_eq!(begin(request), std::task::Poll::Ready("accepted"));
    }
}

#[test]
fn nothing_stands_in_that_is_known_to_have_changed() {
    let directory = Directory::new().tells_of_changes();
    let (cache, clock) = lenient(&directory);
    clock.set(70_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    cache.invalidate("alice");
    assert_eq!(ask(&cache, "alice", "wonder"), "failed");
    assert_eq!(ask(&cache, "bob", "builder"), "accepted");
    directory.set("bob", "changed");
    assert_eq!(ask(&cache, "bob", "builder"), "failed");
}

#[test]
fn a_change_while_the_back_end_is_asked_counts_too() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory);
    clock.set(70_000);
    directory.wait();
    let mut waits = request(&cache, "alice", "wonder");
    assert!(begin(&mut waits).is_pending());
    cache.invalidate("alice");
    directory.let_go(1);
    assert_eq!(begin(&mut waits), std::task::Poll::Ready("failed"));
}

#[test]
fn nothing_stands_in_past_the_age_that_the_validator_allows_or_for_a_disabled_account() {
    let directory = Directory::new();
    let with = |verdict, max_age: u64| {
        let max_age = Some(Duration::from_secs(max_age));
        Stored { password: "right", verdict, max_age }
    };
    directory.store("dora", with(Verdict::Accepted, 30));
    directory.store("emil", with(Verdict::Accepted, 90));
    directory.store("fred", with(Verdict::Disabled, 3_600));
    let (cache, clock) =
        directory.cached_with(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    for (name, expected) in [("dora", "accepted"), ("emil", "accepted"), ("fred", "disabled")] {
        assert_eq!(ask(&cache, name, "right"), expected);
    }
    directory.is_down(true);
    for (at, expected) in [
        (4_999, ["accepted", "accepted", "disabled"]),
        (5_000, ["accepted", "accepted", "failed"]),
        (29_999, ["accepted", "accepted", "failed"]),
        (30_000, ["failed", "accepted", "failed"]),
        (89_999, ["failed", "accepted", "failed"]),
        (90_000, ["failed", "failed", "failed"]),
    ] {
        clock.set(at);
        assert_eq!(
            ["dora", "emil", "fred"].map(|name| ask(&cache, name, "right")),
            expected,
            "{at}"
        );
    }
}

/// A directory that says of one user what no other hears: that is no outage.
#[tokio::test]
async fn a_failure_that_will_not_pass_lets_nothing_stand_in() {
    let is_locked = Arc::new(AtomicBool::new(false));
    let validator = {
        let is_locked = Arc::clone(&is_locked);
        from_async_fn(move |_| {
            let is_locked = is_locked.load(SeqCst);
            async move {
                match is_locked {
                    true => Err(BackendError::new("unwilling to perform")),
                    false => Ok(Verdict::Accepted(Account::new("alice"))),
                }
            }
        })
    };
    let clock = FakeClock::new();
    let cache = Cached::builder(validator)
        .allow_stale_if_error(Duration::from_secs(3_600))
        .with_clock(clock.clone())
        .build()
        .unwrap();
    let realm = Realm::new("proxy").unwrap();
    let credentials = BasicCredentials::new(&realm, "alice", "wonder");
    assert!(matches!(cache.validate(credentials).await, Ok(Verdict::Accepted(_))));
    is_locked.store(true, SeqCst);
    clock.set(60_000);
    for _ in 0..2 {
        assert!(cache.validate(credentials).await.is_err());
        assert!(cache.validate_now(credentials).is_none());
    }
}
