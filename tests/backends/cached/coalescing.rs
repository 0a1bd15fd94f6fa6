//! Identical requests share one check.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    thread,
    time::Duration,
};

use tokio::{sync::Barrier, task::JoinSet};
use tower_proxy_auth::{
    Account, BasicCredentials, Verdict,
    backend::{cached::Cached, from_fn},
};

use crate::support::cached_directory::{Directory, ask, begin, nothing_runs, request, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_simultaneous_requests_are_one_check() {
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
        assert_eq!(directory.checks(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_blocks_its_thread_is_shared() {
    let checks = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&checks);
    let cache = Cached::new(from_fn(move |_: &BasicCredentials<'_>| {
        count.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(50));
        Verdict::Accepted(Account::new("alice"))
    }));
    let cache = cache.unwrap();
    let mut tasks: JoinSet<_> = (0..200).map(|_| request(&cache, "alice", "wonder")).collect();
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap(), "accepted");
    }
    assert_eq!(checks.load(SeqCst), 1);
}

#[tokio::test]
async fn different_requests_share_nothing() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut requests = [("alice", "wonder"), ("alice", "wrong"), ("bob", "wonder")]
        .map(|(name, password)| request(&cache, name, password));
    for request in &mut requests {
        assert!(begin(request).await.is_pending());
    }
    assert_eq!(directory.checks(), 3);
}

#[tokio::test]
async fn a_check_outlives_its_first_request() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let leader = tokio::spawn(request(&cache, "alice", "wonder"));
    until(|| directory.running() == 1).await;
    let mut followers: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    assert_eq!(directory.running(), 1, "the check goes on");
    directory.let_go(1);
    while let Some(answer) = followers.join_next().await {
        assert_eq!(answer.unwrap(), "accepted");
    }
    assert_eq!(directory.checks(), 1);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 1);
}

#[tokio::test]
async fn requests_may_be_cancelled_in_any_order() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut requests: Vec<_> = (0..5).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut requests {
        assert!(begin(request).await.is_pending());
    }
    for cancelled in [0, 3, 1] {
        drop(requests.remove(cancelled));
        assert!(begin(&mut requests[0]).await.is_pending());
        assert_eq!(directory.running(), 1);
    }
    let mut latecomer = request(&cache, "alice", "wonder");
    assert!(begin(&mut latecomer).await.is_pending());
    requests.clear();
    directory.let_go(1);
    assert_eq!(begin(&mut latecomer).await, Poll::Ready("accepted"));
    assert_eq!(directory.checks(), 1);
}

/// More often than moka's `try_get_with` allows.
#[tokio::test]
async fn a_check_without_waiting_requests_is_cancelled() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    for checks in 1..300 {
        let mut only = request(&cache, "alice", "wonder");
        assert!(begin(&mut only).await.is_pending());
        assert_eq!((directory.checks(), directory.running()), (checks, 1));
        drop(only);
        until(|| directory.running() == 0).await;
        nothing_runs(&cache);
    }
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
}

/// The first check is about to be cancelled while the next one starts.
#[tokio::test]
async fn a_request_after_a_cancelled_one_gets_its_own_check() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut cancelled = request(&cache, "alice", "wonder");
    assert!(begin(&mut cancelled).await.is_pending());
    drop(cancelled);
    let mut next = request(&cache, "alice", "wonder");
    assert!(begin(&mut next).await.is_pending());
    assert_eq!((directory.checks(), directory.running()), (2, 1));
    directory.let_go(1);
    assert_eq!(begin(&mut next).await, Poll::Ready("accepted"));
    nothing_runs(&cache);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2, "its answer is kept");
}

#[tokio::test]
async fn requests_do_not_join_a_check_that_hangs() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.wait();
    let mut hangs = vec![request(&cache, "alice", "wonder")];
    assert!(begin(&mut hangs[0]).await.is_pending());
    for (at, checks) in [(9_999, 1), (10_000, 2), (10_001, 2), (20_000, 3)] {
        clock.set(at);
        let mut newcomer = request(&cache, "alice", "wonder");
        assert!(begin(&mut newcomer).await.is_pending());
        assert_eq!(directory.checks(), checks, "{at}");
        hangs.push(newcomer);
    }
}

#[tokio::test]
async fn a_failure_fails_only_the_requests_that_wait() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    directory.is_down(true);
    let mut waiting: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    until(|| directory.running() == 1).await;
    directory.let_go(1);
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), "failed");
    }
    assert_eq!(directory.checks(), 1);
    directory.is_down(false);
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
}

#[tokio::test]
async fn a_panic_is_a_failure_and_poisons_nothing() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.panics(true);
    assert_eq!(ask(&cache, "alice", "wonder").await, "failed");
    directory.wait();
    let mut waiting: Vec<_> = (0..3).map(|_| request(&cache, "alice", "wonder")).collect();
    for request in &mut waiting {
        assert!(begin(request).await.is_pending());
    }
    directory.let_go(1);
    for request in &mut waiting {
        assert_eq!(begin(request).await, Poll::Ready("failed"));
    }
    directory.panics(false);
    directory.let_go(1);
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    nothing_runs(&cache);
}

#[test]
fn without_a_runtime_the_first_request_runs_the_check() {
    use std::task::{Context, Waker};

    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let cx = &mut Context::from_waker(Waker::noop());
    directory.wait();
    let [mut leader, mut follower] = [(); 2].map(|()| request(&cache, "alice", "wonder"));
    assert!(leader.as_mut().poll(cx).is_pending());
    assert!(follower.as_mut().poll(cx).is_pending());
    directory.let_go(1);
    assert!(follower.as_mut().poll(cx).is_pending());
    assert_eq!(leader.as_mut().poll(cx), Poll::Ready("accepted"));
    assert_eq!(follower.as_mut().poll(cx), Poll::Ready("accepted"));
    assert_eq!(request(&cache, "alice", "wonder").as_mut().poll(cx), Poll::Ready("accepted"));
    assert_eq!(directory.checks(), 1);
    let [mut leader, mut follower] = [(); 2].map(|()| request(&cache, "bob", "builder"));
    assert!(leader.as_mut().poll(cx).is_pending());
    assert!(follower.as_mut().poll(cx).is_pending());
    drop(leader);
    assert_eq!(follower.as_mut().poll(cx), Poll::Ready("failed"));
    nothing_runs(&cache);
}

/// Tasks that request, cancel, change and invalidate in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_cancellations_leave_nothing_behind() {
    let directory = Directory::new().reporting_changes();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut tasks = JoinSet::new();
    for task in 0..4_usize {
        let (cache, directory) = (cache.clone(), directory.clone());
        tasks.spawn(async move {
            for round in 0..2_000_usize {
                let (name, password, expected) = [
                    ("alice", "wonder", "accepted"),
                    ("alice", "wrong", "wrong"),
                    ("carol", "wonder", "unknown"),
                ][(round + task) % 3];
                let mut requests = [0; 3].map(|_| Some(request(&cache, name, password)));
                for turn in 0..5 {
                    let at = (round + turn) % requests.len();
                    let Some(request) = &mut requests[at] else { continue };
                    let answer = begin(request).await;
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
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    until(|| directory.running() == 0).await;
    directory.let_go(1_000);
    assert_eq!(request(&cache, "alice", "wonder").await, "accepted");
    until(|| !format!("{cache:?}").contains("running: 1")).await;
    nothing_runs(&cache);
}
