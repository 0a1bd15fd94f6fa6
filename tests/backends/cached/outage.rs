//! A cache behind the layer: what clients see while the back end is there, and while it is not.

use std::time::Duration;

use tower_proxy_auth::Authenticator;

use crate::support::{
    cached_directory::{Directory, nothing_is_under_way},
    engine::{Proxy, basic, realm},
};

#[test]
fn a_thousand_requests_through_the_layer_are_one_question() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(cache));
    for _ in 0..1_000 {
        proxy.get(basic("alice:wonder")).passes("alice", "alice");
    }
    assert_eq!(directory.asked(), 1);
}

#[test]
fn in_an_outage_nobody_is_refused_for_a_password_and_nobody_gets_in_who_was_not_there() {
    let directory = Directory::new();
    let (strict, _) = directory.cached();
    let (lenient, clock) =
        directory.cached_with(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    let proxies = [&strict, &lenient]
        .map(|cache| Proxy::of(Authenticator::builder(realm()).with_basic(cache.clone())));
    for proxy in &proxies {
        proxy.get(basic("alice:wonder")).passes("before", "alice");
        proxy.get(basic("alice:wrong")).is("before", 407, "wrong-password");
    }
    directory.is_down(true);
    let [strict, lenient] = &proxies;
    // What is kept goes on to be used, and nothing else.
    strict.get(basic("alice:wonder")).passes("kept", "alice");
    for sent in ["bob:builder", "alice:guess", "carol:wonder"] {
        for proxy in &proxies {
            proxy.get(basic(sent)).is(sent, 503, "backend-failed");
        }
    }
    clock.set(60_000);
    for _ in 0..9 {
        lenient.get(basic("alice:wonder")).passes("it stands in", "alice");
        for sent in ["bob:builder", "alice:wrong", "carol:wonder"] {
            lenient.get(basic(sent)).is(sent, 503, "backend-failed");
        }
    }
    clock.set(180_000);
    lenient.get(basic("alice:wonder")).is("too long ago", 503, "backend-failed");
    directory.is_down(false);
    lenient.get(basic("alice:wonder")).passes("it is back", "alice");
    lenient.get(basic("bob:builder")).passes("it is back", "bob");
    lenient.get(basic("carol:wonder")).is("it is back", 407, "unknown-user");
}

/// The check ends for all who wait for it, and the next one asks again.
#[cfg(feature = "timeout")]
#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_back_end_that_hangs_are_answered_in_time() {
    use tokio::{task::JoinSet, time::Instant};
    use tower_proxy_auth::backend::{Timeout, cached::Cached};

    use crate::support::cached_directory::request;

    let (directory, limit) = (Directory::new(), Duration::from_secs(2));
    let cache = Cached::new(Timeout::new(directory.clone(), limit)).unwrap();
    directory.wait();
    let start = Instant::now();
    let mut waiting: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), "failed");
    }
    assert_eq!(start.elapsed(), limit);
    assert_eq!((directory.asked(), directory.under_way()), (1, 0));
    nothing_is_under_way(&cache);
    directory.let_go(1);
    assert_eq!(request(&cache, "alice", "wonder").await, "accepted");
}
