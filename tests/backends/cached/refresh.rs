//! Re-checks before a verdict ends.

use std::time::Duration;

use tower_proxy_auth::backend::cached::Cached;

use crate::support::cached_directory::{Directory, FakeClock, ask, nothing_runs, until};

fn refreshing(directory: &Directory, ahead: u64) -> (Cached<Directory>, FakeClock) {
    directory.cached_with(|options| options.with_refresh_ahead(Duration::from_secs(ahead)))
}

/// Runs the tasks in the background until they end or wait.
async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_verdict_in_use_is_renewed_in_the_background() {
    let directory = Directory::new();
    let (cache, clock) = refreshing(&directory, 10);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    clock.set(49_999);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    settle().await;
    assert_eq!(directory.checks(), 1);
    clock.set(50_000);
    directory.wait();
    for _ in 0..9 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted", "no request waits");
    }
    settle().await;
    assert_eq!((directory.checks(), directory.rechecks()), (2, 1), "one of them starts a check");
    directory.let_go(1);
    until(|| directory.running() == 0).await;
    clock.set(99_999);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
}

#[tokio::test]
async fn a_request_joins_the_check_in_the_background() {
    let directory = Directory::new();
    let (cache, clock) = refreshing(&directory, 10);
    ask(&cache, "alice", "wonder").await;
    clock.set(55_000);
    directory.wait();
    ask(&cache, "alice", "wonder").await;
    clock.set(60_000);
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
}

#[tokio::test]
async fn the_result_of_a_background_check_counts_at_once() {
    let directory = Directory::new();
    let (cache, clock) = refreshing(&directory, 10);
    ask(&cache, "alice", "wonder").await;
    directory.set("alice", "changed");
    clock.set(50_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    settle().await;
    assert_eq!(ask(&cache, "alice", "wonder").await, "wrong");
}

#[tokio::test]
async fn a_failure_in_the_background_changes_nothing() {
    let directory = Directory::new();
    let (cache, clock) = refreshing(&directory, 10);
    ask(&cache, "alice", "wonder").await;
    clock.set(50_000);
    directory.is_down(true);
    for _ in 0..3 {
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
        settle().await;
    }
    assert_eq!(directory.checks(), 2, "it is tried once");
    nothing_runs(&cache);
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
}

#[tokio::test]
async fn refuses_to_refresh_in_the_first_half_or_for_refusals() {
    let directory = Directory::new();
    let (cache, clock) = refreshing(&directory, 60);
    ask(&cache, "alice", "wonder").await;
    ask(&cache, "alice", "wrong").await;
    for (at, checks) in [(4_999, 2), (29_999, 2), (30_000, 3)] {
        clock.set(at);
        ask(&cache, "alice", "wonder").await;
        if at < 5_000 {
            ask(&cache, "alice", "wrong").await;
        }
        settle().await;
        assert_eq!(directory.checks(), checks, "{at}");
    }
}
