//! A cache behind the layer, with a back end that fails.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Empty;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Refusal, backend::cached::Cached};

use crate::support::{
    cached_directory::Directory,
    engine::{basic, realm},
};

type Body = Empty<Bytes>;

fn layer(cache: &Cached<Directory>) -> ProxyAuthLayer {
    let auth = Authenticator::builder(realm()).with_basic(cache.clone());
    ProxyAuthLayer::new(auth.build().unwrap())
}

/// Sends these credentials and checks the outcome: a user name, or the reason for a 407 or 503.
async fn get(proxy: &ProxyAuthLayer, sent: &str, expected: &str) {
    let forward = service_fn(|request: Request<Body>| async move {
        let user = request.extensions().get::<Identity>().unwrap().user().unwrap().to_string();
        Ok::<_, Infallible>(Response::builder().extension(user).body(Body::new()).unwrap())
    });
    let request = Request::get("http://example.org/")
        .header(header::PROXY_AUTHORIZATION, basic(sent))
        .body(Body::new())
        .unwrap();
    let response = proxy.layer(forward).oneshot(request).await.unwrap();
    let outcome = match response.extensions().get::<Refusal>() {
        Some(refusal) => format!("{} {}", response.status().as_u16(), refusal.reason()),
        None => response.extensions().get::<String>().unwrap().clone(),
    };
    assert_eq!(outcome, expected, "{sent}");
}

#[tokio::test]
async fn a_thousand_requests_through_the_layer_are_one_check() {
    let directory = Directory::new();
    let (cache, _) = directory.cached();
    let proxy = layer(&cache);
    for _ in 0..1_000 {
        get(&proxy, "alice:wonder", "alice").await;
    }
    assert_eq!(directory.checks(), 1);
}

#[tokio::test]
async fn an_outage_never_refuses_or_admits_new_passwords() {
    let directory = Directory::new();
    let (strict, _) = directory.cached();
    let (lenient, clock) =
        directory.cached_with(|options| options.allow_stale_if_error(Duration::from_secs(120)));
    let proxies = [&strict, &lenient].map(layer);
    for proxy in &proxies {
        get(proxy, "alice:wonder", "alice").await;
        get(proxy, "alice:wrong", "407 wrong-password").await;
    }
    directory.is_down(true);
    let [strict, lenient] = &proxies;
    get(strict, "alice:wonder", "alice").await;
    for sent in ["bob:builder", "alice:guess", "carol:wonder"] {
        for proxy in &proxies {
            get(proxy, sent, "503 backend-failed").await;
        }
    }
    clock.set(60_000);
    for _ in 0..9 {
        get(lenient, "alice:wonder", "alice").await;
        for sent in ["bob:builder", "alice:wrong", "carol:wonder"] {
            get(lenient, sent, "503 backend-failed").await;
        }
    }
    clock.set(180_000);
    get(lenient, "alice:wonder", "503 backend-failed").await;
    directory.is_down(false);
    get(lenient, "alice:wonder", "alice").await;
    get(lenient, "bob:builder", "bob").await;
    get(lenient, "carol:wonder", "407 unknown-user").await;
}

/// The timeout ends the check for all waiting requests, and the next one starts a new check.
#[cfg(feature = "timeout")]
#[tokio::test(start_paused = true)]
async fn a_timeout_answers_all_requests_that_wait_for_a_check() {
    use tokio::{task::JoinSet, time::Instant};
    use tower_proxy_auth::backend::Timeout;

    use crate::support::cached_directory::{nothing_runs, request};

    let (directory, limit) = (Directory::new(), Duration::from_secs(2));
    let cache = Cached::new(Timeout::new(directory.clone(), limit)).unwrap();
    directory.wait();
    let start = Instant::now();
    let mut waiting: JoinSet<_> = (0..9).map(|_| request(&cache, "alice", "wonder")).collect();
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), "failed");
    }
    assert_eq!(start.elapsed(), limit);
    assert_eq!((directory.checks(), directory.running()), (1, 0));
    nothing_runs(&cache);
    directory.let_go(1);
    assert_eq!(request(&cache, "alice", "wonder").await, "accepted");
}
