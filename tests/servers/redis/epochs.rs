//! Epochs: what was issued before the server may have lost records is stale.

use tower_proxy_auth::nonce_store::{
    Epoch, NonceStore as _,
    NonceUse::{Forgotten, Fresh, OtherEpoch, Replayed},
    redis::RedisNonceStore,
};

use super::{LIFETIME, Node, Redis, SECOND, Sent, keys, store, wait_until};

/// How long it may take until all is normal again.
const RECOVERY: std::time::Duration = SECOND.saturating_mul(2);

/// Waits until the store knows another epoch, and returns it.
async fn next_epoch(store: &RedisNonceStore, before: Epoch) -> Epoch {
    let is_new = async || store.epoch().is_ok_and(|epoch| epoch != before);
    wait_until(RECOVERY, "a new epoch", is_new).await;
    store.epoch().unwrap()
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn nodes_share_one_epoch() {
    let server = Redis::start();
    let (one, other) = (store(&server).await, store(&server).await);
    assert_eq!(one.epoch().unwrap(), other.epoch().unwrap());
    Sent::new(Epoch::new([1; 16])).expect(&one, OtherEpoch).await;
    assert_eq!(server.keys(), 1, "nothing is recorded");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn nonces_are_stale_after_the_store_was_emptied() {
    let server = Redis::start();
    let (one, other) = (store(&server).await, store(&server).await);
    let before = one.epoch().unwrap();
    let sent = Sent::new(before);
    sent.expect(&one, Fresh).await;
    server.cli(&["FLUSHALL"]);
    for store in [&one, &other] {
        sent.expect(store, OtherEpoch).await;
        sent.count(2).expect(store, OtherEpoch).await;
    }
    // The answers have named the new epoch.
    let after = one.epoch().unwrap();
    assert_ne!(after, before);
    assert_eq!(other.epoch().unwrap(), after);
    let sent = Sent::new(after);
    sent.expect(&other, Fresh).await;
    sent.expect(&one, Replayed).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn an_idle_node_learns_a_new_epoch() {
    let server = Redis::start();
    let (one, idle) = (store(&server).await, store(&server).await);
    let before = one.epoch().unwrap();
    server.cli(&["FLUSHALL"]);
    let after = next_epoch(&idle, before).await;
    assert_eq!(next_epoch(&one, before).await, after);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn nonces_are_stale_after_a_restart_without_data() {
    let server = Redis::start();
    let nodes =
        [Node::new(&keys(), store(&server).await), Node::new(&keys(), store(&server).await)];
    let digest = nodes[0].challenge().await;
    assert_eq!(nodes[0].login(&digest).await, (200, ""));
    server.kill();
    server.launch_again();
    let is_back = async || nodes[1].login(&digest).await == (407, "nonce-unknown");
    wait_until(RECOVERY, "the old nonce is stale", is_back).await;
    let is_back = async || nodes[0].login(&digest.count(2)).await == (407, "nonce-unknown");
    wait_until(RECOVERY, "and its next count too", is_back).await;
    let fresh = nodes[0].challenge().await;
    assert_eq!(nodes[1].login(&fresh).await, (200, ""));
    assert_eq!(nodes[0].login(&fresh).await, (407, "nonce-replayed"));
}

/// The epoch is in the snapshot, and the record is not.
#[tokio::test]
#[ignore = "needs redis-server"]
async fn nonces_are_stale_after_a_restart_with_an_old_snapshot() {
    let server = Redis::start();
    let store = store(&server).await;
    let before = store.epoch().unwrap();
    server.cli(&["SAVE"]);
    let sent = Sent::new(before);
    sent.expect(&store, Fresh).await;
    server.kill();
    server.launch_again();
    assert_eq!(server.keys(), 1, "the snapshot is loaded");
    let after = next_epoch(&store, before).await;
    sent.expect(&store, OtherEpoch).await;
    Sent::new(after).expect(&store, Fresh).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn nonces_are_stale_after_a_replica_was_promoted() {
    let (master, replica) = (Redis::start(), Redis::start());
    replica.cli(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    let store_of_master = store(&master).await;
    let before = store_of_master.epoch().unwrap();
    let has_epoch = async || replica.cli(&["HGET", "tpa:{epoch}", "epoch"]).len() > 4;
    wait_until(SECOND * 30, "the replica has the epoch", has_epoch).await;

    let store_of_replica = super::builder(&replica).build().unwrap();
    let error = store_of_replica.check().await.unwrap_err();
    assert!(
        super::causes(&error).ends_with("is a slave, not a master: use the address of the master")
    );

    master.kill();
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    let is_up = async || store_of_replica.epoch().is_ok();
    wait_until(RECOVERY, "the replica is used", is_up).await;
    Sent::new(before).expect(&store_of_replica, OtherEpoch).await;
}

/// The process that was connected all the time becomes a replica, and then a master again.
#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_server_that_was_a_replica_meanwhile_has_a_new_epoch() {
    let (server, other) = (Redis::start(), Redis::start());
    let store = store(&server).await;
    let before = store.epoch().unwrap();
    let sent = Sent::new(before);
    sent.expect(&store, Fresh).await;
    server.cli(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let is_refused = async || sent.count(2).to(&store).await.is_err() && store.epoch().is_err();
    wait_until(RECOVERY, "the replica is refused", is_refused).await;
    server.cli(&["REPLICAOF", "NO", "ONE"]);
    next_epoch(&store, before).await;
    sent.expect(&store, OtherEpoch).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_longer_lifetime_starts_an_epoch_once() {
    let server = Redis::start();
    let store = store(&server).await;
    let short = Sent::new(store.epoch().unwrap());
    short.expect(&store, Fresh).await;
    // Its node would accept the nonce longer than the record is kept.
    let long = Sent { lifetime: LIFETIME * 2, ..short.clone() };
    long.count(2).expect(&store, OtherEpoch).await;
    let epoch = store.epoch().unwrap();
    let long = Sent { lifetime: LIFETIME * 2, ..Sent::new(epoch) };
    long.expect(&store, Fresh).await;
    let short = Sent::new(epoch);
    short.expect(&store, Fresh).await;
    long.aged(LIFETIME * 3 / 2).expect(&store, Fresh).await;
    short.aged(LIFETIME * 3).expect(&store, Forgotten).await;
    assert_eq!(store.epoch().unwrap(), epoch);
}

/// Records can have expired by a clock that has stepped back since.
#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_clock_that_steps_back_starts_an_epoch() {
    let server = Redis::start();
    let store = store(&server).await;
    let before = store.epoch().unwrap();
    let set = |seconds: i64| {
        let time = super::now().as_micros() as i64 / 1_000 + seconds * 1_000;
        server.cli(&["HSET", "tpa:{epoch}", "time", &time.to_string()]);
    };
    set(1);
    Sent::new(before).expect(&store, Fresh).await;
    // As if the clock had been ahead by a minute.
    set(60);
    Sent::new(before).expect(&store, OtherEpoch).await;
    let after = store.epoch().unwrap();
    assert_ne!(after, before);
    Sent::new(after).expect(&store, Fresh).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn refuses_nonces_from_far_in_the_future() {
    let server = Redis::start();
    let store = store(&server).await;
    let sent = Sent::new(store.epoch().unwrap());
    sent.expect(&store, Fresh).await;
    let year = Sent { nonce: sent.nonce, ..sent.clone() };
    let issued = super::now().saturating_add(SECOND * 86_400 * 365);
    let nonce = tower_proxy_auth::nonce_store::NonceId::new(issued, sent.nonce.epoch(), 1);
    Sent { nonce, ..year }.expect(&store, Forgotten).await;
    assert_eq!(server.keys(), 2, "no record that stays for a year");
}
