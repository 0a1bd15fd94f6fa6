//! What strangers can make the cache keep.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use counting_allocator::count;
use tower_proxy_auth::{
    ports::{BasicCredentials, CredentialValidator, Verdict},
    scheme::Realm,
};

use crate::directory::{Directory, ask};

/// What all threads allocate is counted: tests that do so take turns.
static COUNTING: Mutex<()> = Mutex::new(());

fn places(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn made_up_names_take_bounded_memory_and_drive_nobody_out() {
    let _turn = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
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
    // What was pushed out is freed some time later. If all stayed, it would be 80 MiB.
    assert!(full.bytes_kept < 8 << 20, "{full:?}");
    let asked = directory.asked();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), asked, "alice is still there");
}

#[test]
fn guesses_at_one_name_take_a_few_places_and_drive_nobody_out() {
    let directory = Directory::new();
    let (cache, _) = directory.cached_with(|options| options.with_negative_capacity(places(10)));
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "bob", "forgotten"), "wrong");
    for guess in 0..10_000 {
        assert_eq!(ask(&cache, "alice", &format!("guess {guess}")), "wrong");
    }
    let asked = directory.asked();
    for guess in 10_000 - 8..10_000 {
        assert_eq!(ask(&cache, "alice", &format!("guess {guess}")), "wrong");
    }
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "bob", "forgotten"), "wrong");
    assert_eq!(directory.asked(), asked, "the last eight, and whoever was there before");
    assert_eq!(ask(&cache, "alice", "guess 5"), "wrong");
    assert_eq!(directory.asked(), asked + 1);
}

#[test]
fn a_verdict_takes_a_few_hundred_bytes() {
    let _turn = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = Directory::new();
    let names: Vec<&'static str> =
        (0..50_000).map(|name| &*format!("user {name}").leak()).collect();
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
    // Without a bound it would be four times as much as the first.
    assert!(full.bytes_kept < 2 * cost.bytes_kept, "{full:?}");
}

#[test]
fn what_was_not_used_for_the_longest_time_makes_room() {
    let directory = Directory::new();
    let names: Vec<&'static str> = (0..2_000).map(|name| &*format!("user {name}").leak()).collect();
    for name in &names {
        directory.set(name, "right");
    }
    let (cache, _) = directory.cached_with(|options| options.with_capacity(places(100)));
    for name in &names {
        assert_eq!(ask(&cache, name, "right"), "accepted");
        assert_eq!(ask(&cache, names[0], "right"), "accepted");
    }
    assert!(directory.asked() < names.len() + 100, "{}", directory.asked());
    let before = directory.asked();
    for name in &names[..1_000] {
        assert_eq!(ask(&cache, name, "right"), "accepted");
    }
    assert!(directory.asked() > before + 900, "{}", directory.asked() - before);
}

#[test]
fn what_is_at_hand_is_answered_without_an_allocation() {
    let (cache, _) = Directory::new().cached();
    let realm = Realm::new("proxy").unwrap();
    let credentials = BasicCredentials::new(&realm, "alice", "wonder");
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    let hits = || {
        for _ in 0..1_000 {
            assert!(matches!(cache.validate_now(credentials), Some(Ok(Verdict::Accepted(_)))));
        }
    };
    hits();
    let ((), cost) = count(hits);
    // moka does its accounts now and then.
    assert!(cost.allocations < 50, "{cost:?}");
}
