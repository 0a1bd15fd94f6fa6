//! Invalid options, and `Debug`.

use std::time::Duration;

use tower_proxy_auth::backend::cached::{Cached, CachedBuilder};

use crate::support::cached_directory::{Directory, ask};

#[track_caller]
fn refuses(options: CachedBuilder<Directory>, message: &str) {
    assert_eq!(options.build().unwrap_err().to_string(), message);
}

#[tokio::test]
async fn refuses_options_out_of_range() {
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
        builder().with_refresh_ahead(seconds(61)),
        "the refresh ahead of the cache is 61s: use 0ns to 60s",
    );
    refuses(
        builder().allow_stale_if_error(seconds(86_401)),
        "the stale if error of the cache is 86401s: use 0ns to 86400s",
    );
    for (options, name) in [
        (builder().with_capacity(0), "with_capacity"),
        (builder().with_negative_capacity(0), "with_negative_capacity"),
    ] {
        let message = format!("the limit {name} is 0, which refuses everything: use a larger one");
        refuses(options, &message);
    }
    let widest = builder()
        .with_lifetime(seconds(86_400))
        .with_negative_lifetime(seconds(86_400))
        .with_refresh_ahead(seconds(86_400))
        .allow_stale_if_error(seconds(86_400));
    assert!(widest.build().is_ok());
}

#[tokio::test]
async fn a_short_lifetime_shortens_the_default_for_refusals() {
    let directory = Directory::new();
    let lifetime = Duration::from_secs(2);
    let (cache, clock) = directory.cached_with(|options| options.with_lifetime(lifetime));
    assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
    for (at, checks) in [(1_999, 1), (2_000, 2)] {
        clock.set(at);
        assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
        assert_eq!(directory.checks(), checks);
    }
}

#[tokio::test]
async fn a_negative_lifetime_of_zero_keeps_no_refusals() {
    let directory = Directory::new();
    let (cache, _) =
        directory.cached_with(|options| options.with_negative_lifetime(Duration::ZERO));
    for checks in 1..4 {
        assert_eq!(ask(&cache, "alice", "wrong").await, "wrong");
        assert_eq!(directory.checks(), checks);
    }
}

#[tokio::test]
async fn debug_shows_neither_names_nor_passwords() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    ask(&cache, "alice", "wonder").await;
    ask(&cache, "alice", "wrong").await;
    let shown = format!("{cache:?} {:?}", Cached::builder(directory));
    for secret in ["alice", "wonder", "wrong"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.starts_with("Cached { times: Times { lifetime: 60s,"), "{shown}");
}
