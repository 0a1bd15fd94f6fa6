//! Readiness of the inner service, and which instance is called.

use std::{
    convert::Infallible,
    future::{Future, Ready, poll_fn, ready},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::timeout;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, ProxyAuthLayer,
    UserId, Verdict,
};
use tower_test::mock;

use crate::support::layer::{
    Origin, RIGHT, WRONG, alice, get, layer, realm, waiting, waiting_validator,
};

type Message = Full<Bytes>;

#[tokio::test]
async fn is_ready_when_the_inner_service_is() {
    let (service, mut handle) = mock::pair::<Request<Message>, Response<Message>>();
    let mut service = mock::Spawn::new(layer().layer(service));
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));

    let response = tokio::spawn(service.call(get(RIGHT)));
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request.uri(), "http://example.org/a?b=c");
    respond.send_response(Response::new(Full::from("ready")));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert!(service.poll_ready().is_pending());
}

#[tokio::test]
async fn fails_when_the_inner_service_does() {
    let (service, mut handle) = mock::pair::<Request<Message>, Response<Message>>();
    let mut service = mock::Spawn::new(layer().layer(service));
    handle.send_error("gone");
    let Poll::Ready(Err(error)) = service.poll_ready() else { panic!("it is ready or waits") };
    assert_eq!(error.to_string(), "gone");
}

#[tokio::test]
async fn does_not_call_the_inner_service_for_a_refusal() {
    let (service, mut handle) = mock::pair::<Request<Message>, Response<Message>>();
    let mut service = mock::Spawn::new(layer().layer(service));
    assert!(service.poll_ready().is_ready());
    assert_eq!(service.call(get(WRONG)).await.unwrap().status(), 407);
    // The capacity that was reserved for it serves the next request.
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(get(RIGHT)));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_response(Response::new(Full::default()));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
}

/// Whether the permit is free.
async fn is_free<S>(service: &mut S) -> bool
where
    S: Service<Request<Message>>,
{
    poll_fn(|context| Poll::Ready(service.poll_ready(context).is_ready())).await
}

/// Two handles on a service that takes one request at a time.
fn narrow(
    layer: ProxyAuthLayer,
) -> [impl Service<Request<Message>, Response: IsStatus, Error = Infallible> + Clone; 2] {
    narrow_over(layer, Origin::new())
}

fn narrow_over(
    layer: ProxyAuthLayer,
    origin: Origin,
) -> [impl Service<Request<Message>, Response: IsStatus, Error = Infallible> + Clone; 2] {
    let limit = ConcurrencyLimitLayer::new(1);
    let service = ServiceBuilder::new().layer(layer).layer(limit).service(origin);
    [service.clone(), service]
}

async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_pending())).await
}

trait IsStatus {
    fn is(&self, status: u16) -> bool;
}

impl<B> IsStatus for Response<B> {
    fn is(&self, status: u16) -> bool {
        self.status() == status
    }
}

#[tokio::test]
async fn returns_the_permit_on_a_refusal() {
    let [mut first, mut second] = narrow(layer());
    first.ready().await.unwrap();
    assert!(!is_free(&mut second).await);
    assert!(first.call(get(WRONG)).await.unwrap().is(407));
    // While the first handle still exists.
    assert!(is_free(&mut second).await);
    drop(first);
}

#[tokio::test]
async fn returns_the_permit_on_a_late_refusal() {
    let (layer, answers) = waiting();
    let [mut first, mut second] = narrow(layer);
    first.ready().await.unwrap();
    let refusal = first.call(get(WRONG));
    assert!(!is_free(&mut second).await, "kept for the first poll");
    answers.send(Ok(Verdict::WrongPassword)).unwrap();
    let response = refusal.await.unwrap();
    assert!(response.is(407));
    assert!(is_free(&mut second).await);
    drop(first);
}

#[tokio::test]
async fn returns_the_permit_of_a_dropped_request() {
    let (layer, _answers) = waiting();
    let [mut first, mut second] = narrow(layer);
    first.ready().await.unwrap();
    let waiting = first.call(get(RIGHT));
    assert!(!is_free(&mut second).await);
    drop(waiting);
    assert!(is_free(&mut second).await);
    drop(first);
}

#[tokio::test]
async fn keeps_the_permit_until_the_first_poll() {
    let (layer, answers) = waiting();
    let [mut first, mut second] = narrow(layer);
    first.ready().await.unwrap();
    let passing = first.call(get(RIGHT));
    answers.send(Ok(alice())).unwrap();
    // There is no second permit: a fresh clone could not be called.
    assert!(!is_free(&mut second).await);
    assert!(passing.await.unwrap().is(200));
    assert!(is_free(&mut second).await);
    drop(first);
}

#[tokio::test]
async fn waits_for_a_permit_after_the_verdict() {
    let ((layer, answers), origin) = (waiting(), Origin::new());
    let [mut first, mut second] = narrow_over(layer, origin.clone());
    let mut response = Box::pin(first.ready().await.unwrap().call(get(RIGHT)));
    assert!(is_pending(&mut response).await);
    second.ready().await.unwrap();
    answers.send(Ok(alice())).unwrap();
    assert!(is_pending(&mut response).await);
    assert_eq!(origin.calls(), 0);
    drop(second);
    let response = timeout(Duration::from_secs(60), response).await.expect("it is woken");
    assert!(response.unwrap().is(200));
    assert_eq!(origin.calls(), 1);
}

#[tokio::test]
async fn regression_refuses_a_user_who_is_revoked_while_waiting() {
    let (validator, answers) = waiting_validator();
    let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
    let [mut first, mut second] = narrow(ProxyAuthLayer::new(auth.clone()));
    let mut response = Box::pin(first.ready().await.unwrap().call(get(RIGHT)));
    assert!(is_pending(&mut response).await);
    second.ready().await.unwrap();
    answers.send(Ok(alice())).unwrap();
    assert!(is_pending(&mut response).await);
    auth.revoke(&realm(), &UserId::new("alice"));
    let response = timeout(Duration::from_secs(60), response).await.expect("it is woken");
    assert!(response.unwrap().is(503));
    drop(second);
}

/// A service whose clones are never ready.
struct FailingClones(bool);

impl Clone for FailingClones {
    fn clone(&self) -> Self {
        Self(true)
    }
}

impl Service<Request<Message>> for FailingClones {
    type Response = Response<Message>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(if self.0 { Err(io::Error::other("gone")) } else { Ok(()) })
    }

    fn call(&mut self, _: Request<Message>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn fails_when_the_inner_service_does_after_the_verdict() {
    let (layer, answers) = waiting();
    let mut service = layer.layer(FailingClones(false));
    let mut response = Box::pin(service.ready().await.unwrap().call(get(RIGHT)));
    assert!(is_pending(&mut response).await);
    answers.send(Ok(alice())).unwrap();
    assert_eq!(response.await.unwrap_err().to_string(), "gone");
}

/// A service whose instances must each be polled for readiness.
struct Instance {
    is_ready: bool,
    number: usize,
    made: Arc<AtomicUsize>,
    called: Arc<Mutex<Vec<usize>>>,
}

impl Instance {
    fn new() -> Self {
        Self { is_ready: false, number: 0, made: Arc::default(), called: Arc::default() }
    }
}

impl Clone for Instance {
    fn clone(&self) -> Self {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let (made, called) = (Arc::clone(&self.made), Arc::clone(&self.called));
        Self { is_ready: false, number, made, called }
    }
}

impl Service<Request<Message>> for Instance {
    type Response = Response<Message>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Message>) -> Self::Future {
        assert!(self.is_ready, "instance {} was not ready", self.number);
        self.is_ready = false;
        self.called.lock().unwrap().push(self.number);
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn calls_the_ready_instance() {
    let instance = Instance::new();
    let called = Arc::clone(&instance.called);
    let mut service = layer().layer(instance);
    for _ in 0..2 {
        service.ready().await.unwrap().call(get(RIGHT)).await.unwrap();
    }
    assert_eq!(*called.lock().unwrap(), [0, 1]);
}

#[tokio::test]
async fn calls_ready_instances_in_the_order_of_verdicts() {
    let (layer, answers) = waiting();
    let instance = Instance::new();
    let called = Arc::clone(&instance.called);
    let mut service = layer.layer(instance);
    let first = service.ready().await.unwrap().call(get(RIGHT));
    let second = service.ready().await.unwrap().call(get(RIGHT));
    for response in [second, first] {
        answers.send(Ok(alice())).unwrap();
        assert_eq!(response.await.unwrap().status(), 200);
    }
    assert_eq!(*called.lock().unwrap(), [1, 0]);
}

#[tokio::test]
async fn does_not_call_an_instance_twice() {
    let instance = Instance::new();
    let called = Arc::clone(&instance.called);
    let mut service = layer().layer(instance);
    service.ready().await.unwrap().call(get(WRONG)).await.unwrap();
    service.ready().await.unwrap().call(get(RIGHT)).await.unwrap();
    assert_eq!(*called.lock().unwrap(), [1]);
}

/// Never answers for one user, and accepts all others at once.
struct SlowFor(&'static str);

impl CredentialValidator for SlowFor {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if credentials.user_id() == self.0 {
            std::future::pending::<()>().await;
        }
        Ok(Verdict::Accepted(Account::new(credentials.user_id())))
    }
}

#[tokio::test]
async fn holds_no_permit_during_a_slow_check() {
    let auth = Authenticator::builder(realm()).with_basic(SlowFor("stranger")).build().unwrap();
    let service = ServiceBuilder::new()
        .layer(ProxyAuthLayer::new(auth))
        .layer(ConcurrencyLimitLayer::new(8))
        .service(Origin::new());
    let stranger = "Basic c3RyYW5nZXI6eA==";
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let response = service.clone().oneshot(get(stranger));
        let mut response = Box::pin(response);
        assert!(poll_fn(|cx| Poll::Ready(response.as_mut().poll(cx).is_pending())).await);
        waiting.push(response);
    }
    let quick = service.oneshot(get(RIGHT));
    let response = timeout(Duration::from_secs(60), quick).await.expect("no wait for strangers");
    assert_eq!(response.unwrap().status(), 200);
}
