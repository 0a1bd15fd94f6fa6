//! Who is limited and who is spared, by example.

use std::time::Duration;

use counting_allocator::count;

use super::{
    MemoryThrottle,
    support::{End, Scene, Sent, basic, digest},
};
use crate::{
    claim::{Claim, Claimant},
    throttle::{Attempt, Overload},
    user_id::UserId,
    wire::Realm,
};

const GUESSER: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
/// Ten peers, and an eleventh.
const PEERS: [&str; 11] = [
    "198.51.100.1",
    "198.51.100.2",
    "198.51.100.3",
    "198.51.100.4",
    "198.51.100.5",
    "198.51.100.6",
    "198.51.100.7",
    "198.51.100.8",
    "198.51.100.9",
    "2001:db8::1",
    "2001:db8:0:1::1",
];

fn scene(failures: u32) -> Scene {
    Scene::new(MemoryThrottle::builder().with_max_failures(failures))
}

#[test]
fn a_guesser_gets_the_limit_within_a_minute() {
    let mut scene = scene(5);
    assert_eq!(scene.guess(GUESSER, "alice", 100), 5);
    let refused = scene.admit(basic(GUESSER, "bob", "wonder")).unwrap_err();
    assert_eq!(refused, Overload::Failures(Duration::from_secs(70)));
    scene.wait(59);
    assert_eq!(scene.guess(GUESSER, "alice", 100), 0);
    scene.wait(11);
    assert_eq!(scene.guess(GUESSER, "bob", 100), 5);
}

#[test]
fn only_strikes_count() {
    let scene = scene(1);
    for end in [End::Neutral, End::Right("alice")] {
        for _ in 0..100 {
            assert!(scene.login(digest(GUESSER, "alice"), end));
        }
    }
    for _ in 0..100 {
        // Dropped without a settlement.
        scene.admit(digest(GUESSER, "bob")).unwrap();
    }
    assert_eq!(scene.guess(GUESSER, "bob", 100), 1);
}

#[test]
fn the_victim_logs_in_from_another_address() {
    let scene = scene(5);
    scene.guess(GUESSER, "alice", 100);
    assert!(!scene.admits(basic(GUESSER, "alice", "wonder")));
    assert!(scene.admits(basic(ELSEWHERE, "alice", "wonder")));
}

#[test]
fn the_victim_logs_in_from_the_address_of_the_guesser_if_proved() {
    for victim in [basic(GUESSER, "alice", "wonder"), digest(GUESSER, "alice")] {
        let mut scene = scene(5);
        assert!(scene.login(victim, End::Right("alice")));
        assert_eq!(scene.guess(GUESSER, "bob", 100), 5);
        assert!(scene.admits(victim), "{victim:?}");
        scene.wait(3_599);
        assert_eq!(scene.guess(GUESSER, "bob", 100), 5);
        assert!(scene.admits(victim), "{victim:?}");
        scene.wait(2);
        assert!(!scene.admits(victim), "{victim:?}");
    }
}

#[test]
fn a_proved_pair_has_a_limit_of_its_own() {
    let scene = scene(5);
    assert!(scene.login(digest(GUESSER, "alice"), End::Right("alice")));
    assert_eq!(scene.guess(GUESSER, "alice", 100), 5);
    assert_eq!(scene.guess(GUESSER, "bob", 100), 5);
    assert!(scene.admits(digest(ELSEWHERE, "alice")));
}

#[test]
fn proved_credentials_pass_until_they_are_refused() {
    let scene = scene(5);
    let victim = basic(ELSEWHERE, "alice", "wonder");
    assert!(scene.login(victim, End::Right("alice")));
    let here = Sent { peer: GUESSER, ..victim };
    assert_eq!(scene.guess(GUESSER, "alice", 100), 5);
    assert!(scene.login(here, End::Right("alice")));
    // Now a proved pair as well, with other credentials.
    let other = |password| basic(GUESSER, "alice", password);
    for password in ["a", "b", "c", "d", "e"] {
        assert!(scene.login(other(password), End::Wrong));
    }
    assert!(!scene.admits(other("f")));
    assert!(scene.login(here, End::Wrong));
    assert!(!scene.admits(here));
    assert!(scene.admits(victim), "a proved pair");
    assert!(!scene.admits(Sent { realm: "other", ..here }));
}

#[test]
fn proved_credentials_pass_until_they_are_revoked() {
    let scene = scene(1);
    let (victim, user) = (basic(GUESSER, "alice", "wonder"), UserId::new("alice"));
    assert!(scene.login(victim, End::Right("alice")));
    assert_eq!(scene.guess(GUESSER, "alice", 100), 1);
    assert!(scene.admits(victim));
    scene.revocations.revoke(&Realm::from_static("proxy"), &user);
    assert!(!scene.admits(victim));
}

#[test]
fn it_takes_eleven_peers_to_lock_a_user_out() {
    let scene = scene(3);
    let [ten @ .., eleventh] = PEERS;
    for peer in ten {
        assert_eq!(scene.guess(peer, "alice", 100), 3);
    }
    assert!(scene.admits(digest(ELSEWHERE, "alice")));
    assert_eq!(scene.guess(eleventh, "alice", 100), 1);
    assert!(!scene.admits(digest(ELSEWHERE, "alice")));
    assert!(scene.admits(digest(ELSEWHERE, "bob")));
    assert!(scene.admits(Sent { realm: "other", ..digest(ELSEWHERE, "alice") }));
}

#[test]
fn only_the_user_counts_if_the_peer_is_unknown() {
    let scene = scene(3);
    assert_eq!(scene.guess("", "alice", 100), 31);
    assert!(!scene.admits(digest("", "alice")) && !scene.admits(digest(ELSEWHERE, "alice")));
    assert!(scene.admits(digest("", "bob")));
}

#[test]
fn all_names_of_a_user_share_a_limit() {
    let scene = scene(1);
    for (peer, name) in PEERS.into_iter().zip(["Alice", "alice", "ALICE"].into_iter().cycle()) {
        assert!(scene.login(digest(peer, name), End::Wrong));
    }
    assert!(!scene.admits(digest(GUESSER, "aLice")));
    // A new name is admitted once, and counts for the user from then on.
    assert!(scene.login(digest(GUESSER, "alice@example.org"), End::WrongOf("alice")));
    assert!(!scene.admits(digest(ELSEWHERE, "alice@example.org")));
    assert!(!scene.admits(digest(ELSEWHERE, "Alice@Example.ORG")));
}

#[test]
fn the_first_strike_of_a_new_name_counts_for_the_user() {
    let scene = scene(1);
    let [ten @ .., eleventh] = PEERS;
    for peer in ten {
        assert!(scene.login(digest(peer, "alice@example.org"), End::WrongOf("Alice")));
    }
    assert!(scene.login(digest(eleventh, "alice"), End::Wrong));
    assert!(!scene.admits(digest(ELSEWHERE, "alice")));
}

#[test]
fn ipv6_addresses_of_a_network_are_one_peer() {
    let scene = scene(2);
    assert_eq!(scene.guess("2001:db8::1", "alice", 100), 2);
    assert!(!scene.admits(digest("2001:db8::ffff:2", "bob")));
    assert!(scene.admits(digest("2001:db8:0:1::1", "bob")));
    assert_eq!(scene.guess("192.0.2.7", "alice", 100), 2);
    assert!(!scene.admits(digest("::ffff:192.0.2.7", "bob")));

    let builder = MemoryThrottle::builder().with_max_failures(2);
    let wide = Scene::new(builder.with_ipv4_prefix(24).with_ipv6_prefix(32));
    assert_eq!(wide.guess("192.0.2.7", "alice", 100), 2);
    assert!(!wide.admits(digest("192.0.2.8", "bob")) && wide.admits(digest("192.0.3.7", "bob")));
    assert_eq!(wide.guess("2001:db8::1", "alice", 100), 2);
    assert!(!wide.admits(digest("2001:db8:1::1", "bob")));
}

#[test]
fn running_checks_are_limited() {
    let scene = scene(50);
    let busy = Err(Overload::Checks(Duration::from_secs(1)));
    let admit = |sent| scene.admit(sent).map(drop);
    let _alice = [(); 4].map(|()| scene.admit(digest(GUESSER, "alice")).unwrap());
    assert_eq!(admit(digest(GUESSER, "alice")), busy);
    let bob = [(); 4].map(|()| scene.admit(digest(GUESSER, "bob")).unwrap());
    assert_eq!(admit(digest(GUESSER, "carol")), busy);
    assert_eq!(admit(digest(ELSEWHERE, "carol")), Ok(()));
    let [one, ..] = bob;
    drop(one);
    assert_eq!(admit(digest(GUESSER, "carol")), Ok(()));
    assert_eq!(scene.throttle.running(), 7);

    let _all = PEERS.map(|peer| [(); 4].map(|()| scene.admit(digest(peer, "alice")).ok()));
    assert_eq!(admit(digest(ELSEWHERE, "alice")), busy);
    assert_eq!(scene.throttle.running(), 43);
}

#[test]
fn a_pending_check_holds_a_token() {
    let scene = scene(2);
    let one = scene.admit(digest(GUESSER, "alice")).unwrap();
    let two = scene.admit(digest(GUESSER, "bob")).unwrap();
    assert!(matches!(scene.admit(digest(GUESSER, "carol")), Err(Overload::Checks(_))));
    scene.settle(digest(GUESSER, "alice"), &one, End::Wrong);
    assert!(matches!(scene.admit(digest(GUESSER, "carol")), Err(Overload::Checks(_))));
    drop(two);
    let again = scene.admit(digest(GUESSER, "carol")).unwrap();
    scene.settle(digest(GUESSER, "carol"), &again, End::Wrong);
    assert!(matches!(scene.admit(digest(GUESSER, "carol")), Err(Overload::Failures(_))));
}

#[test]
fn a_place_is_held_until_the_last_ticket_is_dropped() {
    let builder = MemoryThrottle::builder().with_max_checks_per_peer(1);
    let scene = Scene::new(builder);
    let ticket = scene.admit(digest(GUESSER, "alice")).unwrap();
    let work = ticket.clone();
    scene.settle(digest(GUESSER, "alice"), &ticket, End::Wrong);
    drop(ticket);
    assert!(!scene.admits(digest(GUESSER, "bob")));
    drop(work);
    assert!(scene.admits(digest(GUESSER, "bob")));
}

#[test]
fn the_proved_have_places_of_their_own() {
    let scene = scene(50);
    let (alice, carol) = (basic(GUESSER, "alice", "wonder"), digest(GUESSER, "carol"));
    assert!(scene.login(alice, End::Right("alice")) && scene.login(carol, End::Right("carol")));
    let _strangers =
        [(); 4].map(|()| ["bob", "dave"].map(|name| scene.admit(digest(GUESSER, name)).unwrap()));
    assert!(!scene.admits(digest(GUESSER, "eve")));
    let _carol = [(); 8].map(|()| scene.admit(carol).unwrap());
    assert!(!scene.admits(carol));
    let _alice = [(); 8].map(|()| scene.admit(digest(GUESSER, "alice")).unwrap());
    assert!(!scene.admits(digest(GUESSER, "alice")));
    // 32 requests share a place.
    let _credentials = [(); 8 * 32].map(|()| scene.admit(alice).unwrap());
    assert!(!scene.admits(alice) && scene.admits(Sent { peer: ELSEWHERE, ..alice }));
}

#[test]
fn identical_credentials_of_a_peer_share_a_place() {
    let scene = scene(50);
    let sent = basic(GUESSER, "alice", "wonder");
    let tickets = [(); 4 * 32].map(|()| scene.admit(sent).unwrap());
    assert_eq!(scene.throttle.running(), 4);
    assert!(!scene.admits(sent) && !scene.admits(basic(GUESSER, "alice", "other")));
    assert!(scene.admits(Sent { peer: ELSEWHERE, ..sent }));
    drop(tickets);
    assert_eq!(scene.throttle.running(), 0);
    let _digest = [(); 4].map(|()| scene.admit(digest(GUESSER, "alice")).unwrap());
    assert!(!scene.admits(digest(GUESSER, "alice")));
}

#[test]
fn a_shared_check_is_one_strike() {
    let scene = scene(2);
    let sent = basic(GUESSER, "alice", "wrong");
    let tickets = [(); 32].map(|()| scene.admit(sent).unwrap());
    scene.settle(sent, &tickets[0], End::Wrong);
    // The next request does not share a check that has failed.
    let next = scene.admit(sent).unwrap();
    assert_eq!(scene.throttle.running(), 2);
    tickets.iter().for_each(|ticket| scene.settle(sent, ticket, End::Wrong));
    drop((tickets, next));
    assert_eq!(scene.guess(GUESSER, "bob", 100), 1);
}

#[test]
fn credentials_without_a_name_count_for_the_peer() {
    let scene = scene(3);
    let realm = Realm::from_static("proxy");
    let guess = |peer: &str, token| {
        let claim = Claim::new(Claimant::Unnamed).with_fixed_secret(token);
        let attempt = Attempt::new(&realm, claim, scene.now).with_peer(peer.parse().ok());
        let keys = scene.throttle.shared.keys.attempt(&attempt);
        let ticket = scene.throttle.shared.admit(&keys, &realm, scene.now).unwrap();
        ticket.is_ok_and(|ticket| {
            scene.settle(digest("", ""), &ticket, End::Wrong);
            true
        })
    };
    let tokens: Vec<_> = (0..100).map(|token| token.to_string()).collect();
    let guesses = |peer| tokens.iter().filter(|token| guess(peer, token)).count();
    assert_eq!([GUESSER, GUESSER, ELSEWHERE, "", ""].map(guesses), [3, 0, 3, 31, 0]);
}

#[test]
fn a_clock_that_steps_back_is_stricter_for_a_minute() {
    for step in [5, 59, 60, 100_000] {
        let mut scene = scene(2);
        scene.wait(200_000);
        let alice = basic(GUESSER, "alice", "wonder");
        assert!(scene.login(alice, End::Right("alice")));
        assert_eq!(scene.guess(GUESSER, "bob", 100), 2);
        let before = scene.now;
        scene.now = crate::clock::Timestamp::from_micros(before.as_micros() - step * 1_000_000);
        assert_eq!(scene.guess(GUESSER, "bob", 100), 0, "{step}");
        scene.wait(step.min(60) + 70);
        assert_eq!(scene.guess(GUESSER, "bob", 100), 2, "{step}");
        // A proof from the future does not count.
        assert_eq!(scene.admits(alice), step < 100_000, "{step}");
    }
}

#[test]
fn a_million_strangers_take_no_memory() {
    let (scene, built) = count(|| scene(50));
    assert!(built.bytes_kept < 5 << 20, "{built:?}");
    let realm = Realm::from_static("proxy");
    let ((), used) = count(|| {
        for number in 0..1_000_000_u32 {
            let name = number.to_string();
            let claim = Claim::new(Claimant::Name(&name)).with_fixed_secret("wrong");
            let peer = std::net::Ipv4Addr::from_bits(number << 4);
            let attempt = Attempt::new(&realm, claim, scene.now).with_peer(Some(peer.into()));
            let keys = scene.throttle.shared.keys.attempt(&attempt);
            if let Ok(ticket) = scene.throttle.shared.admit(&keys, &realm, scene.now).unwrap() {
                scene.settle(digest("", ""), &ticket, End::WrongOf("alice"));
            }
        }
    });
    assert!(used.bytes_kept < 1_000, "{used:?}");
    assert_eq!((scene.throttle.running(), scene.throttle.waiting()), (0, 0));
}

#[test]
fn debug_shows_no_names() {
    let scene = scene(5);
    let _ticket = scene.admit(basic(GUESSER, "alice", "wonder")).unwrap();
    let text = format!("{:?}", scene.throttle);
    assert_eq!(text, "MemoryThrottle { running: 1, waiting: 0, .. }");
}
