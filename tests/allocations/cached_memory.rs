//! The memory of a cache.
//!
//! Separate from the cache's other tests, since memory is counted per thread, and any thread that
//! uses a cache can free the evicted entries of another one.

use counting_allocator::count;
use tower_proxy_auth::backend::cached::Cached;

use crate::{
    support::cached_directory::{self, Directory},
    turn,
};

/// A runtime on this thread, which runs the checks too.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn ask(
    runtime: &tokio::runtime::Runtime,
    cache: &Cached<Directory>,
    name: &str,
    password: &str,
) -> &'static str {
    runtime.block_on(cached_directory::ask(cache, name, password))
}

#[test]
fn bounds_the_memory_of_made_up_names() {
    let _turn = turn();
    let (runtime, directory) = (runtime(), Directory::new());
    let (cache, _) =
        directory.cached_with(|options| options.with_capacity(100).with_negative_capacity(1_000));
    assert_eq!(ask(&runtime, &cache, "alice", "wonder"), "accepted");
    let make_up = |names: std::ops::Range<u32>| {
        for name in names {
            assert_eq!(ask(&runtime, &cache, &format!("made up {name}"), "guess"), "unknown");
        }
    };
    make_up(0..20_000);
    let ((), full) = count(|| make_up(20_000..100_000));
    assert!(full.bytes_kept < 1 << 20, "{full:?}");
    let before = directory.checks();
    assert_eq!(ask(&runtime, &cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.checks(), before);
}

#[test]
fn takes_740_to_1_000_bytes_for_a_verdict() {
    let _turn = turn();
    let (runtime, directory) = (runtime(), Directory::new());
    let names: Vec<&'static str> =
        (0..20_000).map(|name| &*format!("user {name}").leak()).collect();
    for name in &names {
        directory.set(name, "right");
    }
    let (cache, _) = directory.cached();
    let log_in = |names: &[&str]| {
        for name in names {
            assert_eq!(ask(&runtime, &cache, name, "right"), "accepted");
        }
    };
    let ((), cost) = count(|| log_in(&names[..10_000]));
    // The account with its name takes about 120 of it, the user's revocation handle 220.
    assert!(cost.bytes_kept < 10_000 * 740, "{cost:?}");
    // The cache is full: others take their places. The registry removes the handles of users who
    // were evicted when it has doubled.
    let mut grown = 0;
    for _ in 0..4 {
        let ((), full) = count(|| log_in(&names));
        grown += full.bytes_kept;
        assert!(grown < 10_000 * 300, "{grown}");
    }
}
