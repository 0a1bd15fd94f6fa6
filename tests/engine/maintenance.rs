//! Maintenance: every request is refused before anybody is asked for a password.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderValue, Method, header};
use tower_proxy_auth::{
    Authenticator, BackendError, BasicCredentials, CredentialValidator, Verdict,
    authenticator::Maintenance,
    throttle::{Admission, Attempt, Settle, Settlement, Throttle, Ticket},
};

use crate::support::{
    digest::Digest,
    engine::{Answer, Proxy, basic, field, realm, request},
};

/// The number of calls that it has received, as a back end and as a throttle.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn note(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl CredentialValidator for Calls {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.note();
        Ok(Verdict::WrongPassword)
    }
}

impl Throttle for Calls {
    async fn admit(&self, _: Attempt<'_>) -> Result<Admission, BackendError> {
        self.note();
        Ok(Admission::Allowed(Ticket::new(Unsettled)))
    }
}

struct Unsettled;

impl Settle for Unsettled {
    fn settle(&self, _: Settlement<'_>) {}
}

fn maintenance(answer: &Answer) -> Option<Maintenance> {
    answer.refused.as_ref()?.maintenance()
}

#[track_caller]
fn retry_after(answer: &Answer) -> u64 {
    answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

#[test]
fn refuses_every_request_without_asking_anything() {
    let calls = Calls::default();
    let builder = Authenticator::builder(realm())
        .with_basic(calls.clone())
        .with_throttle(calls.clone())
        .with_realm_of({
            let calls = calls.clone();
            move |_| {
                calls.note();
                None
            }
        })
        .with_bypass(|head| head.target().path() == "/health")
        .with_anonymous(true);
    let proxy = Proxy::of(builder);
    proxy.authenticator().set_maintenance(None);
    let digest = Digest::new("unknown").field();
    let (get, connect) = (Method::GET, Method::CONNECT);
    let rows: [(_, _, _, Vec<HeaderValue>); 9] = [
        ("anonymous", &get, "http://example.org/", vec![]),
        ("a bypassed request", &get, "http://example.org/health", vec![]),
        ("Basic", &get, "http://example.org/", vec![basic("alice:wonder")]),
        ("Digest", &get, "http://example.org/", vec![digest.clone()]),
        ("another scheme", &get, "http://example.org/", vec![field("Bearer x")]),
        ("malformed", &get, "http://example.org/", vec![field("Digest =")]),
        ("a long field", &get, "http://example.org/", vec![field("x".repeat(20_000))]),
        ("several fields", &get, "http://example.org/", vec![basic("alice:wonder"), digest]),
        ("a tunnel", &connect, "example.org:443", vec![basic("alice:wonder")]),
    ];
    for (name, method, target, fields) in rows {
        proxy.send(request(method, target, fields)).is(name, 503, "maintenance");
    }
    assert_eq!(calls.count(), 0);
    proxy.authenticator().end_maintenance();
    proxy.get(basic("alice:wonder")).is("ended", 407, "wrong-password");
    assert_eq!(calls.count(), 3, "the realm, the throttle and the back end");
}

#[test]
fn lasts_until_it_is_ended() {
    let proxy = Proxy::new();
    let auth = proxy.authenticator();
    let before = SystemTime::now();
    assert_eq!(auth.maintenance(), None);
    auth.end_maintenance();
    proxy.get(basic("alice:wonder")).passes("no maintenance", "alice");

    // The announced end is an estimate.
    let past = UNIX_EPOCH + Duration::from_secs(1);
    auth.set_maintenance(Some(past));
    let answer = proxy.get(basic("alice:wonder"));
    answer.is("after the announced end", 503, "maintenance");
    let first = maintenance(&answer).unwrap();
    assert_eq!(first.until(), Some(past));
    assert!((before..=SystemTime::now()).contains(&first.since()));
    assert_eq!(retry_after(&answer), 30);

    let until = SystemTime::now() + Duration::from_secs(7_200);
    auth.clone().set_maintenance(Some(until));
    let answer = proxy.challenge();
    let second = maintenance(&answer).unwrap();
    assert_eq!((second.since(), second.until()), (first.since(), Some(until)), "since is kept");
    assert!((7_140..=7_200).contains(&retry_after(&answer)));
    assert_eq!(auth.maintenance(), Some(second));

    auth.set_maintenance(None);
    let answer = proxy.challenge();
    assert_eq!(maintenance(&answer).map(|third| third.until()), Some(None));
    assert_eq!(retry_after(&answer), 30);

    auth.end_maintenance();
    let answer = proxy.challenge();
    answer.is("ended", 407, "missing-credentials");
    assert_eq!((maintenance(&answer), auth.maintenance()), (None, None));
    let ended = SystemTime::now();
    auth.set_maintenance(None);
    assert!(auth.maintenance().unwrap().since() >= ended, "a second one has its own start");
}

#[test]
fn the_page_blames_no_password() {
    let proxy = Proxy::new();
    proxy.authenticator().set_maintenance(None);
    let body = String::from_utf8(proxy.get(basic("alice:x")).body.to_vec()).unwrap();
    assert!(body.contains("maintenance"), "{body}");
}
