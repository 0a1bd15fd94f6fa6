//! What strangers can make the cache keep.

use std::num::NonZeroUsize;

use counting_allocator::count;
use tower_proxy_auth::{BasicCredentials, CredentialValidator, Realm, Verdict};

use crate::support::cached_directory::{Directory, ask};

fn places(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
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
