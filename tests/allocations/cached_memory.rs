//! The memory of a cache.
//!
//! It is not in the binary of the cache's other tests: memory is counted per thread, and entries
//! that one cache evicts are freed by any thread that uses a cache.

use std::num::NonZeroUsize;

use counting_allocator::count;

use crate::{
    support::cached_directory::{Directory, ask},
    turn,
};

fn places(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn is_bounded_when_guesses_make_up_names() {
    let _turn = turn();
    let directory = Directory::new();
    let (cache, _) = directory.cached_with(|options| {
        options.with_capacity(places(100)).with_negative_capacity(places(1_000))
    });
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    let make_up = |names: std::ops::Range<u32>| {
        for name in names {
            assert_eq!(ask(&cache, &format!("made up {name}"), "guess"), "unknown");
        }
    };
    make_up(0..20_000);
    let ((), full) = count(|| make_up(20_000..100_000));
    assert!(full.bytes_kept < 1 << 20, "{full:?}");
    let asked = directory.asked();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), asked, "alice is still cached");
}

#[test]
fn is_a_few_hundred_bytes_for_a_verdict() {
    let _turn = turn();
    let directory = Directory::new();
    let names: Vec<&'static str> =
        (0..20_000).map(|name| &*format!("user {name}").leak()).collect();
    for name in &names {
        directory.set(name, "right");
    }
    let (cache, _) = directory.cached();
    let log_in = |names: &[&str]| {
        for name in names {
            assert_eq!(ask(&cache, name, "right"), "accepted");
        }
    };
    let ((), cost) = count(|| log_in(&names[..10_000]));
    assert!(cost.bytes_kept < 10_000 * 500, "{cost:?}");
    let ((), full) = count(|| log_in(&names[10_000..]));
    assert!(full.bytes_kept < cost.bytes_kept / 10, "{full:?}");
}
