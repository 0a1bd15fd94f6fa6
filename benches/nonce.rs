//! What nonces cost: to issue one, to recognize one, and to remember which of its counts were used,
//! in time and in memory.

mod support;

use std::{
    cell::LazyCell,
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{
    engine::{challenges, digest, users},
    locked_map::LockedMap,
    nonces::{Nonces, Use},
    operation::{Group, criterion},
    threads::{self, Worker},
};
use tower_proxy_auth::{
    digest::{Algorithm, AuthInfo},
    nonce_store::{MemoryNonceStore, NonceStore, NonceUse},
};

/// How many nonces are in use.
const LIVE: [usize; 5] = [1, 1_000, 10_000, 100_000, 1_000_000];

/// Operations that wait for one thread: enough to outweigh its start.
const AT_ONCE: usize = 65_536;

criterion_group! {
    name = benches;
    config = criterion();
    targets = issue, lookup, eviction, contention, growth
}
criterion_main!(benches);

/// What needs no memory.
fn issue(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "nonce");
    let auth = digest(users(1), Algorithm::Sha256, AuthInfo::Full);
    group.measure("issue, in a 407 with one challenge", || (), |()| challenges(&auth));
}

/// Counts of nonces that are on record: new ones, and ones that were used before.
fn lookup(criterion: &mut Criterion) {
    for live in LIVE {
        let mut group = Group::new(criterion, format!("nonce/store/live: {live}"));
        let nonces = LazyCell::new(|| Nonces::new(live, live));
        let store = LazyCell::new(|| {
            let store = roomy_store(live);
            nonces.fill(&store);
            store
        });
        let mut numbers = 0..;
        let later = || nonces.later(numbers.next().expect("there is no last number"));
        group.measure("the next count", later, |used| {
            assert_eq!(used.judged_by(&*store), NonceUse::Fresh);
        });
        let mut numbers = (0..live).cycle();
        let again = || nonces.first(numbers.next().expect("it starts again"));
        group.measure("a count that was used", again, |used| {
            assert_eq!(used.judged_by(&*store), NonceUse::Replayed);
        });
    }
}

/// New nonces for a full store.
fn eviction(criterion: &mut Criterion) {
    for live in LIVE {
        let mut group = Group::new(criterion, format!("nonce/store/full: {live}"));
        for (name, users) in [("a new nonce", live), ("a new nonce of the only user", 1)] {
            // More than there is room for, wherever nonces go.
            let filled = 2 * live;
            let nonces = LazyCell::new(|| Nonces::new(filled, users));
            let store = LazyCell::new(|| {
                let store = store_for(live);
                nonces.fill(&store);
                store
            });
            let mut numbers = filled..;
            let new = || nonces.first(numbers.next().expect("there is no last number"));
            group.measure(name, new, |used| {
                assert_eq!(used.judged_by(&*store), NonceUse::Fresh);
            });
        }
    }
}

/// The next counts, from one and from two threads.
fn contention(criterion: &mut Criterion) {
    for live in [1, 10_000] {
        in_threads(criterion, "store", live, || roomy_store(live));
        in_threads(criterion, "one locked map", live, LockedMap::default);
    }
}

fn in_threads<S: NonceStore>(
    criterion: &mut Criterion,
    name: &str,
    live: usize,
    make: impl Fn() -> S,
) {
    let mut group = criterion.benchmark_group(format!("nonce/threads/{name}, live: {live}"));
    group.throughput(Throughput::Elements(1));
    let nonces = Nonces::new(live, live);
    for threads in [1, 2] {
        let store = LazyCell::new(|| {
            let store = make();
            nonces.fill(&store);
            store
        });
        // Threads take turns, so that neither lags so far behind that its counts are too old.
        let next: Vec<_> = (0..threads).map(AtomicUsize::new).collect();
        group.bench_function(threads.to_string(), |bencher| {
            let store = &*store;
            bencher.iter_custom(|operations| {
                threads::time(threads, operations, AT_ONCE, |thread| {
                    let next = &next[thread];
                    let prepare = || nonces.later(next.fetch_add(threads, Ordering::Relaxed));
                    Worker { prepare, work: |used: Use<'_>| _ = black_box(used.judged_by(store)) }
                })
            });
        });
    }
    group.finish();
}

/// New nonces for a store with room, and what each of them takes of it in the end.
fn growth(criterion: &mut Criterion) {
    const MOST: usize = 1_000_000;
    let mut group = criterion.benchmark_group(format!("nonce/store/up to {MOST}"));
    for users in [MOST, 1_000] {
        // The users' names are those of the back end, and are not counted.
        let nonces = LazyCell::new(|| Nonces::new(MOST, users));
        let mut is_counted = false;
        group.bench_function(format!("a new nonce of {users} users"), |bencher| {
            if !is_counted {
                LazyCell::force(&nonces);
                let (store, count) = counting_allocator::count(|| {
                    let store = roomy_store(MOST);
                    nonces.fill(&store);
                    store
                });
                let each = count.bytes_kept as f64 / store.len() as f64;
                println!("memory: {} nonces of {users} users: {each:.1} bytes each", store.len());
                is_counted = true;
            }
            bencher.iter_custom(|operations| grow(&nonces, operations));
        });
    }
    group.finish();
}

/// The time for so many new nonces, as many at once as there are.
fn grow(nonces: &Nonces, operations: u64) -> Duration {
    let mut left = usize::try_from(operations).expect("criterion asks for fewer");
    let mut total = Duration::ZERO;
    while left > 0 {
        let now = left.min(nonces.live());
        left -= now;
        let store = roomy_store(nonces.live());
        let start = Instant::now();
        for number in 0..now {
            assert_eq!(nonces.first(number).judged_by(&store), NonceUse::Fresh);
        }
        total += start.elapsed();
    }
    total
}

/// A store that evicts nothing, though nonces do not spread evenly.
fn roomy_store(nonces: usize) -> MemoryNonceStore {
    store_for(2 * nonces)
}

fn store_for(nonces: usize) -> MemoryNonceStore {
    MemoryNonceStore::builder().with_capacity(nonces).build().expect("the options are in range")
}
