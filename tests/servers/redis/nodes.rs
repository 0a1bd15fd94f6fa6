//! What several nodes accept together.

use std::{collections::BTreeSet, time::Instant};

use tokio::task::JoinSet;
use tower_proxy_auth::nonce_store::NonceUse::{Fresh, OtherUser, Replayed};

use super::{Node, Redis, Sent, builder, connected, keys, store};
use tower_proxy_auth::nonce_store::NonceStore as _;

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_header_passes_on_one_node_once() {
    let server = Redis::start();
    let one = Node::new(&keys(), store(&server).await);
    let other = Node::new(&keys(), store(&server).await);
    let digest = one.challenge().await;
    assert_eq!(other.login(&digest).await, (200, ""), "another node than the issuer");
    for node in [&one, &other] {
        assert_eq!(node.login(&digest).await, (407, "nonce-replayed"));
    }
    for count in 2..10 {
        let node = [&one, &other][count as usize % 2];
        assert_eq!(node.login(&digest.count(count)).await, (200, ""), "{count}");
    }
    for count in 1..10 {
        assert_eq!(one.login(&digest.count(count)).await, (407, "nonce-replayed"), "{count}");
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn clocks_may_differ_by_30_seconds() {
    let server = Redis::start();
    let mut nodes = Vec::new();
    for seconds in [-30, 0, 30] {
        nodes.push(Node::skewed(&keys(), store(&server).await, seconds));
    }
    for issuer in &nodes {
        let digest = issuer.challenge().await;
        for (node, count) in nodes.iter().zip(1..) {
            assert_eq!(node.login(&digest.count(count)).await, (200, ""), "{count}");
        }
        for (node, count) in nodes.iter().zip([2, 3, 1]) {
            assert_eq!(node.login(&digest.count(count)).await, (407, "nonce-replayed"), "{count}");
        }
    }
}

/// `ROUNDS` is for long runs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn one_of_64_identical_headers_on_4_nodes_passes() {
    let rounds = std::env::var("ROUNDS").map_or(1_000, |rounds| rounds.parse().unwrap());
    let server = Redis::start();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(Node::new(&keys(), store(&server).await));
    }
    let start = Instant::now();
    for round in 0..rounds {
        let digest = nodes[round % 4].challenge().await;
        let mut requests = JoinSet::new();
        for request in 0..64 {
            let (node, digest) = (nodes[request % 4].clone(), digest.clone());
            requests.spawn(async move { node.login(&digest).await });
        }
        let mut answers = requests.join_all().await;
        answers.sort_unstable();
        assert_eq!(answers[0], (200, ""), "round {round}");
        assert!(
            answers[1..].iter().all(|answer| *answer == (407, "nonce-replayed")),
            "{answers:?}"
        );
    }
    println!("{rounds} rounds of 64 requests in {:?}", start.elapsed());
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn binds_a_nonce_to_its_first_user_and_realm() {
    let server = Redis::start();
    let (one, other) = (store(&server).await, store(&server).await);
    let sent = Sent::new(one.epoch().unwrap());
    sent.expect(&one, Fresh).await;
    sent.by("bob").count(2).expect(&other, OtherUser).await;
    Sent { realm: "other", ..sent.count(2) }.expect(&other, OtherUser).await;
    sent.count(2).expect(&other, Fresh).await;
    sent.expect(&other, Replayed).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn prefixes_and_databases_are_apart() {
    let server = Redis::start();
    let default = store(&server).await;
    let prefixed = connected(builder(&server).with_prefix("other:")).await;
    let url = format!("{}/1", server.url());
    let database = connected(super::RedisNonceStore::builder(url)).await;
    let stores = [default, prefixed, database];
    let epochs: BTreeSet<_> = stores.iter().map(|store| store.epoch().unwrap()).collect();
    assert_eq!(epochs.len(), 3);
    for store in &stores {
        Sent::new(store.epoch().unwrap()).expect(store, Fresh).await;
    }
    let keys = server.cli(&["--scan", "--pattern", "other:{epoch}*"]);
    assert_eq!((keys.lines().count(), server.keys()), (2, 4));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn the_server_learns_no_names() {
    let server = Redis::start();
    let node = Node::new(&keys(), store(&server).await);
    assert_eq!(node.login(&node.challenge().await).await, (200, ""));
    server.cli(&["SAVE"]);
    let dump = std::fs::read(server.folder().join("dump.rdb")).unwrap();
    let dump = String::from_utf8_lossy(&dump);
    assert!(dump.contains("tpa:{epoch}"));
    assert!(!dump.contains("alice") && !dump.contains("proxy"), "{dump}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn records_expire_with_their_nonces() {
    let server = Redis::start();
    let store = store(&server).await;
    let epoch = store.epoch().unwrap();
    let age = super::LIFETIME - super::SECOND;
    // The script keeps a record for 5 s longer than necessary.
    let limit = super::SECOND * 8;
    for _ in 0..100 {
        Sent::new(epoch).aged(age).expect(&store, Fresh).await;
    }
    assert_eq!(server.keys(), 101);
    super::wait_until(limit, "records expire", async || server.keys() == 1).await;
    assert_eq!(store.epoch().unwrap(), epoch, "the epoch stays");
}
