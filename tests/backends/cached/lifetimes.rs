//! For whom a verdict is kept, and for how long.

use std::time::Duration;

use tower_proxy_auth::{Account, BasicCredentials, CredentialValidator, Realm, Users, Verdict};

use crate::support::cached_directory::{Directory, Stored, ask, begin, request};

#[test]
fn a_thousand_requests_of_one_user_are_one_question() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    for _ in 0..1_000 {
        assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    }
    assert_eq!(directory.asked(), 1);
    for _ in 0..1_000 {
        assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
        assert_eq!(ask(&cache, "carol", "wonder"), "unknown");
    }
    assert_eq!(directory.asked(), 3);
}

#[test]
fn a_verdict_is_that_of_the_very_credentials_it_was_given_for() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let long = "n".repeat(60);
    let sent = [
        ("alice", "wonder", "accepted"),
        ("alicew", "onder", "unknown"),
        ("alic", "ewonder", "unknown"),
        ("alice", "wonderr", "wrong"),
        ("alice", "Wonder", "wrong"),
        ("bob", "wonder", "wrong"),
        (&(long.clone() + "x"), "wonder", "unknown"),
        (&(long + "y"), "wonder", "unknown"),
    ];
    for round in 0..2 {
        for (at, (name, password, expected)) in sent.into_iter().enumerate() {
            assert_eq!(ask(&cache, name, password), expected, "{name}");
            let asked = if round == 0 { at + 1 } else { sent.len() };
            assert_eq!(directory.asked(), asked, "{name}");
        }
    }
}

#[tokio::test]
async fn realms_share_no_verdict() {
    let [here, there] = ["here", "there"].map(|realm| Realm::new(realm).unwrap());
    let users = Users::new(&here).with_user("alice", "wonder").unwrap();
    let cache = tower_proxy_auth::backend::cached::Cached::new(users).unwrap();
    for _ in 0..2 {
        let accepted = cache.validate(BasicCredentials::new(&here, "alice", "wonder")).await;
        assert!(matches!(accepted, Ok(Verdict::Accepted(_))));
        let elsewhere = BasicCredentials::new(&there, "alice", "wonder");
        assert!(matches!(cache.validate(elsewhere).await, Ok(Verdict::UnknownUser)));
    }
    // What one cache holds another does not know.
    let nobody = tower_proxy_auth::backend::cached::Cached::new(Users::new(&here)).unwrap();
    assert!(nobody.validate_now(BasicCredentials::new(&here, "alice", "wonder")).is_none());
}

#[test]
fn right_passwords_are_kept_for_longer_than_refusals() {
    let directory = Directory::new();
    let account = |verdict| Stored { password: "right", verdict, max_age: None };
    directory.store("dora", account(Verdict::Disabled));
    directory.store("emil", account(Verdict::Expired));
    for (name, password, expected, lifetime) in [
        ("alice", "wonder", "accepted", 60_000),
        ("alice", "wrong", "wrong", 5_000),
        ("carol", "wonder", "unknown", 5_000),
        ("dora", "right", "disabled", 5_000),
        ("emil", "right", "expired", 5_000),
    ] {
        let (cache, clock) = directory.cached();
        let before = directory.asked();
        for (at, asked) in [(0, 1), (lifetime - 1, 1), (lifetime, 2), (2 * lifetime - 1, 2)] {
            clock.set(at);
            assert_eq!(ask(&cache, name, password), expected);
            assert_eq!(directory.asked() - before, asked, "{name} {password} at {at}");
        }
    }
}

#[test]
fn a_lifetime_counts_from_the_question_and_not_from_the_answer() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    directory.wait();
    let mut slow = request(&cache, "alice", "wonder");
    assert!(begin(&mut slow).is_pending());
    clock.set(9_000);
    directory.let_go(1);
    assert!(begin(&mut slow).is_ready());
    directory.let_go(9);
    for (at, asked) in [(59_999, 1), (60_000, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
        assert_eq!(directory.asked(), asked);
    }
}

#[test]
fn the_validator_can_shorten_the_lifetime_of_a_verdict_and_not_lengthen_it() {
    for (verdict, max_age, lifetime) in [
        (Verdict::Accepted as fn(Account) -> Verdict, 10, 10_000),
        (Verdict::Accepted, 3_600, 60_000),
        (Verdict::Disabled, 2, 2_000),
        (Verdict::Disabled, 3_600, 5_000),
    ] {
        let (directory, max_age) = (Directory::new(), Some(Duration::from_secs(max_age)));
        directory.store("dora", Stored { password: "right", verdict, max_age });
        let (cache, clock) = directory.cached();
        for (at, asked) in [(0, 1), (lifetime - 1, 1), (lifetime, 2)] {
            clock.set(at);
            ask(&cache, "dora", "right");
            assert_eq!(directory.asked(), asked, "{max_age:?} at {at}");
        }
    }
    let (directory, max_age) = (Directory::new(), Some(Duration::ZERO));
    let never = Stored { password: "right", verdict: Verdict::Accepted, max_age };
    directory.store("dora", never);
    let (cache, _) = directory.cached();
    for asked in 1..4 {
        assert_eq!(ask(&cache, "dora", "right"), "accepted");
        assert_eq!(directory.asked(), asked);
    }
}

#[test]
fn what_lies_in_the_future_of_a_clock_that_was_set_back_is_asked_again() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    ask(&cache, "alice", "wonder");
    ask(&cache, "alice", "wrong");
    // Readings of two threads may change places.
    clock.set(-1_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(directory.asked(), 2);
    clock.set(-3_600_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
    assert_eq!(directory.asked(), 4);
}

#[test]
fn a_password_that_turns_wrong_is_no_longer_right() {
    let directory = Directory::new();
    let (cache, clock) = directory.cached();
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted");
    directory.set("alice", "changed");
    clock.set(59_999);
    assert_eq!(ask(&cache, "alice", "wonder"), "accepted", "nobody has told the cache");
    clock.set(60_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
    assert_eq!(ask(&cache, "alice", "changed"), "accepted");
    // Not even where the clock is set back to when it was.
    clock.set(30_000);
    assert_eq!(ask(&cache, "alice", "wonder"), "wrong");
}
