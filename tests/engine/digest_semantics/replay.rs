//! Nonce-counts: each passes once, in whatever order.

use tower_proxy_auth::Authenticator;

use crate::support::{
    digest::Digest,
    engine::{Proxy, realm, users},
};

#[test]
fn the_same_header_passes_once_and_the_next_count_still_passes() {
    for (name, proxy) in Proxy::ready_and_waiting() {
        let first = proxy.fresh();
        proxy.login(&first).passes(name, "alice");
        let again = proxy.login(&first);
        again.is(name, 407, "nonce-replayed");
        assert_ne!(again.nonce(), first.nonce, "{name}: a new nonce comes with it");
        proxy.login(&first.count(2)).passes(name, "alice");
        proxy.login(&Digest::new(again.nonce())).passes(name, "alice");
    }
}

#[test]
fn a_count_of_zero_is_always_refused() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest.count(0)).is("first", 400, "improper-parameter");
    proxy.login(&digest).passes("one", "alice");
    proxy.login(&digest.count(0)).is("later", 400, "improper-parameter");
}

#[test]
fn counts_out_of_order_all_pass_and_each_again_is_refused() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for count in [3, 1, 2] {
        proxy.login(&digest.count(count)).passes(&count.to_string(), "alice");
    }
    for count in [3, 1, 2] {
        proxy.login(&digest.count(count)).is(&count.to_string(), 407, "nonce-replayed");
    }
}

#[test]
fn a_count_that_was_left_out_passes_once_inside_the_window() {
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
fn a_count_is_used_up_by_a_right_response_alone() {
    for (name, proxy) in Proxy::ready_and_waiting() {
        let digest = proxy.fresh();
        let wrong = Digest { password: "other".into(), ..digest.count(u32::MAX) };
        proxy.login(&wrong).is(name, 407, "wrong-password");
        proxy.login(&digest).passes(name, "alice");
    }
}

#[test]
fn the_highest_count_passes_and_is_the_last() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest.count(u32::MAX)).passes("the highest", "alice");
    for count in [u32::MAX, 1, 2, u32::MAX - 64] {
        proxy.login(&digest.count(count)).is(&count.to_string(), 407, "nonce-replayed");
    }
    proxy.login(&digest.count(u32::MAX - 1)).passes("the window holds here too", "alice");
}

#[test]
fn a_nonce_belongs_to_the_user_who_was_first() {
    for (name, proxy) in Proxy::ready_and_waiting() {
        let alice = proxy.fresh();
        proxy.login(&alice).passes(name, "alice");
        let (user, password) = ("bob".to_owned(), "builder".to_owned());
        let bob = Digest { user, password, ..alice.count(2) };
        proxy.login(&bob).is(name, 407, "nonce-of-other-user");
        proxy.login(&alice.count(2)).passes(name, "alice");
        proxy.login(&Digest { nonce: proxy.nonce(), ..bob }).passes(name, "bob");
    }
}

#[test]
fn endless_stale_answers_are_capped() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    for round in 0..100 {
        proxy.login(&digest).is(&round.to_string(), 407, "nonce-replayed");
    }
    for round in 0..3 {
        proxy.login(&digest).is(&round.to_string(), 429, "too-many-stale");
    }
    let bob = Digest { user: "bob".into(), password: "builder".into(), ..proxy.fresh() };
    proxy.login(&bob).passes("another user", "bob");
    proxy.login(&digest).is("a challenge in between ends nothing", 429, "too-many-stale");
    let wrong = Digest { password: "other".into(), ..digest.clone() };
    proxy.login(&wrong).is("a wrong digest tells nothing of it", 407, "wrong-password");

    proxy.login(&proxy.fresh()).passes("a good nonce always helps", "alice");
    proxy.login(&digest).is("and ends the count", 407, "nonce-replayed");
}

#[test]
fn a_quiet_time_ends_the_count_of_stale_answers() {
    let builder = Authenticator::builder(realm()).with_digest(users());
    let proxy = Proxy::of(builder.with_max_consecutive_stale(1));
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    proxy.login(&digest).is("one", 407, "nonce-replayed");
    let answer = proxy.login(&digest);
    answer.is("two", 429, "too-many-stale");
    let wait = answer.fields("retry-after")[0].parse().unwrap();
    proxy.clock.set(wait);
    proxy.login(&digest).is("after as long as was said", 407, "nonce-replayed");
}

#[test]
fn a_nonce_without_a_count_is_good_for_one_request() {
    let proxy = Proxy::with_digest(|digest| digest.legacy_rfc2069());
    let legacy = Digest { algorithm: "MD5", qop: None, ..proxy.fresh() };
    proxy.login(&legacy).passes("RFC 2069", "alice");
    proxy.login(&legacy).is("again", 407, "nonce-replayed");
    let elsewhere = Digest { uri: "/other".into(), ..legacy };
    proxy.login(&elsewhere).is("for another resource", 407, "nonce-replayed");
}
