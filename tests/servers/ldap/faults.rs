//! Servers that end, hang, or are slow: failures in time, and recovery.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use http::header;
use tokio::{task::JoinSet, time};
use tower_proxy_auth::{
    Authenticator, BasicCredentials, CredentialValidator, ProxyAuthLayer, Reason,
    backend::ldap::Ldap,
};

use super::{ask, assert_contains, by_search, direct, failure, people, search, verdict, word};
use crate::support::{
    false_ldap::{FalseLdap, SEARCH, result},
    layer::{Origin, RIGHT, WRONG, get, realm, reason, send},
    rechecks::{fill_queue, is_recheck_ahead},
};

const SHORT: Duration = Duration::from_millis(400);

/// The start, end, user and result of a check.
struct Record {
    begin: Instant,
    end: Instant,
    is_right: bool,
    outcome: Option<String>,
}

/// Checks the right password and a wrong one in turns, until it is stopped.
fn load(ldap: &Ldap, stop: &Arc<AtomicBool>, records: &Arc<Mutex<Vec<Record>>>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (ldap, stop, records) = (ldap.clone(), Arc::clone(stop), Arc::clone(records));
        tasks.spawn(async move {
            let mut is_right = true;
            while !stop.load(Ordering::SeqCst) {
                is_right = !is_right;
                let begin = Instant::now();
                let password = if is_right { "wonder" } else { "wrong" };
                let outcome = ask(&ldap, "alice", password).await.ok().map(|one| word(&one));
                let end = Instant::now();
                records.lock().unwrap().push(Record { begin, end, is_right, outcome });
                // Failures take no time.
                time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn serves_again_after_a_server_was_killed() {
    let server = people().start();
    for (mode, builder) in [("search", search(server.url())), ("template", direct(server.url()))] {
        let ldap = builder.build().unwrap();
        let (stop, records) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut tasks = load(&ldap, &stop, &records);
        time::sleep(Duration::from_secs(1)).await;
        server.kill();
        let gone = Instant::now();
        time::sleep(Duration::from_secs(3)).await;
        let returns = Instant::now();
        server.restart();
        let back = Instant::now();
        time::sleep(Duration::from_secs(5)).await;
        stop.store(true, Ordering::SeqCst);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let records = std::mem::take(&mut *records.lock().unwrap());
        let (mut before, mut outage, mut first_after) = (0, 0, None::<Instant>);
        for Record { begin, end, is_right, outcome } in records {
            // Every answer is right, or a failure.
            let truth = if is_right { "accepted alice" } else { "wrong" };
            if let Some(outcome) = &outcome {
                assert_eq!(outcome, truth, "{mode}");
            }
            if end < gone {
                assert!(
                    outcome.is_some() || gone - end < Duration::from_millis(200),
                    "{mode}: early"
                );
                before += 1;
            } else if begin > gone && end < returns {
                assert_eq!(outcome, None, "{mode}: in the outage");
                outage += 1;
            } else if begin > back && outcome.is_some() {
                first_after = Some(first_after.map_or(end, |first| first.min(end)));
            } else if begin > back + Duration::from_secs(4) {
                assert!(outcome.is_some(), "{mode}: still failing");
            }
        }
        assert!(before > 50 && outage > 50, "{mode}: {before} before, {outage} in the outage");
        let wait = first_after.expect("served again") - back;
        assert!(wait < Duration::from_secs(5), "{mode}: {wait:?}");
        println!("{mode}: {before} before, {outage} in the outage, served again after {wait:?}");
    }
}

/// Idle connections are replaced without a failure.
#[tokio::test]
#[ignore = "needs slapd"]
async fn survives_a_restart_between_two_requests() {
    let server = people().start();
    for builder in [search(server.url()), direct(server.url())] {
        let ldap = builder.build().unwrap();
        for _ in 0..3 {
            assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice");
            server.restart();
        }
    }
}

#[tokio::test]
async fn fails_in_time_if_a_server_hangs() {
    let server = FalseLdap::silent().await;
    let hangs_later = FalseLdap::answering(|request| match request {
        SEARCH => Vec::new(),
        other => vec![result(other, 0, "")],
    })
    .await;
    let tls = by_search(Ldap::builder(server.url()).with_start_tls(true));
    for builder in [
        search(server.url()),
        direct(server.url()),
        search(hangs_later.url()),
        direct(hangs_later.url()),
        // The operating system may have no certificate authorities.
        tls,
    ] {
        let builder = builder.with_operation_timeout(SHORT).with_connect_timeout(SHORT);
        let Ok(ldap) = builder.build() else { continue };
        let start = Instant::now();
        let (text, transient) = failure(&ldap, "alice", "wonder").await;
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(transient, "{text}");
    }
}

#[tokio::test]
async fn the_whole_check_has_a_timeout() {
    let server = FalseLdap::silent().await;
    let builder = direct(server.url()).with_server(server.url()).with_server(server.url());
    let builder = builder.with_connect_timeout(SHORT).with_operation_timeout(SHORT);
    let ldap = builder.with_timeout(SHORT).build().unwrap();
    let (text, transient) = failure(&ldap, "alice", "wonder").await;
    assert_eq!(text, "no answer within 400ms");
    assert!(transient);
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn waits_for_a_slow_server_within_the_timeout() {
    let server = people().start();
    let slow = FalseLdap::slow(server.port(), Duration::from_millis(600)).await;
    for builder in [search(slow.url()), direct(slow.url())] {
        let patient = builder.clone().build().unwrap();
        assert_eq!(verdict(&patient, "alice", "wonder").await, "accepted alice");
        assert_eq!(verdict(&patient, "alice", "wrong").await, "wrong");
        let ldap = builder.with_operation_timeout(Duration::from_millis(200)).build().unwrap();
        let (text, transient) = failure(&ldap, "alice", "wonder").await;
        assert_contains(&text, "no answer within 200ms");
        assert!(transient);
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn tries_the_next_server_after_a_failure() {
    let (server, dead) = (people().start(), people().start());
    dead.kill();
    let (silent, busy) = (FalseLdap::silent().await, FalseLdap::with_result(51, "").await);
    let garbled = FalseLdap::sending(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    for first in [dead.url(), silent.url(), busy.url(), garbled.url()] {
        for builder in [search(&first), direct(&first)] {
            let builder = builder.with_server(server.url()).with_operation_timeout(SHORT);
            let ldap = builder.build().unwrap();
            for _ in 0..3 {
                assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{first}");
                assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong", "{first}");
            }
        }
    }
    // No other server is tried if it would give the same answer.
    let unwilling = FalseLdap::with_result(53, "").await;
    let ldap = direct(unwilling.url()).with_server(server.url()).build().unwrap();
    assert_contains(&failure(&ldap, "alice", "wonder").await.0, "result 53");
    // If all servers fail, the error has all causes.
    let ldap = direct(dead.url()).with_server(busy.url()).build().unwrap();
    let (text, transient) = failure(&ldap, "alice", "wonder").await;
    assert_contains(&text, &dead.url());
    assert_contains(&text, &format!("{}: bind: result 51 (busy)", busy.url()));
    assert!(transient);
}

#[tokio::test]
async fn one_check_at_a_time_waits_for_a_hanging_server() {
    let silent = FalseLdap::silent().await;
    let other = FalseLdap::with_result(49, "").await;
    let builder = direct(silent.url()).with_server(other.url()).with_operation_timeout(SHORT);
    let ldap = builder.build().unwrap();
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    }
    assert!(start.elapsed() < SHORT, "{:?}", start.elapsed());
    assert_eq!(silent.accepted(), 1);
    time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    assert_eq!(silent.accepted(), 2);
}

/// Simulates a firewall that has dropped the state of connections.
#[tokio::test]
async fn dead_connections_cost_one_timeout() {
    let server = FalseLdap::with_result(49, "").await;
    let ldap = direct(server.url()).with_operation_timeout(SHORT).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let ldap = ldap.clone();
        tasks.spawn(async move { assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong") });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    server.has_open(4).await;
    server.freeze();
    assert_contains(&failure(&ldap, "alice", "wrong").await.0, "no answer within 400ms");
    for _ in 0..4 {
        assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    }
    server.has_open(1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn answers_two_hundred_checks_at_once() {
    let server = people().start();
    let counted = FalseLdap::slow(server.port(), Duration::ZERO).await;
    for builder in [search(counted.url()), direct(counted.url())] {
        let before = counted.accepted();
        let ldap = builder.with_max_checks(10).build().unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..200 {
            let ldap = ldap.clone();
            tasks.spawn(async move {
                let (user, password, expected) = match number % 4 {
                    0 => ("alice", "wonder", "accepted alice"),
                    1 => ("bob", "builder", "accepted bob"),
                    2 => ("alice", "builder", "wrong"),
                    _ => ("bob", "wonder", "wrong"),
                };
                assert_eq!(verdict(&ldap, user, password).await, expected);
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let connections = counted.accepted() - before;
        assert!(connections <= 20, "{connections} connections");
    }
}

#[tokio::test]
async fn fails_at_once_if_the_queue_is_full() {
    let server = FalseLdap::silent().await;
    let builder = direct(server.url()).with_max_checks(1).with_queue(2);
    let ldap = builder.with_operation_timeout(SHORT).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let ldap = ldap.clone();
        tasks.spawn(async move { failure(&ldap, "alice", "wonder").await });
    }
    let (mut refused, mut others) = (0, 0);
    while let Some(ended) = tasks.join_next().await {
        let (text, transient) = ended.unwrap();
        assert!(transient);
        if text == "the queue is full: 1 running, 2 waiting" { refused += 1 } else { others += 1 }
    }
    assert_eq!((refused, others), (7, 3));
}

/// A cache would answer with an expired verdict during an outage, but a flood of guesses can cause
/// this wait.
#[tokio::test]
async fn regression_a_long_wait_in_the_queue_is_overload_and_not_an_outage() {
    let server = FalseLdap::silent().await;
    let builder = direct(server.url()).with_max_checks(1).with_queue(9).with_timeout(SHORT);
    let ldap = builder.with_connect_timeout(SHORT).with_operation_timeout(SHORT).build().unwrap();
    let checks = [(); 10].map(|()| {
        let ldap = ldap.clone();
        tokio::spawn(async move { ask(&ldap, "alice", "wonder").await.unwrap_err() })
    });
    let mut overloaded = 0;
    for check in checks {
        overloaded += usize::from(check.await.unwrap().is_overloaded());
    }
    // The first one runs. The next may get its turn at the end of its wait.
    assert!((8..=9).contains(&overloaded), "{overloaded}");
}

#[tokio::test]
async fn answers_rechecks_before_queued_checks() {
    let server = FalseLdap::silent().await;
    let builder = direct(server.url()).with_max_checks(1).with_queue(2);
    let ldap = builder.with_operation_timeout(Duration::from_millis(100)).build().unwrap();
    let order = fill_queue(|recheck| {
        let ldap = ldap.clone();
        async move {
            let realm = realm();
            let credentials = BasicCredentials::new(&realm, "alice", "wonder");
            ldap.validate(credentials.with_recheck(recheck)).await
        }
    });
    let answers = order.await;
    assert!(is_recheck_ahead(&answers), "{answers:?}");
}

#[test]
fn fails_outside_a_tokio_runtime() {
    let ldap = direct("ldap://localhost:1").build().unwrap();
    let mut check = pin!(ask(&ldap, "alice", "wonder"));
    match check.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn the_layer_answers_503_during_an_outage() {
    let server = people().start();
    let ldap = search(server.url()).build().unwrap();
    let auth = Authenticator::builder(realm()).with_basic(ldap).build().unwrap();
    let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
    assert_eq!(send(&layer, &origin, get(RIGHT)).await.status(), 200);
    assert_eq!(send(&layer, &origin, get(WRONG)).await.status(), 407);
    assert_eq!(origin.calls(), 1);
    server.kill();
    for credentials in [RIGHT, WRONG] {
        let response = send(&layer, &origin, get(credentials)).await;
        assert_eq!(response.status(), 503);
        assert_eq!(reason(&response), Reason::BackendFailed);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert!(!response.headers().contains_key(header::PROXY_AUTHENTICATE));
    }
    assert_eq!(origin.calls(), 1);
    server.restart();
    assert_eq!(send(&layer, &origin, get(RIGHT)).await.status(), 200);
    assert_eq!(send(&layer, &origin, get(WRONG)).await.status(), 407);
}
