//! Failures of the back end, and the use of stale verdicts.

use std::{task::Poll, time::Duration};

use tower_proxy_auth::{
    BackendError, Verdict,
    backend::{UnusableRecord, cached::Cached},
};

use crate::support::cached_directory::{Directory, FakeClock, Stored, ask, begin, request};

#[tokio::test]
async fn a_failure_is_never_kept() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.is_down(true);
    for checks in 1..4 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
        assert_eq!(directory.checks(), checks);
    }
    directory.is_down(false);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    directory.is_down(true);
    assert_eq!(
        ask(&cache, "alice", "wonder").await,
        "accepted",
        "a kept verdict needs no back end"
    );
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed", "nothing stands in by default");
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
}

/// A cache that uses stale verdicts for two minutes, with those of `alice` and `bob`.
async fn lenient(directory: &Directory) -> (Cached<Directory>, FakeClock) {
    let (cache, clock) =
        directory.cached_with(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "bob", "builder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
    directory.is_down(true);
    (cache, clock)
}

#[tokio::test]
async fn uses_a_stale_right_password_if_allowed() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    for (at, expected) in
        [(59_999, "accepted"), (60_000, "accepted"), (179_999, "accepted"), (180_000, "failed")]
    {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder").await, expected, "{at}");
    }
    clock.set(100_000);
    assert_eq!(ask(&cache, "alice", "wrong").await, "failed", "a refusal does not stand in");
    assert_eq!(ask(&cache, "alice", "guess").await, "failed");
    assert_eq!(ask(&cache, "carol", "wonder").await, "failed");
}

#[tokio::test]
async fn a_failing_back_end_gets_one_check_per_user_and_second() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    let before = directory.checks();
    for (at, checks) in [(70_000, 1), (70_000, 1), (70_999, 1), (71_000, 2), (71_500, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
        assert_eq!(directory.checks() - before, checks, "{at}");
    }
    directory.is_down(false);
    directory.set("alice", "changed");
    clock.set(72_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "wrong", "its answer counts");
    directory.is_down(true);
    clock.set(80_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed", "the verdict has been dropped");
}

#[tokio::test]
async fn a_stale_verdict_answers_all_waiting_requests() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    clock.set(70_000);
    directory.wait();
    let mut waiting: Vec<_> = (0..3).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut waiting {
        assert!(begin(request).await.is_pending());
    }
    directory.let_go(1);
    for request in &mut waiting {
        assert_eq!(begin(request).await, Poll::Ready("accepted"));
    }
}

#[tokio::test]
async fn no_stale_verdict_for_a_changed_user() {
    let directory = Directory::new().reporting_changes();
    let (cache, clock) = lenient(&directory).await;
    clock.set(70_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    cache.invalidate("alice");
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
    assert_eq!(ask(&cache, "bob", "builder").await, "accepted");
    directory.set("bob", "changed");
    assert_eq!(ask(&cache, "bob", "builder").await, "failed");
}

#[tokio::test]
async fn a_change_during_the_check_counts() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    clock.set(70_000);
    directory.wait();
    let mut waits = request(&cache, "alice", "wonder");
    assert!(begin(&mut waits).await.is_pending());
    cache.invalidate("alice");
    directory.let_go(1);
    assert_eq!(begin(&mut waits).await, Poll::Ready("failed"));
}

#[tokio::test]
async fn no_stale_verdict_past_max_age_or_when_disabled() {
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
        assert_eq!(ask(&cache, name, "right").await, expected);
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
        for (name, expected) in ["dora", "emil", "fred"].into_iter().zip(expected) {
            assert_eq!(ask(&cache, name, "right").await, expected, "{name} at {at}");
        }
    }
}

#[tokio::test]
async fn a_permanent_failure_uses_no_stale_verdict() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    directory.fail(Some(BackendError::new("unwilling to perform")));
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
    directory.is_down(true);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed", "the verdict has been dropped");
    assert_eq!(ask(&cache, "bob", "builder").await, "accepted");
}

#[tokio::test]
async fn an_overload_uses_no_stale_verdict() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    clock.set(60_000);
    directory.fail(Some(BackendError::overloaded("the queue is full")));
    for checks in 4..7 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
        assert_eq!(directory.checks(), checks);
    }
    directory.is_down(true);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted", "the verdict is still kept");
}

#[tokio::test]
async fn checks_that_renew_a_verdict_are_marked() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    for (at, password, rechecks) in
        [(0, "wonder", 0), (0, "wrong", 0), (60_000, "wonder", 1), (60_000, "wrong", 1)]
    {
        clock.set(at);
        ask(&cache, "alice", password).await;
        assert_eq!(directory.rechecks(), rechecks, "{password} at {at}");
    }
    assert_eq!(directory.checks(), 4);
    cache.invalidate("alice");
    ask(&cache, "alice", "wonder").await;
    assert_eq!((directory.checks(), directory.rechecks()), (5, 1), "the verdict was dropped");
}

#[tokio::test]
async fn an_unusable_record_is_not_kept() {
    let directory = Directory::new();
    let (cache, clock) = lenient(&directory).await;
    directory.is_down(false);
    let verdict = |_| Verdict::Unusable(UnusableRecord::new("no hash"));
    directory.store("alice", Stored { password: "wonder", verdict, max_age: None });
    clock.set(60_000);
    for checks in 4..6 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "unusable");
        assert_eq!(directory.checks(), checks);
    }
    directory.is_down(true);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed", "the verdict has been dropped");
}
