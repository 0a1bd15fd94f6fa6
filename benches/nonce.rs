//! The time and memory of issuing nonces and of recording their counts in the store.

mod support;

use std::cell::LazyCell;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{
    engine::{challenges, digest, users},
    nonces::Nonces,
    operation::{Group, criterion},
};
use tower_proxy_auth::{
    digest::{Algorithm, AuthInfo},
    nonce_store::{MemoryNonceStore, NonceUse},
};

/// Numbers of recorded nonces.
const LIVE: [usize; 4] = [1, 1_000, 100_000, 1_000_000];

criterion_group! {
    name = benches;
    config = criterion();
    targets = issue, recorded, full, memory
}
criterion_main!(benches);

/// New nonces for challenges.
fn issue(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "nonce");
    let auth = digest(users(1), Algorithm::Sha256, AuthInfo::Full);
    group.measure("issue, in a 407 with one challenge", || (), |()| challenges(&auth));
}

/// New and used counts of recorded nonces.
fn recorded(criterion: &mut Criterion) {
    for live in LIVE {
        let mut group = Group::new(criterion, format!("nonce/store/live: {live}"));
        let nonces = Nonces::new(live, live);
        // Nonces do not spread evenly over the shards: with twice the capacity, none is evicted.
        let store = LazyCell::new(|| filled_store(2 * live, &nonces));
        let mut numbers = 0..;
        let next = || nonces.later(numbers.next().expect("the range has no end"));
        group.measure("next count", next, |used| {
            assert_eq!(used.check(&*store), NonceUse::Fresh);
        });
        let mut numbers = (0..live).cycle();
        let again = || nonces.first(numbers.next().expect("the cycle has no end"));
        group.measure("used count", again, |used| {
            assert_eq!(used.check(&*store), NonceUse::Replayed);
        });
    }
}

/// New nonces for a full store.
fn full(criterion: &mut Criterion) {
    for live in LIVE {
        let mut group = Group::new(criterion, format!("nonce/store/full: {live}"));
        for (name, users) in [("new nonce", live), ("new nonce of the only user", 1)] {
            // More than fit into any shard.
            let filled = 2 * live;
            let nonces = Nonces::new(filled, users);
            let store = LazyCell::new(|| filled_store(live, &nonces));
            let mut numbers = filled..;
            let new = || nonces.first(numbers.next().expect("the range has no end"));
            group.measure(name, new, |used| {
                assert_eq!(used.check(&*store), NonceUse::Fresh);
            });
        }
    }
}

/// Prints how much memory a nonce takes.
fn memory(_: &mut Criterion) {
    const NONCES: usize = 1_000_000;
    for users in [1_000, NONCES] {
        let nonces = Nonces::new(NONCES, users);
        let (store, count) = counting_allocator::count(|| filled_store(2 * NONCES, &nonces));
        let each = count.bytes_kept as f64 / store.len() as f64;
        println!("memory: {} nonces of {users} users: {each:.1} bytes each", store.len());
    }
}

fn filled_store(capacity: usize, nonces: &Nonces) -> MemoryNonceStore {
    let store = MemoryNonceStore::builder().with_capacity(capacity).build();
    let store = store.expect("the options are valid");
    nonces.fill(&store);
    store
}
