//! Model check: the store under every order in which threads may come, or very many of them.
//!
//! `shuttle` runs the threads one at a time and picks who goes on wherever a lock is taken. It
//! needs no switch: these tests run with all others. The lock of a nonce's counts is none of
//! shuttle's, and never waits here: `counts` tries that one with threads.

use std::sync::Arc;

use shuttle::{sync::RwLock, thread};

use super::{
    shard::{Limits, Shard},
    shards::{Lock, Poisoned, Shards},
    support::{LIFETIME, Sent, sent},
};
use crate::nonce_store::{
    NonceCheck,
    NonceUse::{self, Fresh},
};

impl Lock for RwLock<Shard> {
    fn new(shard: Shard) -> Self {
        Self::new(shard)
    }

    fn share<R>(&self, work: impl FnOnce(&Shard) -> R) -> Result<R, Poisoned> {
        let shard = self.read().map_err(|_| Poisoned)?;
        Ok(work(&shard))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shard) -> R) -> Result<R, Poisoned> {
        let mut shard = self.write().map_err(|_| Poisoned)?;
        Ok(work(&mut shard))
    }
}

type Store = Shards<RwLock<Shard>>;
type Ask = fn(&Store, &NonceCheck<'_>) -> Result<NonceUse, Poisoned>;

/// One step.
fn directly(store: &Store, presentation: &NonceCheck<'_>) -> Result<NonceUse, Poisoned> {
    store.check(presentation)
}

/// Two steps, as the engine asks; too many for every order of three threads.
fn known_first(store: &Store, presentation: &NonceCheck<'_>) -> Result<NonceUse, Poisoned> {
    match store.check_known(presentation)? {
        Some(used) => Ok(used),
        None => store.check(presentation),
    }
}

/// Has each thread put its list to one store, and counts how often each pair of nonce and count was
/// fresh, in the order of `pairs`.
fn freshness(capacity: usize, ask: Ask, threads: &[&[Sent]], pairs: &[(u64, u32)]) -> Vec<usize> {
    let store = Arc::new(Store::new(Limits { capacity, window: 64 }));
    let threads: Vec<_> = threads
        .iter()
        .map(|list| {
            let (list, store) = (list.to_vec(), Arc::clone(&store));
            thread::spawn(move || {
                let answer = |sent: &Sent| sent.to(|it| ask(&store, &it)).unwrap();
                list.iter().map(|sent| ((sent.nonce, sent.count), answer(sent))).collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<((u64, u32), NonceUse)> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(store.len() <= capacity);
    let times = |pair| answers.iter().filter(|&&answer| answer == (pair, Fresh)).count();
    pairs.iter().map(|&pair| times(pair)).collect()
}

/// Of three threads with the same count exactly one passes.
fn one_passes() {
    let same = [sent("alice", 5, 1)];
    assert_eq!(freshness(8, directly, &[&same, &same, &same], &[(5, 1)]), [1]);
}

/// Of two threads with the same count exactly one passes, also where both find the nonce known.
fn one_of_two_passes() {
    let (same, next) = ([sent("alice", 5, 1)], [sent("alice", 5, 1), sent("alice", 5, 2)]);
    let times = freshness(8, known_first, &[&same, &next], &[(5, 1), (5, 2)]);
    assert_eq!(times, [1, 1]);
}

/// What a thread is about to use as known, another one evicts.
fn eviction_of_a_known_nonce_lets_nothing_pass_twice() {
    let alice = [sent("alice", 5, 1), sent("alice", 5, 1)];
    let times = freshness(1, known_first, &[&alice, &[sent("bob", 6, 1)]], &[(5, 1), (6, 1)]);
    assert!(times[0] <= 1, "the evicted nonce passed {} times", times[0]);
    assert_eq!(times[1], 1, "the newest nonce always finds room");
}

/// Two threads present the same counts in opposite orders: each count passes once.
fn each_passes_once() {
    let up = [sent("alice", 5, 1), sent("alice", 5, 2)];
    let down = [sent("alice", 5, 2), sent("alice", 5, 1)];
    assert_eq!(freshness(8, directly, &[&up, &down], &[(5, 1), (5, 2)]), [1, 1]);
}

/// A third thread evicts the nonce from a full store while two present it.
fn eviction_lets_nothing_pass_twice() {
    let same = [sent("alice", 5, 1)];
    let times = freshness(1, directly, &[&same, &same, &[sent("bob", 6, 1)]], &[(5, 1), (6, 1)]);
    assert!(times[0] <= 1, "the evicted nonce passed {} times", times[0]);
    assert_eq!(times[1], 1, "the newest nonce always finds room");
}

/// A third thread, whose clock is ahead, finds the nonce expired while two present it.
fn expiry_lets_nothing_pass_twice() {
    let same = [sent("alice", 5, 1)];
    let late = [sent("bob", 5 + LIFETIME, 1)];
    let times = freshness(8, directly, &[&same, &same, &late], &[(5, 1), (5 + LIFETIME, 1)]);
    assert_eq!(times[1], 1);
    assert!(times[0] <= 1, "the expired nonce passed {} times", times[0]);
}

/// With a quota of one, what a user's newer nonce pushes out stays out.
fn a_quota_lets_nothing_pass_twice() {
    let alice = [sent("alice", 5, 1), sent("alice", 6, 1), sent("alice", 5, 1)];
    let again = [sent("alice", 5, 1), sent("alice", 6, 1)];
    assert_eq!(freshness(16, directly, &[&alice, &again], &[(5, 1), (6, 1)]), [1, 1]);
}

/// All of it at once, which is too much for every order.
fn a_crowd_passes_nothing_twice() {
    let alice = [sent("alice", 5, 1), sent("alice", 6, 1), sent("alice", 5, 1)];
    let again = [sent("alice", 5, 1), sent("alice", 6, 1), sent("alice", 5, 1)];
    let bob = [sent("bob", 7, 1), sent("bob", 5, 1)];
    let late = [sent("carol", 6 + LIFETIME, 1), sent("carol", 8 + LIFETIME, 1)];
    let pairs = [(6, 1), (7, 1), (6 + LIFETIME, 1), (8 + LIFETIME, 1)];
    let times = freshness(2, known_first, &[&alice, &again, &bob, &late], &pairs);
    assert!(times.iter().all(|&times| times <= 1), "{times:?} of {pairs:?}");
}

macro_rules! check {
    ($name:ident, $run:expr, $($scene:ident),+ $(,)?) => {
        mod $name { $(
            #[test]
            fn $scene() {
                let run: fn(fn()) = $run;
                run(super::$scene);
            }
        )+ }
    };
}

// None is left out.
check!(
    every_order,
    |scene| shuttle::check_dfs(scene, None),
    one_passes,
    one_of_two_passes,
    each_passes_once,
    eviction_of_a_known_nonce_lets_nothing_pass_twice,
    eviction_lets_nothing_pass_twice,
    expiry_lets_nothing_pass_twice,
    a_quota_lets_nothing_pass_twice,
);

// Drawn evenly.
check!(
    random_orders,
    |scene| shuttle::check_random(scene, 2_000),
    a_quota_lets_nothing_pass_twice,
    a_crowd_passes_nothing_twice,
);

// With few but awkward switches: the ones that hide longest.
check!(
    awkward_orders,
    |scene| shuttle::check_pct(scene, 2_000, 3),
    a_quota_lets_nothing_pass_twice,
    a_crowd_passes_nothing_twice,
);
