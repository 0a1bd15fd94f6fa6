//! Mistakes in the options, and what is shown of a cache.

use std::time::Duration;

use tower_proxy_auth::backend::cached::{Cached, CachedBuilder};

use crate::support::cached_directory::{Directory, ask};

#[track_caller]
fn refuses(options: CachedBuilder<Directory>, message: &str) {
    assert_eq!(options.build().unwrap_err().to_string(), message);
}

#[test]
fn refuses_times_that_make_no_sense() {
    let (builder, seconds) = (|| Cached::builder(Directory::new()), Duration::from_secs);
    refuses(
        builder().with_lifetime(Duration::from_millis(999)),
        "the lifetime of the cache is 999ms: use 1s to 86400s",
    );
    refuses(
        builder().with_lifetime(seconds(86_401)),
        "the lifetime of the cache is 86401s: use 1s to 86400s",
    );
    refuses(
        builder().with_lifetime(seconds(4)).with_negative_lifetime(seconds(5)),
        "the negative lifetime of the cache is 5s: use 0ns to 4s",
    );
    refuses(
        builder().with_refresh_ahead(seconds(61), drop),
        "the refresh ahead of the cache is 61s: use 0ns to 60s",
    );
    refuses(
        builder().allow_stale_if_error(seconds(86_401)),
        "the stale if error of the cache is 86401s: use 0ns to 86400s",
    );
    let widest = builder()
        .with_lifetime(seconds(86_400))
        .with_negative_lifetime(seconds(86_400))
        .with_refresh_ahead(seconds(86_400), drop)
        .allow_stale_if_error(seconds(86_400));
    assert!(widest.build().is_ok());
}

#[test]
fn a_short_lifetime_shortens_that_of_refusals_too() {
    let directory = Directory::new();
    let lifetime = Duration::from_secs(2);
    let (cache, clock) = directory.cached_with(|options| options.with_lifetime(lifetime));
    assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
    for (at, asked) in [(1_999, 1), (2_000, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
        assert_eq!(directory.asked(), asked);
    }
}

#[test]
fn refusals_need_not_be_kept() {
    let directory = Directory::new();
    let (cache, _) =
        directory.cached_with(|options| options.with_negative_lifetime(Duration::ZERO));
    for asked in 1..4 {
        assert_eq!(ask(&cache, "alice", "wrong"), "wrong");
        assert_eq!(directory.asked(), asked);
    }
}

#[test]
fn debug_shows_neither_names_nor_passwords() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    ask(&cache, "alice", "wonder");
    ask(&cache, "alice", "wrong");
    let shown = format!("{cache:?} {:?}", Cached::builder(directory));
    for secret in ["alice", "wonder", "wrong"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.starts_with("Cached { times: Times { lifetime: 60s,"), "{shown}");
}
