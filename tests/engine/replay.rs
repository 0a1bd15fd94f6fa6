//! Nonce counts: each passes once, in any order.

use std::net::SocketAddr;

use http::Method;
use tower_proxy_auth::Authenticator;

use crate::support::{
    digest::Digest,
    engine::{Proxy, realm, request, users},
};

#[test]
fn accepts_a_header_once_and_then_the_next_count() {
    let proxy = Proxy::new();
    let first = proxy.fresh();
    proxy.login(&first).passes("first", "alice");
    let again = proxy.login(&first);
    again.is("again", 407, "nonce-replayed");
    assert_ne!(again.nonce(), first.nonce);
    proxy.login(&first.count(2)).passes("the next count", "alice");
    proxy.login(&Digest::new(again.nonce())).passes("the new nonce", "alice");
}

#[test]
fn accepts_a_first_count_above_one() {
    let proxy = Proxy::new();
    for count in [2, 7, 65, 100_000] {
        proxy.login(&proxy.fresh().count(count)).passes(&count.to_string(), "alice");
    }
}

#[test]
fn accepts_counts_out_of_order_once_each() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for block in 0..20 {
        let counts = [9, 1, 5, 2, 8, 3, 7, 4, 6].map(|place| 9 * block + place);
        for count in counts {
            proxy.login(&digest.count(count)).passes(&count.to_string(), "alice");
        }
        for count in counts {
            proxy.login(&digest.count(count)).is(&count.to_string(), 407, "nonce-replayed");
        }
        proxy.login(&proxy.fresh()).passes("a success ends the count of stale answers", "alice");
    }
}

#[test]
fn accepts_a_skipped_count_once_inside_the_window() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for count in [1, 5, 3, 100] {
        proxy.login(&digest.count(count)).passes(&count.to_string(), "alice");
    }
    proxy.login(&digest.count(3)).is("again", 407, "nonce-replayed");
    proxy.login(&digest.count(36)).is("64 below the highest", 407, "nonce-replayed");
    proxy.login(&digest.count(37)).passes("63 below the highest", "alice");
    proxy.login(&digest.count(37)).is("once", 407, "nonce-replayed");
}

#[test]
fn only_a_right_response_uses_up_a_count() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    let wrong = Digest { password: "other".into(), ..digest.count(u32::MAX) };
    proxy.login(&wrong).is("wrong", 407, "wrong-password");
    proxy.login(&digest).passes("right, with a lower count", "alice");
}

#[test]
fn accepts_the_highest_count_and_none_after_it() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest.count(u32::MAX)).passes("the highest", "alice");
    for count in [u32::MAX, 1, 2, u32::MAX - 64] {
        proxy.login(&digest.count(count)).is(&count.to_string(), 407, "nonce-replayed");
    }
    proxy.login(&digest.count(u32::MAX - 1)).passes("the window holds here too", "alice");
}

#[test]
fn binds_a_nonce_to_its_first_user() {
    let proxy = Proxy::new();
    let alice = proxy.fresh();
    proxy.login(&alice).passes("alice", "alice");
    let (user, password) = ("bob".to_owned(), "builder".to_owned());
    let bob = Digest { user, password, ..alice.count(2) };
    proxy.login(&bob).is("bob", 407, "nonce-of-other-user");
    proxy.login(&alice.count(2)).passes("alice again", "alice");
    proxy.login(&Digest { nonce: proxy.nonce(), ..bob }).passes("bob with a nonce of his", "bob");
}

#[test]
fn limits_consecutive_stale_responses() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    let looping =
        |round: u32| proxy.login(&Digest { cnonce: format!("c{round}"), ..digest.clone() });
    for round in 0..100 {
        looping(round).is(&round.to_string(), 407, "nonce-replayed");
    }
    for round in 100..103 {
        looping(round).omits_stale(&round.to_string(), "nonce-replayed");
    }
    let bob = Digest { user: "bob".into(), password: "builder".into(), ..proxy.fresh() };
    proxy.login(&bob).passes("another user", "bob");
    looping(103).omits_stale("a challenge in between does not end it", "nonce-replayed");
    proxy.login(&proxy.fresh()).passes("a good nonce always helps", "alice");
    looping(104).is("and ends the count", 407, "nonce-replayed");
}

#[test]
fn does_not_count_repetitions_of_a_stale_field() {
    let builder = Authenticator::builder(realm()).with_digest(users());
    let proxy = Proxy::of(builder.with_max_consecutive_stale(2));
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    for round in 0..101 {
        proxy.login(&digest).is(&round.to_string(), 407, "nonce-replayed");
    }
}

#[test]
fn sends_a_fresh_challenge_for_every_new_field() {
    let proxy = Proxy::new();
    let captured: Vec<_> = (0..101).map(|_| proxy.fresh()).collect();
    for digest in &captured {
        proxy.login(digest).passes("the owner", "alice");
    }
    let (last, others) = captured.split_last().unwrap();
    for digest in others {
        proxy.login(digest).is("another client", 407, "nonce-replayed");
    }
    proxy.login(last).omits_stale("one more than the limit", "nonce-replayed");

    let new = Digest { cnonce: "new".into(), ..captured[0].clone() };
    let mut elsewhere = request(&Method::GET, "http://example.org/", [new.field()]);
    elsewhere.extensions_mut().insert(SocketAddr::from(([192, 0, 2, 7], 1)));
    proxy.send(elsewhere).is("the owner at another address", 407, "nonce-replayed");
    let response = proxy.login(&new);
    response.omits_stale("the owner at the same address", "nonce-replayed");
    assert_eq!(response.challenges().len(), 3);
    assert_ne!(response.nonce(), new.nonce);

    proxy.clock.set(301);
    let response = proxy.login(&captured[0].count(2));
    response.is("a new field of the owner", 407, "nonce-expired");
    assert_eq!(response.challenges().len(), 3);
    assert_ne!(response.nonce(), captured[0].nonce);
    proxy.login(&Digest { nonce: response.nonce(), ..captured[0].clone() }).passes("then", "alice");
}

#[test]
fn resets_the_stale_count_after_a_quiet_time() {
    let builder = Authenticator::builder(realm()).with_digest(users());
    let proxy = Proxy::of(builder.with_max_consecutive_stale(1));
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    let again = |cnonce: &str| proxy.login(&Digest { cnonce: cnonce.into(), ..digest.clone() });
    again("a").is("first", 407, "nonce-replayed");
    again("b").omits_stale("second", "nonce-replayed");
    proxy.clock.set(10);
    again("c").is("later", 407, "nonce-replayed");
}
