//! The heap allocations of a request, and the memory of a cache and of stored hashes.
//!
//! Requests are counted after a warm-up, without bodies and without the inner service, whose
//! response is prepared. A request has empty extensions, so that the first insertion counts.
//! Dropping the response does not count.

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "cached")]
mod cached_memory;
#[cfg(feature = "password-hash")]
mod stored_hashes;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Empty;
use tower::{Layer, Service};
use tower_proxy_auth::{
    Authenticator, DigestScheme, ProxyAuth, ProxyAuthLayer,
    digest::{Algorithm, AuthInfo},
    event::AuthEvent,
    middleware::ResponseBody,
    throttle::MemoryThrottle,
};

use crate::support::{
    digest::Digest,
    layer::{self, RIGHT, URL, WRONG, basic, both, realm, users},
};

/// Makes the tests of this binary run one at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests before the counted one, because the first initializes lazy values.
const WARM_UP: usize = 3;

/// Each request, the number of challenges in its response, and its exact number of allocations.
///
/// In all of them, 3 are for the first value in the extensions, the identity or the refusal: a map,
/// its table and the boxed value. Credentials take 1 for the boxed future, Basic credentials 1 for
/// the decoded text, and Digest credentials 2 for the list of names. `Proxy-Authentication-Info`
/// takes 1, and a user who was not logged in 1 with re-checks. A throttle takes 2, for its boxed
/// future and the ticket. A 407 takes 2 for the header map, 1 for each challenge, 1 for the list of
/// each scheme, 1 for the nonce of Digest, 2 for the length, 1 for the page, and 1 for the list of
/// repeated fields if there are several.
fn operations() -> [(&'static str, Authenticator, Client, usize, u64); 9] {
    use self::{AuthInfo::*, Client::*};
    let (md5, sha_256) = (Algorithm::Md5, Algorithm::Sha256);
    [
        ("Basic accepted", both(), Basic(RIGHT), 0, 5),
        ("Basic accepted, with re-checks", rechecked(), Basic(RIGHT), 0, 6),
        ("Basic accepted, with a throttle", throttled(), Basic(RIGHT), 0, 7),
        ("Basic refused by Basic alone", basic(), Basic(WRONG), 1, 13),
        ("Basic refused by Basic and Digest", both(), Basic(WRONG), 3, 18),
        ("Digest MD5 accepted, info off", digest(md5, Off), Digest, 0, 6),
        ("Digest SHA-256 accepted, info off", digest(sha_256, Off), Digest, 0, 6),
        ("Digest SHA-256 accepted, full info", digest(sha_256, Full), Digest, 0, 7),
        ("no credentials for Basic and Digest", both(), Stranger, 3, 15),
    ]
}

enum Client {
    Stranger,
    Basic(&'static str),
    /// Always uses the nonce of its first challenge.
    Digest,
}

#[test]
fn makes_exactly_the_known_number_of_allocations() {
    let _turn = turn();
    let mut changed = Vec::new();
    for (name, auth, client, challenges, known) in operations() {
        let count = Bench::new(auth).cost(client, challenges);
        if count != known {
            changed.push(format!("{name}: {count} allocations, {known} are known"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

fn throttled() -> Authenticator {
    let throttle = MemoryThrottle::builder().build().unwrap();
    Authenticator::builder(realm()).with_basic(users()).with_throttle(throttle).build().unwrap()
}

fn rechecked() -> Authenticator {
    Authenticator::builder(realm()).with_basic(users()).with_rechecks(true).build().unwrap()
}

/// One for the event.
#[test]
fn an_observer_takes_one_allocation() {
    let _turn = turn();
    let observed = |auth| {
        let layer = ProxyAuthLayer::new(auth).with_observer(|event: &AuthEvent| {
            assert!(!event.name().is_empty());
        });
        Bench::of(layer)
    };
    for (name, auth, client, challenges, known) in operations() {
        let count = observed(auth).cost(client, challenges);
        assert_eq!(count, known + 1, "{name}");
    }
}

fn digest(algorithm: Algorithm, info: AuthInfo) -> Authenticator {
    let scheme = DigestScheme::builder(users()).with_algorithms([algorithm]).with_auth_info(info);
    Authenticator::builder(realm()).with_scheme(scheme.build().unwrap()).build().unwrap()
}

struct Bench {
    service: ProxyAuth<Prepared>,
    inner: Prepared,
}

impl Bench {
    fn new(auth: Authenticator) -> Self {
        Self::of(ProxyAuthLayer::new(auth))
    }

    fn of(layer: ProxyAuthLayer) -> Self {
        let inner = Prepared::default();
        Self { service: layer.layer(inner.clone()), inner }
    }

    /// The allocations of the last of several requests, each of which gets this number of
    /// challenges.
    fn cost(&mut self, client: Client, challenges: usize) -> u64 {
        let mut credentials: Box<dyn FnMut() -> Option<String>> = match client {
            Client::Stranger => Box::new(|| None),
            Client::Basic(credentials) => Box::new(move || Some(credentials.to_owned())),
            Client::Digest => {
                let mut client = Digest::of_headers(self.send(None).1.headers());
                Box::new(move || Some(client.answer("GET", "/a?b=c")))
            }
        };
        let mut count = 0;
        for _ in 0..=WARM_UP {
            let (allocations, response) = self.send(credentials().as_deref());
            assert_eq!(response.status(), if challenges > 0 { 407 } else { 200 });
            assert_eq!(layer::challenges(response.headers()).len(), challenges);
            count = allocations;
        }
        count
    }

    /// Sends a request, which must not wait, and counts the allocations.
    fn send(&mut self, credentials: Option<&str>) -> (u64, Response<ResponseBody<Empty<Bytes>>>) {
        self.inner.prepare();
        let mut request = Request::get(URL).body(Empty::new()).unwrap();
        if let Some(credentials) = credentials {
            // A server cuts all fields of a request out of one buffer.
            let buffer = Bytes::from(format!("{credentials}\r\n"));
            let field = HeaderValue::from_maybe_shared(buffer.slice(..credentials.len()));
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, field.unwrap());
        }
        let (response, count) = counting_allocator::count(|| {
            let mut context = Context::from_waker(Waker::noop());
            match pin!(self.service.call(request)).poll(&mut context) {
                Poll::Ready(Ok(response)) => response,
                Poll::Pending => panic!("the request waits"),
            }
        });
        (count.allocations, response)
    }
}

/// An inner service whose response is prepared.
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
