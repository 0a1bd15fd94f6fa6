//! How much memory a cache takes. It stands apart from the other tests of the cache: what a cache
//! has pushed out is freed by whichever thread uses a cache next, and only this one's memory is
//! counted.
#![cfg(feature = "cached")]

#[path = "support/cached_directory.rs"]
mod directory;
#[path = "support/engine.rs"]
mod engine;

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use counting_allocator::count;
use directory::{Directory, ask};

/// One test after the other.
static TURN: Mutex<()> = Mutex::new(());

fn places(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn made_up_names_take_bounded_memory_and_drive_nobody_out() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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
    assert_eq!(directory.asked(), asked, "alice is still there");
}

#[test]
fn a_verdict_takes_a_few_hundred_bytes() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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
