//! Changes of users.

use std::task::Poll;

use tower_proxy_auth::{CredentialValidator, Realm, UserId, revocation::Revocations};

use crate::support::cached_directory::{Directory, ask, begin, request, until};

#[tokio::test]
async fn a_reported_change_applies_to_the_next_request() {
    let directory = Directory::new().reporting_changes();
    let (cache, _) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "changed").await, "wrong");
    assert_eq!(ask(&cache, "carol", "new").await, "unknown");
    directory.set("alice", "changed");
    directory.set("carol", "new");
    assert_eq!(ask(&cache, "alice", "wonder").await, "wrong");
    assert_eq!(ask(&cache, "alice", "changed").await, "accepted");
    assert_eq!(ask(&cache, "carol", "new").await, "accepted");
    assert_eq!(directory.checks(), 6);
    assert_eq!(ask(&cache, "alice", "changed").await, "accepted");
    assert_eq!(directory.checks(), 6);
}

#[tokio::test]
async fn a_change_of_another_user_voids_only_refusals() {
    let directory = Directory::new().reporting_changes();
    let (cache, _) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
    directory.set("bob", "changed");
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
    assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
    assert_eq!(directory.checks(), 3);
}

#[tokio::test]
async fn a_check_that_began_before_a_change_is_void() {
    for changed in ["alice", "bob"] {
        let directory = Directory::new().reporting_changes();
        let (cache, _) = directory.cached();
        directory.wait();
        let mut before = request(&cache, "alice", "wonder");
        assert!(begin(&mut before).await.is_pending());
        directory.set(changed, "changed");
        let mut after = request(&cache, "alice", "wonder");
        assert!(begin(&mut after).await.is_pending());
        assert_eq!(directory.checks(), 2, "{changed}");
        directory.let_go(2);
        let expected = if changed == "alice" { "wrong" } else { "accepted" };
        assert_eq!(begin(&mut after).await, Poll::Ready(expected));
        assert_eq!(begin(&mut before).await, Poll::Ready("accepted"));
        assert_eq!(ask(&cache, "alice", "wonder").await, expected);
        assert_eq!(directory.checks(), 2, "{changed}: the newer answer is kept");
    }
}

#[tokio::test]
async fn keeps_no_answer_if_the_version_changed_meanwhile() {
    for (password, expected) in [("wonder", "accepted"), ("guess", "wrong")] {
        let directory = Directory::new().reporting_changes();
        let (cache, _) = directory.cached();
        directory.wait();
        let mut during = request(&cache, "alice", password);
        assert!(begin(&mut during).await.is_pending());
        directory.set("bob", "changed");
        directory.let_go(2);
        assert_eq!(begin(&mut during).await, Poll::Ready(expected));
        assert_eq!(ask(&cache, "alice", password).await, expected);
        assert_eq!(directory.checks(), 2, "{password}");
    }
}

#[tokio::test]
async fn drops_a_verdict_if_any_registry_revokes_its_user() {
    let (realm, alice) = (Realm::new("proxy").unwrap(), UserId::new("alice"));
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let registries = [(); 3].map(|()| Revocations::new());
    let narrowed = registries[2].for_realm(&realm);
    for registry in [&registries[0], &registries[1], &narrowed] {
        cache.attach(registry);
    }
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    for (checks, registry) in (2..).zip(&registries) {
        registry.revoke(&realm, &UserId::new("bob"));
        registry.revoke(&Realm::new("other").unwrap(), &alice);
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
        assert_eq!(directory.checks(), checks - 1);
        registry.revoke(&realm, &alice);
        for _ in 0..2 {
            assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
            assert_eq!(directory.checks(), checks);
        }
    }
}

/// The verdict has no handle in the new registry.
#[tokio::test]
async fn drops_a_verdict_if_a_registry_is_attached_later() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    directory.wait();
    let mut during = request(&cache, "alice", "wonder");
    assert!(begin(&mut during).await.is_pending());
    cache.attach(&Revocations::new());
    directory.let_go(9);
    assert_eq!(begin(&mut during).await, Poll::Ready("accepted"));
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
    let registry = Revocations::new();
    for _ in 0..2 {
        cache.attach(&registry);
        assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
        assert_eq!(directory.checks(), 3);
    }
}

#[tokio::test]
async fn keeps_no_answer_if_its_user_was_revoked_meanwhile() {
    let (realm, directory) = (Realm::new("proxy").unwrap(), Directory::new());
    let (cache, _) = directory.cached();
    let registry = Revocations::new();
    cache.attach(&registry);
    directory.wait();
    let mut during = request(&cache, "alice", "wonder");
    assert!(begin(&mut during).await.is_pending());
    registry.revoke(&realm, &UserId::new("alice"));
    let mut after = request(&cache, "alice", "wonder");
    assert!(begin(&mut after).await.is_pending());
    assert_eq!(directory.checks(), 2, "it is not joined");
    drop(after);
    until(|| directory.running() == 1).await;
    directory.let_go(9);
    assert_eq!(begin(&mut during).await, Poll::Ready("accepted"));
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 3);
}

#[tokio::test]
async fn invalidate_drops_all_verdicts_of_a_user() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let handle = cache.clone();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "alice", "changed").await, "wrong");
    // Sent in another spelling than the canonical one.
    assert_eq!(ask(&cache, "ALICE", "wonder").await, "accepted");
    assert_eq!(ask(&cache, "ALICE", "changed").await, "wrong");
    directory.set("alice", "changed");
    handle.invalidate("alice");
    for name in ["alice", "ALICE"] {
        assert_eq!(ask(&cache, name, "wonder").await, "wrong");
        assert_eq!(ask(&cache, name, "changed").await, "accepted");
    }
    assert_eq!(directory.checks(), 8);
}

#[tokio::test]
async fn invalidate_keeps_the_verdicts_of_other_users() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    for user in ["bob", "carol", "ALICE"] {
        cache.invalidate(user);
    }
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 1);
    cache.invalidate_all();
    assert_eq!(ask(&cache, "alice", "wonder").await, "accepted");
    assert_eq!(directory.checks(), 2);
}

#[tokio::test]
async fn a_check_that_runs_during_an_invalidation_is_not_kept() {
    for (name, all) in [("alice", false), ("ALICE", false), ("alice", true), ("ALICE", true)] {
        let directory = Directory::new();
        let (cache, _) = directory.cached();
        directory.wait();
        let mut before = request(&cache, name, "wonder");
        assert!(begin(&mut before).await.is_pending());
        directory.set("alice", "changed");
        if all {
            cache.invalidate_all();
        } else {
            cache.invalidate("alice");
        }
        let mut after = request(&cache, name, "wonder");
        assert!(begin(&mut after).await.is_pending());
        assert_eq!(directory.checks(), 2, "{name} does not join it");
        drop(after);
        until(|| directory.running() == 1).await;
        directory.let_go(2);
        assert!(begin(&mut before).await.is_ready());
        assert_eq!(ask(&cache, name, "wonder").await, "wrong", "{name}");
        assert_eq!(directory.checks(), 3, "{name}");
    }
}

#[test]
fn the_version_changes_with_users_and_invalidations() {
    let directory = Directory::new().reporting_changes();
    let (cache, _) = directory.cached();
    let mut seen = vec![cache.version()];
    let mut changes = |change: &dyn Fn()| {
        change();
        let now = cache.version();
        assert!(!seen.contains(&now));
        seen.push(now);
        assert_eq!(cache.version(), now);
    };
    changes(&|| directory.set("alice", "changed"));
    changes(&|| cache.invalidate("alice"));
    changes(&|| directory.set("alice", "again"));
    changes(&|| cache.invalidate_all());
    changes(&|| cache.invalidate("alice"));
}
