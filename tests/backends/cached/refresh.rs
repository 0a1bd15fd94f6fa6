//! Verdicts that are asked about again before they end.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tower_proxy_auth::backend::cached::Cached;

use crate::support::cached_directory::{Directory, FakeClock, ask, begin, nothing_is_under_way};

type Background = Arc<Mutex<Vec<Pin<Box<dyn Future<Output = ()> + Send>>>>>;

/// A cache that looks ten seconds ahead, and what it has put into the background.
fn ahead(directory: &Directory, ahead: u64) -> (Cached<Directory>, FakeClock, Background) {
    let background = Background::default();
    let sink = Arc::clone(&background);
    let (cache, clock) = directory.cached_with(|options| {
        options.with_refresh_ahead(Duration::from_secs(ahead), move |check| {
            sink.lock().unwrap().push(check);
        })
    });
    (cache, clock, background)
}

/// Runs what is in the background, and says how much that was.
fn run(background: &Background) -> usize {
    let checks = std::mem::take(&mut *background.lock().unwrap());
    let count = checks.len();
    for mut check in checks {
        assert!(begin(&mut check).is_ready());
    }
    count
}

#[test]
fn a_verdict_in_use_is_renewed_in_the_background_and_nobody_waits() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 10);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    clock.set(49_999);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(run(&background), 0);
    clock.set(50_000);
    for _ in 0..9 {
        assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    }
    assert_eq!(directory.asked(), 1, "it is answered from what is kept");
    assert_eq!(run(&background), 1, "one of them has it asked again");
    assert_eq!(directory.asked(), 2);
    clock.set(99_999);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!((directory.asked(), run(&background)), (2, 0));
}

#[test]
fn a_request_that_has_to_wait_after_all_joins_the_check_in_the_background() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 10);
    ask(&cache, "alice", "wonder");
    clock.set(55_000);
    ask(&cache, "alice", "wonder");
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), 2);
    assert_eq!(run(&background), 1);
    assert_eq!(directory.asked(), 2);
}

#[test]
fn what_the_background_finds_counts_at_once() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 10);
    ask(&cache, "alice", "wonder");
    directory.set("alice", "changed");
    clock.set(50_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    run(&background);
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
}

#[test]
fn a_failure_in_the_background_changes_nothing() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 10);
    ask(&cache, "alice", "wonder");
    clock.set(50_000);
    directory.is_down(true);
    for _ in 0..3 {
        assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
        run(&background);
    }
    assert_eq!(directory.asked(), 2, "it is not tried again and again");
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "failed");
}

#[test]
fn a_background_that_runs_nothing_does_no_harm() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 10);
    ask(&cache, "alice", "wonder");
    clock.set(50_000);
    ask(&cache, "alice", "wonder");
    background.lock().unwrap().clear();
    nothing_is_under_way(&cache);
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), 2);
}

#[test]
fn in_the_first_half_of_a_lifetime_and_for_refusals_nothing_is_asked() {
    let directory = Directory::new();
    let (cache, clock, background) = ahead(&directory, 60);
    ask(&cache, "alice", "wonder");
    ask(&cache, "alice", "wrong");
    for (at, expected) in [(4_999, 0), (29_999, 0), (30_000, 1)] {
        clock.set(at);
        ask(&cache, "alice", "wonder");
        if at < 5_000 {
            ask(&cache, "alice", "wrong");
        }
        assert_eq!(run(&background), expected, "{at}");
    }
}
