//! Outages: time limits, probes, recovery and the failure policies.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time};
use tower_proxy_auth::nonce_store::{
    NonceStore as _,
    NonceUse::{Fresh, OtherEpoch, Replayed},
    redis::{FailurePolicy, RedisNonceStore, RedisNonceStoreBuilder},
};

use super::{Instant, Node, Redis, SECOND, Sent, builder, causes, connected, keys, wait_until};
use crate::support::gate::Gate;

const TIMEOUT: Duration = Duration::from_millis(300);
/// For tasks that have to be scheduled.
const SLACK: Duration = Duration::from_millis(400);
const RECOVERY: Duration = SECOND.saturating_mul(2);

fn through(gate: &Gate) -> RedisNonceStoreBuilder {
    RedisNonceStore::builder(format!("redis://127.0.0.1:{}", gate.port))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_killed_server_costs_probes_alone() {
    let server = Redis::start();
    let gate = Gate::before(server.port).await;
    let store = connected(through(&gate)).await;
    let node = Node::new(&keys(), store.clone());
    let digest = node.challenge().await;
    assert_eq!(node.login(&digest).await, (200, ""));
    assert_eq!(gate.accepted(), 1);

    server.kill();
    let (down, before) = (Instant::now(), gate.accepted());
    let mut requests = 0;
    while down.elapsed() < SECOND * 3 {
        let start = Instant::now();
        let count = requests + 2;
        assert_eq!(node.login(&digest.count(count)).await, (503, "backend-failed"));
        assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
        requests += 1;
        time::sleep(Duration::from_millis(5)).await;
    }
    let attempts = gate.accepted() - before;
    assert!((4..=7).contains(&attempts), "{attempts} attempts for {requests} requests");
    let counts = store.counts();
    assert!(counts.connection_attempts.abs_diff(gate.accepted() as u64) <= 1, "{counts:?}");
    assert_eq!(u64::from(requests), counts.failed_checks);
    assert_eq!(counts.degraded_checks, 0);

    server.launch_again();
    let is_back = async || node.login(&node.challenge().await).await == (200, "");
    wait_until(RECOVERY, "a fresh nonce passes", async || store.epoch().is_ok() && is_back().await)
        .await;
    assert_eq!(node.login(&digest).await, (407, "nonce-unknown"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_paused_server_costs_one_timeout() {
    let server = Redis::start();
    let store = connected(builder(&server).with_timeout(TIMEOUT)).await;
    let sent = Sent::new(store.epoch().unwrap());
    sent.expect(&store, Fresh).await;
    server.pause();
    // Requests that have already been sent wait together.
    let start = Instant::now();
    let mut requests = JoinSet::new();
    for count in 2..20 {
        let (store, sent) = (store.clone(), sent.count(count));
        requests.spawn(async move { sent.to(&store).await.unwrap_err() });
    }
    for error in requests.join_all().await {
        assert!(error.is_transient());
    }
    assert!(start.elapsed() < TIMEOUT + SLACK, "{:?}", start.elapsed());
    let start = Instant::now();
    for count in 20..1_000 {
        let error = sent.count(count).to(&store).await.unwrap_err();
        assert!(causes(&error).contains("no answer within "), "{}", causes(&error));
    }
    assert!(start.elapsed() < SLACK, "later ones fail at once: {:?}", start.elapsed());
    assert!(store.epoch().is_err());

    server.resume();
    wait_until(RECOVERY, "recovery", async || store.epoch().is_ok()).await;
    // The process has kept its records.
    sent.expect(&store, Replayed).await;
    sent.count(1_000).expect(&store, Fresh).await;
}

/// Bytes that are lost on the way, as with a firewall that forgets connections.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn finds_out_without_requests_that_the_network_is_silent() {
    let server = Redis::start();
    let gate = Gate::before(server.port).await;
    let store = connected(through(&gate).with_timeout(TIMEOUT)).await;
    gate.set_open(false);
    wait_until(SECOND + TIMEOUT + SLACK, "loss", async || store.epoch().is_err()).await;
    gate.set_open(true);
    wait_until(RECOVERY, "recovery", async || store.epoch().is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn starts_without_a_server() {
    let server = Redis::start();
    server.kill();
    let node = {
        let store = builder(&server).build().unwrap();
        assert!(store.check().await.unwrap_err().is_transient());
        Node::new(&keys(), store)
    };
    let sent = node.challenge_status().await;
    assert_eq!(sent, 503);
    server.launch_again();
    wait_until(RECOVERY, "a challenge", async || node.challenge_status().await == 407).await;
    assert_eq!(node.login(&node.challenge().await).await, (200, ""));
}

#[test]
#[ignore = "needs redis-server"]
fn can_be_built_without_a_runtime_and_outlives_one() {
    let server = Redis::start();
    let store = builder(&server).build().unwrap();
    assert!(store.epoch().is_err());
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // The connection of the last runtime is lost.
            let is_up = async || {
                store.check().await.is_ok()
                    && Sent::new(store.epoch().unwrap()).to(&store).await.is_ok()
            };
            wait_until(RECOVERY, "a connection", is_up).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn closes_its_connection_with_the_last_clone() {
    let server = Redis::start();
    let clients = || server.cli(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count();
    let store = connected(builder(&server)).await;
    let clone = store.clone();
    drop(store);
    Sent::new(clone.epoch().unwrap()).expect(&clone, Fresh).await;
    assert_eq!(clients(), 2, "redis-cli and the store");
    drop(clone);
    wait_until(SECOND, "it is closed", async || clients() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn reports_each_outage_once() {
    let server = Redis::start();
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let observer = move |event: tower_proxy_auth::nonce_store::redis::RedisEvent<'_>| {
        sink.lock().unwrap().push(event.to_string());
    };
    let store = connected(builder(&server).on_change(observer)).await;
    server.kill();
    wait_until(RECOVERY, "loss", async || store.epoch().is_err()).await;
    time::sleep(SECOND).await;
    server.launch_again();
    wait_until(RECOVERY, "recovery", async || store.epoch().is_ok()).await;
    drop(store);
    let port = server.port;
    let log = log.lock().unwrap();
    let (lost, rest) = log[1].split_once(": ").unwrap();
    assert_eq!(lost, "the shared nonce store is lost, Digest is refused");
    assert!(rest.contains(&format!("Redis at 127.0.0.1:{port}: ")), "{rest}");
    assert_eq!(log[0], format!("Redis at 127.0.0.1:{port}: connected"));
    let epoch = format!("Redis at 127.0.0.1:{port}: a new epoch, earlier nonces are stale");
    assert_eq!(log[2..], [epoch, log[0].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_degraded_node_accepts_each_count_once() {
    let server = Redis::start();
    let local = || builder(&server).with_failure_policy(FailurePolicy::LocalOnly);
    let (one, other) = (connected(local()).await, connected(local()).await);
    let strict = connected(builder(&server)).await;
    let epoch = one.epoch().unwrap();
    let sent = Sent::new(epoch);
    sent.expect(&one, Fresh).await;
    sent.count(2).expect(&other, Fresh).await;
    server.pause();

    sent.expect(&one, Replayed).await;
    sent.count(3).expect(&one, Fresh).await;
    sent.count(3).expect(&one, Replayed).await;
    // The documented window: another node does not know.
    sent.count(3).expect(&other, Fresh).await;
    sent.count(3).expect(&other, Replayed).await;
    assert!(sent.count(4).to(&strict).await.is_err());
    // Challenges go on.
    let meanwhile = Sent::new(one.epoch().unwrap());
    meanwhile.expect(&one, Fresh).await;
    meanwhile.count(2).expect(&other, Fresh).await;
    let counts = one.counts();
    assert_eq!((counts.degraded_checks, counts.failed_checks), (2, 2));

    server.resume();
    let is_back = async || {
        let epochs = [&one, &other, &strict].map(|store| store.epoch().ok());
        epochs[0] != Some(epoch) && epochs.iter().all(|epoch| *epoch == epochs[0])
    };
    // Each of two nodes starts an epoch.
    wait_until(RECOVERY + SECOND, "a common new epoch", is_back).await;
    for store in [&one, &other, &strict] {
        for count in 1..6 {
            let answer = sent.count(count).to(store).await.unwrap();
            assert!([OtherEpoch, Replayed].contains(&answer), "{answer:?}");
            let answer = meanwhile.count(count).to(store).await.unwrap();
            assert!([OtherEpoch, Replayed].contains(&answer), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_degraded_node_serves_from_its_start() {
    let server = Redis::start();
    server.kill();
    let store = builder(&server).with_failure_policy(FailurePolicy::LocalOnly).build().unwrap();
    let node = Node::new(&keys(), store.clone());
    let digest = node.challenge().await;
    assert_eq!(node.login(&digest).await, (200, ""));
    assert_eq!(node.login(&digest).await, (407, "nonce-replayed"));
    server.launch_again();
    let epoch = store.epoch().unwrap();
    wait_until(RECOVERY, "recovery", async || store.epoch().unwrap() != epoch).await;
    assert_eq!(node.login(&digest.count(2)).await, (407, "nonce-unknown"));
    assert_eq!(node.login(&node.challenge().await).await, (200, ""));
}

/// An examination that ended without an answer dropped the demand for a new epoch.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn regression_a_lost_probe_keeps_the_demand_for_an_epoch() {
    let server = Redis::start();
    let gate = Gate::before(server.port).await;
    let local = through(&gate).with_failure_policy(FailurePolicy::LocalOnly);
    let local = connected(local.with_timeout(TIMEOUT).with_connect_timeout(TIMEOUT)).await;
    let other = connected(builder(&server)).await;
    let epoch = local.epoch().unwrap();
    let sent = Sent::new(epoch);
    sent.expect(&local, Fresh).await;
    gate.set_silent(true);
    sent.count(2).expect(&local, Fresh).await;
    // One for the first connection, and two probes.
    wait_until(SECOND * 4, "probes", async || gate.accepted() >= 3).await;
    gate.set_silent(false);
    let is_new = async || local.epoch().unwrap() != epoch;
    wait_until(RECOVERY, "a new epoch", is_new).await;
    sent.count(2).expect(&other, OtherEpoch).await;
}

/// 64 requests with one header while the server comes and goes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn a_degraded_node_accepts_one_of_64_identical_headers() {
    let server = Redis::start();
    let store = connected(
        builder(&server).with_failure_policy(FailurePolicy::LocalOnly).with_timeout(TIMEOUT / 10),
    )
    .await;
    let node = Node::new(&keys(), store);
    for round in 0..40 {
        let digest = node.challenge().await;
        let passed = Arc::new(AtomicUsize::new(0));
        let mut requests = JoinSet::new();
        for request in 0..64 {
            if request == 32 {
                if round % 2 == 0 { server.pause() } else { server.resume() }
            }
            let (node, digest, passed) = (node.clone(), digest.clone(), Arc::clone(&passed));
            requests.spawn(async move {
                let (status, reason) = node.login(&digest).await;
                assert!([200, 407].contains(&status), "{reason}");
                passed.fetch_add(usize::from(status == 200), Ordering::SeqCst);
            });
        }
        requests.join_all().await;
        let passed = passed.load(Ordering::SeqCst);
        assert!(passed <= 1, "round {round}: {passed} passed");
    }
}

/// Another node has started the epoch a moment ago.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn regression_a_degraded_node_knows_the_first_count_of_an_epoch() {
    let server = Redis::start();
    let local = || builder(&server).with_failure_policy(FailurePolicy::LocalOnly);
    let (node, other) = (connected(local()).await, connected(builder(&server)).await);
    let before = node.epoch().unwrap();
    server.cli(&["FLUSHALL"]);
    Sent::new(before).expect(&other, OtherEpoch).await;
    let sent = Sent::new(other.epoch().unwrap());
    assert_eq!(node.epoch().unwrap(), before, "it does not know yet");
    sent.expect(&node, Fresh).await;
    server.pause();
    sent.expect(&node, Replayed).await;
}
