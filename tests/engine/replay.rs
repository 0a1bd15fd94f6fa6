//! Nonce counts: each passes once, in any order.

use tower_proxy_auth::Authenticator;

use crate::support::{
    digest::Digest,
    engine::{Proxy, realm, users},
};

#[test]
fn accepts_a_header_once_and_then_the_next_count() {
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
fn uses_up_a_count_by_a_right_response_alone() {
    for (name, proxy) in Proxy::ready_and_waiting() {
        let digest = proxy.fresh();
        let wrong = Digest { password: "other".into(), ..digest.count(u32::MAX) };
        proxy.login(&wrong).is(name, 407, "wrong-password");
        proxy.login(&digest).passes(name, "alice");
    }
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
fn limits_consecutive_stale_answers() {
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
    proxy.login(&digest).is("a challenge in between does not end it", 429, "too-many-stale");
    let wrong = Digest { password: "other".into(), ..digest.clone() };
    proxy.login(&wrong).is("a wrong digest", 407, "wrong-password");

    proxy.login(&proxy.fresh()).passes("a good nonce always helps", "alice");
    proxy.login(&digest).is("and ends the count", 407, "nonce-replayed");
}

#[test]
fn forgets_stale_answers_after_a_quiet_time() {
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
