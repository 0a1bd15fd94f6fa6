//! What a request costs in heap allocations, once everything is warm.
//!
//! Bodies and the inner service are left out: its response is made before the count begins. A
//! request begins with empty extensions, so that the first insertion is counted too.

#[path = "support/layer.rs"]
mod support;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use support::{DigestClient, RIGHT, URL, both, realm, users, with_credentials};
use tower::{Layer, Service};
use tower_proxy_auth::{
    authenticator::{AuthInfo, Authenticator, DigestScheme},
    middleware::{ProxyAuth, ProxyAuthLayer},
};

/// Rounds before one is counted: lazily made things are made in the first.
const WARM_UP: usize = 3;

/// An inner service whose response is made beforehand.
#[derive(Clone, Default)]
struct Prepared(Arc<Mutex<Option<Response<Empty<Bytes>>>>>);

impl Prepared {
    fn prepare(&self) {
        let response = Response::builder()
            .header("content-type", "text/plain")
            .header("content-length", "0")
            .header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
            .header("server", "origin")
            .body(Empty::new());
        *self.0.lock().unwrap() = Some(response.unwrap());
    }
}

impl Service<Request<Empty<Bytes>>> for Prepared {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        ready(Ok(self.0.lock().unwrap().take().expect("it was prepared")))
    }
}

struct Bench {
    service: ProxyAuth<Prepared>,
    inner: Prepared,
}

impl Bench {
    fn new(auth: Authenticator) -> Self {
        let inner = Prepared::default();
        Self { service: ProxyAuthLayer::new(auth).layer(inner.clone()), inner }
    }

    /// Sends a request that is answered at once, and counts the allocations.
    fn send(&mut self, credentials: Option<&str>) -> (u64, Response<impl Sized>) {
        self.inner.prepare();
        let mut request = Request::get(URL).body(Empty::new()).unwrap();
        if let Some(credentials) = credentials {
            request = with_credentials(request, credentials);
        }
        let mut answer = None;
        let counted = allocation_counter::measure(|| {
            let mut context = Context::from_waker(Waker::noop());
            let future = pin!(self.service.call(request));
            let Poll::Ready(Ok(response)) = future.poll(&mut context) else {
                panic!("there was something to wait for")
            };
            answer = Some(response);
        });
        (counted.count_total, answer.unwrap())
    }

    fn digest_client(&mut self) -> DigestClient {
        DigestClient::of(self.send(None).1.headers())
    }

    /// What the last of several Digest requests costs.
    fn accepted_digest(&mut self) -> u64 {
        let mut client = self.digest_client();
        let mut count = 0;
        for _ in 0..=WARM_UP {
            let credentials = client.answer("GET", "/a?b=c");
            let (allocations, response) = self.send(Some(&credentials));
            assert_eq!(response.status(), 200);
            count = allocations;
        }
        count
    }
}

#[track_caller]
fn assert_costs_at_most(limit: u64, what: &str, count: u64) {
    println!("{what}: {count} allocations, at most {limit}");
    assert!(count <= limit, "{what} costs {count} allocations, more than {limit}");
    assert!(count > 0, "nothing was counted for {what}");
}

#[test]
fn an_accepted_basic_request_costs_what_its_identity_costs() {
    let mut bench = Bench::new(both());
    let mut count = 0;
    for _ in 0..=WARM_UP {
        let (allocations, response) = bench.send(Some(RIGHT));
        assert_eq!(response.status(), 200);
        count = allocations;
    }
    // The first value in the extensions: a map, its table and the boxed value.
    assert_costs_at_most(3, "an accepted Basic request", count);
}

#[test]
fn an_accepted_digest_request_costs_six_allocations_at_most() {
    let count = Bench::new(both()).accepted_digest();
    assert_costs_at_most(6, "an accepted Digest request", count);
}

#[test]
fn an_accepted_digest_request_without_info_costs_no_more_than_basic() {
    let digest = DigestScheme::builder(users()).with_auth_info(AuthInfo::Off).build().unwrap();
    let auth = Authenticator::builder(realm()).with_scheme(digest).build().unwrap();
    let count = Bench::new(auth).accepted_digest();
    assert_costs_at_most(3, "an accepted Digest request without info", count);
}

#[test]
fn a_407_with_three_challenges_costs_eight_allocations_at_most() {
    let mut bench = Bench::new(both());
    let mut count = 0;
    for _ in 0..=WARM_UP {
        let (allocations, response) = bench.send(None);
        assert_eq!(support::schemes(response.headers()), ["Digest", "Digest", "Basic"]);
        count = allocations;
    }
    // The header map 2, the list of its repeated fields 1, the Digest challenges 2, the reason in
    // the extensions 3.
    assert_costs_at_most(8, "a 407 with three challenges", count);
}
