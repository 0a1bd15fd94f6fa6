//! Identical requests share a check, and whoever is left ends it.

use std::{sync::Arc, task::Poll, thread, time::Duration};

use tokio::{sync::Barrier, task::JoinSet};
use tower_proxy_auth::{
    Account, BasicCredentials, Verdict,
    backend::{cached::Cached, from_fn},
};

use crate::support::cached_directory::{
    Directory, ask, begin, nothing_is_under_way, request, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_first_requests_at_once_are_one_question() {
    for _ in 0..20 {
        let directory = Directory::new();
        let (cache, _) = directory.cached();
        let start = Arc::new(Barrier::new(200));
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let (request, start) = (request(&cache, "alice", "wonder"), Arc::clone(&start));
            tasks.spawn(async move {
                start.wait().await;
                request.await
            });
        }
        while let Some(answer) = tasks.join_next().await {
            assert_eq!(answer.unwrap(), "accepted");
        }
        assert_eq!(directory.asked(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hash_that_keeps_a_thread_busy_is_shared_too() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let cache = Cached::new(from_fn(move |_: &BasicCredentials<'_>| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        Verdict::Accepted(Account::new("alice"))
    }));
    let cache = cache.unwrap();
    let mut tasks: JoinSet<_> = (0..200).map(|_| request(&cache, "alice", "wonder")).collect();
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap(), "accepted");
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn requests_that_differ_share_nothing() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut requests = [("alice", "wonder"), ("alice", "wrong"), ("bob", "wonder")]
        .map(|(name, password)| request(&cache, name, password));
    for request in &mut requests {
        assert!(begin(request).is_pending());
    }
    assert_eq!(directory.asked(), 3);
}

#[tokio::test]
async fn followers_get_their_answer_when_the_leader_is_cancelled() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let leader = tokio::spawn(request(&cache, "alice", "wonder"));
    until(|| directory.under_way() == 1).await;
    let mut followers: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    assert_eq!(directory.under_way(), 1, "the check goes on");
    directory.let_go(1);
    while let Some(answer) = followers.join_next().await {
        assert_eq!(answer.unwrap(), "accepted");
    }
    assert_eq!(directory.asked(), 1);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), 1);
}

#[test]
fn each_may_leave_in_any_order() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut requests: Vec<_> = (0..5).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut requests {
        assert!(begin(request).is_pending());
    }
    for leaves in [0, 3, 1] {
        drop(requests.remove(leaves));
        assert_eq!(directory.under_way(), 1);
    }
    let mut latecomer = request(&cache, "alice", "wonder");
    assert!(begin(&mut latecomer).is_pending());
    requests.clear();
    directory.let_go(1);
    assert_eq!(begin(&mut latecomer), Poll::Ready("accepted"));
    assert_eq!(directory.asked(), 1);
}

#[test]
fn a_check_that_nobody_waits_for_is_dropped_and_made_anew() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    for asked in 1..4 {
        let mut only = request(&cache, "alice", "wonder");
        assert!(begin(&mut only).is_pending());
        assert_eq!((directory.asked(), directory.under_way()), (asked, 1));
        drop(only);
        assert_eq!(directory.under_way(), 0);
        nothing_is_under_way(&cache);
    }
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
}

#[test]
fn nobody_joins_a_check_that_hangs() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.wait();
    let mut hangs = request(&cache, "alice", "wonder");
    assert!(begin(&mut hangs).is_pending());
    for (at, asked) in [(9_999, 1), (10_000, 2), (10_001, 2), (20_000, 3)] {
        clock.set(at);
        let mut newcomer = request(&cache, "alice", "wonder");
        assert!(begin(&mut newcomer).is_pending());
        assert_eq!(directory.asked(), asked, "{at}");
        // It stays, so that the check stays.
        std::mem::forget(newcomer);
    }
}

#[tokio::test]
async fn a_failure_goes_to_all_who_wait_and_to_nobody_else() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    directory.is_down(true);
    let mut waiting: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    until(|| directory.under_way() == 1).await;
    directory.let_go(1);
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), "failed");
    }
    assert_eq!(directory.asked(), 1);
    directory.is_down(false);
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
}

#[test]
fn a_validator_that_panics_has_failed() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.panics(true);
    assert_eq!(ask(&cache, "alice", "wonder"), "failed");
    directory.wait();
    let mut waiting: Vec<_> = (0..3).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut waiting {
        assert!(begin(request).is_pending());
    }
    directory.let_go(2);
    for request in &mut waiting {
        assert_eq!(begin(request), Poll::Ready("failed"));
    }
    directory.panics(false);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    nothing_is_under_way(&cache);
}

/// Threads that ask, give up, change and invalidate in every order that comes.
#[test]
fn threads_that_come_and_go_leave_nothing_behind() {
    let directory = Directory::new().tells_of_changes();
    let (cache, _) = directory.cached();
    directory.wait();
    thread::scope(|scope| {
        for thread in 0..4_usize {
            let (cache, directory) = (cache.clone(), directory.clone());
            scope.spawn(move || {
                for round in 0..2_000_usize {
                    let (name, password, expected) = [
                        ("alice", "wonder", "accepted"),
                        ("alice", "wrong", "wrong"),
                        ("carol", "wonder", "unknown"),
                    ][(round + thread) % 3];
                    let mut requests = [0; 3].map(|_| Some(request(&cache, name, password)));
                    for turn in 0..5 {
                        let at = (round + turn) % requests.len();
                        let Some(request) = &mut requests[at] else { continue };
                        let answer = begin(request);
                        assert!([Poll::Pending, Poll::Ready(expected)].contains(&answer));
                        if answer.is_ready() || turn == round % 5 {
                            requests[at] = None;
                        }
                        if turn == 3 {
                            directory.let_go(1);
                        }
                    }
                    match round % 50 {
                        7 => directory.set("bob", "changed"),
                        23 => cache.invalidate("alice"),
                        41 => cache.invalidate_all(),
                        _ => {}
                    }
                }
            });
        }
    });
    assert_eq!(directory.under_way(), 0);
    nothing_is_under_way(&cache);
    directory.let_go(1_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
}
