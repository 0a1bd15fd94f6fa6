//! What a change of a user voids.

use tower_proxy_auth::{BasicCredentials, CredentialValidator, Realm};

use crate::support::cached_directory::{Directory, ask, begin, request};

#[test]
fn a_change_that_the_validator_tells_of_is_in_force_at_the_next_request() {
    let directory = Directory::new().tells_of_changes();
    let (cache, _) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "alice", "changed"), "wrong");
    assert_eq!(ask(&cache, "carol", "new"), "unknown");
    directory.set("alice", "changed");
    directory.set("carol", "new");
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
    assert_eq!(ask(&cache, "alice", "changed"), "accepted");
    assert_eq!(ask(&cache, "carol", "new"), "accepted");
    assert_eq!(directory.asked(), 6);
    assert_eq!(ask(&cache, "alice", "changed"), "accepted");
    assert_eq!(directory.asked(), 6);
}

#[test]
fn an_answer_from_before_a_change_is_neither_kept_nor_shared() {
    let directory = Directory::new().tells_of_changes();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut before = request(&cache, "alice", "wonder");
    assert!(begin(&mut before).is_pending());
    directory.set("alice", "changed");
    let mut after = request(&cache, "alice", "wonder");
    assert!(begin(&mut after).is_pending());
    assert_eq!(directory.asked(), 2, "it does not join a check that is out of date");
    directory.let_go(2);
    assert_eq!(begin(&mut after), std::task::Poll::Ready("wrong"));
    // The one that was overtaken ends last, and is for its own request alone.
    assert_eq!(begin(&mut before), std::task::Poll::Ready("accepted"));
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
    assert_eq!(directory.asked(), 2);
}

#[test]
fn invalidating_a_user_voids_every_verdict_on_that_user() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let handle = cache.clone();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "alice", "changed"), "wrong");
    // The canonical name is another than the one sent.
    assert_eq!(ask(&cache, "ALICE", "wonder"), "accepted");
    directory.set("alice", "changed");
    handle.invalidate("alice");
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
    assert_eq!(ask(&cache, "alice", "changed"), "accepted");
    assert_eq!(ask(&cache, "ALICE", "wonder"), "wrong");
    assert_eq!(directory.asked(), 6);
}

#[test]
fn invalidating_a_user_leaves_others_alone() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    // One in a thousand may share a place with alice.
    for user in ["bob", "carol", "dora"] {
        cache.invalidate(user);
    }
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert!(directory.asked() <= 2);
    let asked = directory.asked();
    cache.invalidate_all();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), asked + 1);
}

#[test]
fn an_answer_that_was_under_way_when_its_user_was_invalidated_is_not_kept() {
    for (name, by_all) in [("alice", false), ("ALICE", false), ("alice", true), ("ALICE", true)] {
        let directory = Directory::new();
        let (cache, _) = directory.cached();
        directory.wait();
        let mut before = request(&cache, name, "wonder");
        assert!(begin(&mut before).is_pending());
        directory.set("alice", "changed");
        if by_all {
            cache.invalidate_all();
        } else {
            cache.invalidate("alice");
        }
        let mut after = request(&cache, name, "wonder");
        assert!(begin(&mut after).is_pending());
        assert_eq!(directory.asked(), 2, "{name} does not join it");
        drop(after);
        directory.let_go(2);
        assert!(begin(&mut before).is_ready());
        assert_eq!(ask(&cache, name, "wonder"), "wrong", "{name}");
        assert_eq!(directory.asked(), 3, "{name}");
    }
}

#[test]
fn a_cache_round_a_cache_hears_of_both() {
    let directory = Directory::new().tells_of_changes();
    let (cache, _) = directory.cached();
    let realm = Realm::new("proxy").unwrap();
    let credentials = BasicCredentials::new(&realm, "alice", "wonder");
    let mut seen = vec![cache.revision(&credentials)];
    let mut changed = |change: &dyn Fn()| {
        change();
        let now = cache.revision(&credentials);
        assert!(!seen.contains(&now));
        seen.push(now);
        assert_eq!(cache.revision(&credentials), now);
    };
    changed(&|| directory.set("alice", "changed"));
    changed(&|| cache.invalidate("alice"));
    changed(&|| directory.set("alice", "again"));
    changed(&|| cache.invalidate_all());
    changed(&|| cache.invalidate("alice"));
}
