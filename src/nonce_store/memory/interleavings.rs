//! Model check: tries all orders in which threads can take the locks of the store, or many of them.
//!
//! `shuttle` runs the threads one at a time and decides at every lock which one continues.

use std::sync::Arc;

use shuttle::{sync::Mutex, thread};

use super::{
    shard::{Limits, Shard},
    shards::{Lock, Poisoned, Shards},
    support::{LIFETIME, Sent, sent},
};
use crate::nonce_store::NonceUse::{self, Fresh};

impl Lock for Mutex<Shard> {
    fn new(shard: Shard) -> Self {
        Self::new(shard)
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned> {
        self.lock().map(|mut shard| work(&mut shard)).map_err(|_| Poisoned)
    }
}

/// Runs each list in a thread, all on one store, and returns how often each pair of nonce and count
/// was fresh.
fn freshness<const N: usize>(
    capacity: usize,
    threads: &[&[Sent]],
    pairs: [(u64, u32); N],
) -> [usize; N] {
    let store = Arc::new(Shards::<Mutex<Shard>>::new(Limits { capacity, window: 64 }));
    let run = |list: &&[Sent]| {
        let (list, store) = (list.to_vec(), Arc::clone(&store));
        thread::spawn(move || {
            let answer = |sent: &Sent| sent.to(|check, _| store.check_and_insert(&check)).unwrap();
            list.iter().map(|sent| ((sent.nonce, sent.count), answer(sent))).collect::<Vec<_>>()
        })
    };
    let threads: Vec<_> = threads.iter().map(run).collect();
    let answers: Vec<((u64, u32), NonceUse)> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(store.len() <= capacity);
    pairs.map(|pair| answers.iter().filter(|&&answer| answer == (pair, Fresh)).count())
}

/// Three threads send the same count.
fn one_count_passes_once() {
    let same = [sent("alice", 5, 1)];
    assert_eq!(freshness(8, &[&same, &same, &same], [(5, 1)]), [1]);
}

/// A third thread evicts the nonce from a full store while two use it.
fn eviction_lets_nothing_pass_twice() {
    let same = [sent("alice", 5, 1)];
    let threads: [&[Sent]; 3] = [&same, &same, &[sent("bob", 6, 1)]];
    let [evicted, newest] = freshness(1, &threads, [(5, 1), (6, 1)]);
    assert!(evicted <= 1 && newest == 1, "{evicted} {newest}");
}

/// A third thread, whose clock is ahead, removes the nonce as expired while two use it.
fn expiry_lets_nothing_pass_twice() {
    let (same, late) = ([sent("alice", 5, 1)], [sent("bob", 5 + LIFETIME, 1)]);
    let [expired, newest] = freshness(8, &[&same, &same, &late], [(5, 1), (5 + LIFETIME, 1)]);
    assert!(expired <= 1 && newest == 1, "{expired} {newest}");
}

/// With a quota of one, the user's newer nonce removes the older one.
fn a_quota_lets_nothing_pass_twice() {
    let alice = [sent("alice", 5, 1), sent("alice", 6, 1), sent("alice", 5, 1)];
    let again = [sent("alice", 5, 1), sent("alice", 6, 1)];
    assert_eq!(freshness(16, &[&alice, &again], [(5, 1), (6, 1)]), [1, 1]);
}

/// All of the above at once, which has too many orders to try all of them.
fn a_crowd_passes_nothing_twice() {
    let alice = [sent("alice", 5, 1), sent("alice", 6, 1), sent("alice", 5, 1)];
    let again = alice.clone();
    let bob = [sent("bob", 7, 1), sent("bob", 5, 1)];
    let late = [sent("carol", 6 + LIFETIME, 1), sent("carol", 8 + LIFETIME, 1)];
    let pairs = [(6, 1), (7, 1), (6 + LIFETIME, 1), (8 + LIFETIME, 1)];
    let times = freshness(2, &[&alice, &again, &bob, &late], pairs);
    assert!(times.iter().all(|&times| times <= 1), "{times:?} of {pairs:?}");
}

#[test]
fn every_order() {
    for scene in [
        one_count_passes_once,
        eviction_lets_nothing_pass_twice,
        expiry_lets_nothing_pass_twice,
        a_quota_lets_nothing_pass_twice,
    ] {
        shuttle::check_dfs(scene, None);
    }
}

/// Random orders, and ones with a few switches between threads at random places.
#[test]
fn many_orders() {
    shuttle::check_random(a_crowd_passes_nothing_twice, 2_000);
    shuttle::check_pct(a_crowd_passes_nothing_twice, 2_000, 3);
}
