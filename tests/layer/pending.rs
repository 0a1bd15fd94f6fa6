//! Checks that are pending, fail or panic.

use std::{
    error::Error,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use tokio::time;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, ProxyAuthLayer,
    Reason, Refusal, UserId, Verdict,
    backend::{OwnedCredentials, from_async_fn, from_fn},
};

use crate::support::layer::{
    Origin, RIGHT, alice, get, layer, realm, reason, text, waiting, waiting_validator,
    with_credentials,
};

fn over(validator: impl CredentialValidator) -> ProxyAuthLayer {
    let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
    ProxyAuthLayer::new(auth)
}

async fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    let mut future = Some(future);
    poll_fn(|context| Poll::Ready(future.take().expect("once").poll(context))).await
}

#[tokio::test]
async fn forwards_after_a_pending_check() {
    let ((layer, answers), origin) = (waiting(), Origin::new());
    let mut response = pin!(layer.layer(origin.clone()).oneshot(get(RIGHT)));
    assert!(poll_once(response.as_mut()).await.is_pending());
    assert!(poll_once(response.as_mut()).await.is_pending());
    assert_eq!(origin.calls(), 0);
    answers.send(Ok(alice())).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(origin.calls(), 1);
    let identity = origin.identity().unwrap();
    assert_eq!((identity.user().map(UserId::as_str), identity.scheme()), (Some("alice"), "Basic"));
    assert!(!origin.head().headers.contains_key(header::PROXY_AUTHORIZATION));
    assert_eq!(text(response).await, "forwarded");
}

#[tokio::test]
async fn refuses_after_a_pending_check() {
    let table = [
        (Verdict::WrongPassword, 407, Reason::WrongPassword),
        (Verdict::WrongPasswordOf(UserId::new("alice")), 407, Reason::WrongPassword),
        (Verdict::PasswordTooLong, 407, Reason::PasswordTooLong),
        (Verdict::UnknownUser, 407, Reason::UnknownUser),
        (Verdict::Disabled(Account::new("alice")), 403, Reason::AccountDisabled),
        (Verdict::Expired(Account::new("alice")), 403, Reason::AccountExpired),
    ];
    let ((layer, answers), origin) = (waiting(), Origin::new());
    for (verdict, status, expected) in table {
        answers.send(Ok(verdict)).unwrap();
        let response = layer.layer(origin.clone()).oneshot(get(RIGHT)).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(reason(&response), expected);
        let is_challenged = response.headers().contains_key(header::PROXY_AUTHENTICATE);
        assert_eq!(is_challenged, status == 407, "{expected}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
    assert_eq!(origin.calls(), 0);
}

#[tokio::test]
async fn answers_503_when_the_back_end_fails() {
    let ((waits, answers), origin) = (waiting(), Origin::new());
    answers.send(Err(BackendError::transient("no route to 192.0.2.7"))).unwrap();
    let at_once = over(FailsAtOnce);
    for layer in [waits, at_once] {
        let response = layer.layer(origin.clone()).oneshot(get(RIGHT)).await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert!(!response.headers().contains_key(header::PROXY_AUTHENTICATE));
        let refused = response.extensions().get::<Refusal>().unwrap().clone();
        assert_eq!(refused.reason(), Reason::BackendFailed);
        let failed = refused.source().and_then(<dyn Error>::downcast_ref::<BackendError>).unwrap();
        assert!(failed.is_transient());
        assert_eq!(failed.source().unwrap().to_string(), "no route to 192.0.2.7");
        let page = text(response).await;
        assert!(page.starts_with("503 Service Unavailable: "), "{page}");
        assert!(!page.contains("192.0.2.7"), "the cause reached the client");
    }
    assert_eq!(origin.calls(), 0);
}

struct FailsAtOnce;

impl CredentialValidator for FailsAtOnce {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Err(BackendError::transient("no route to 192.0.2.7"))
    }
}

#[tokio::test]
async fn answers_503_if_the_user_is_revoked_during_the_check() {
    let ((validator, answers), origin) = (waiting_validator(), Origin::new());
    let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
    let layer = ProxyAuthLayer::new(auth.clone());
    let mut response = pin!(layer.layer(origin.clone()).oneshot(get(RIGHT)));
    assert!(poll_once(response.as_mut()).await.is_pending());
    auth.revoke(&realm(), &UserId::new("alice"));
    answers.send(Ok(alice())).unwrap();
    let response = response.await.unwrap();
    assert_eq!((response.status().as_u16(), reason(&response)), (503, Reason::BackendFailed));
    assert_eq!(origin.calls(), 0);
    answers.send(Ok(alice())).unwrap();
    assert_eq!(layer.layer(origin.clone()).oneshot(get(RIGHT)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn forwards_nothing_when_the_request_is_dropped() {
    let ((layer, answers), origin) = (waiting(), Origin::new());
    {
        let mut response = pin!(layer.layer(origin.clone()).oneshot(get(RIGHT)));
        assert!(poll_once(response.as_mut()).await.is_pending());
        answers.send(Ok(alice())).unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(origin.calls(), 0);
    // The dropped request did not consume the answer.
    assert_eq!(layer.layer(origin.clone()).oneshot(get(RIGHT)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn forwards_nothing_when_a_validator_panics() {
    let at_once = over(from_fn(|_: &BasicCredentials<'_>| panic!("on purpose")));
    let waits = over(from_async_fn(|_: OwnedCredentials| async {
        tokio::task::yield_now().await;
        panic!("on purpose")
    }));
    for layer in [at_once, waits] {
        let origin = Origin::new();
        let service = layer.layer(origin.clone());
        let ended = tokio::spawn(async move { service.oneshot(get(RIGHT)).await }).await;
        assert!(ended.unwrap_err().is_panic());
        assert_eq!(origin.calls(), 0);
    }
}

#[tokio::test]
async fn returns_errors_of_the_inner_service() {
    let (waits, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    for layer in [layer(), waits] {
        let inner = service_fn(|_: Request<Full<Bytes>>| async {
            Err::<Response<Full<Bytes>>, _>(io::Error::other("no route"))
        });
        let error = layer.layer(inner).oneshot(get(RIGHT)).await.unwrap_err();
        assert_eq!(error.to_string(), "no route");
    }
}

#[tokio::test]
#[should_panic(expected = "`ResponseFuture` polled after completion")]
async fn panics_when_polled_after_completion() {
    let mut response = layer().layer(Origin::new()).call(get("Basic"));
    let first = poll_once(Pin::new(&mut response)).await;
    assert!(first.is_ready());
    let _ = poll_once(Pin::new(&mut response)).await;
}

#[tokio::test(start_paused = true)]
async fn does_not_make_requests_wait_for_each_other() {
    let ((layer, answers), origin) = (waiting(), Origin::new());
    let service = layer.layer(origin.clone());
    let first = tokio::spawn(service.clone().oneshot(get(RIGHT)));
    let second = tokio::spawn(service.clone().oneshot(get(RIGHT)));
    // A request that needs no check is answered in the meantime.
    let malformed = with_credentials(get(RIGHT), RIGHT);
    let response = time::timeout(Duration::from_secs(1), service.oneshot(malformed));
    let response = response.await.expect("an immediate answer").unwrap();
    assert_eq!(response.status(), 400);
    answers.send(Ok(alice())).unwrap();
    answers.send(Ok(Verdict::WrongPassword)).unwrap();
    let statuses = [first.await.unwrap().unwrap(), second.await.unwrap().unwrap()];
    let mut statuses = statuses.map(|response| response.status().as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 407]);
    assert_eq!(origin.calls(), 1);
}
