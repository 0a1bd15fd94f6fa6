//! Users, credentials, and an inner service that records requests.

use std::{
    convert::Infallible,
    error::Error,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;
use tower::{Layer, Service, ServiceExt};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, CredentialValidator, Identity, ProxyAuthLayer, Realm,
    Reason, Refusal, Users, Verdict,
    backend::{OwnedCredentials, from_async_fn},
    middleware::ResponseBody,
};

pub(crate) const INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// `alice:wonder`.
pub(crate) const RIGHT: &str = "Basic YWxpY2U6d29uZGVy";
/// `alice:wrong`.
pub(crate) const WRONG: &str = "Basic YWxpY2U6d3Jvbmc=";

pub(crate) const URL: &str = "http://example.org/a?b=c";

/// The body of an [`Origin`]'s response behind the layer.
pub(crate) type Outgoing = ResponseBody<Full<Bytes>>;

pub(crate) fn realm() -> Realm {
    Realm::new("proxy").unwrap()
}

/// Alice, whose password is wonder.
pub(crate) fn users() -> Users {
    Users::new(&realm()).with_user("alice", "wonder").unwrap()
}

pub(crate) fn basic() -> Authenticator {
    Authenticator::builder(realm()).with_basic(users()).build().unwrap()
}

pub(crate) fn both() -> Authenticator {
    Authenticator::builder(realm()).with_basic(users()).with_digest(users()).build().unwrap()
}

/// A layer over Basic.
pub(crate) fn layer() -> ProxyAuthLayer {
    ProxyAuthLayer::new(basic())
}

pub(crate) fn request(method: Method, target: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(target);
    request.body(Full::default()).unwrap()
}

/// A GET with this `Proxy-Authorization`.
pub(crate) fn get(credentials: &str) -> Request<Full<Bytes>> {
    with_credentials(request(Method::GET, URL), credentials)
}

pub(crate) fn with_credentials<B>(mut request: Request<B>, credentials: &str) -> Request<B> {
    let value = HeaderValue::try_from(credentials).unwrap();
    request.headers_mut().append(header::PROXY_AUTHORIZATION, value);
    request
}

/// Adds one more field line.
pub(crate) fn with_field<B>(
    mut request: Request<B>,
    name: impl TryInto<HeaderName, Error: Error>,
    value: &str,
) -> Request<B> {
    let value = HeaderValue::try_from(value).unwrap();
    request.headers_mut().append(name.try_into().unwrap(), value);
    request
}

pub(crate) fn challenges(headers: &HeaderMap) -> Vec<&str> {
    let challenges = headers.get_all(header::PROXY_AUTHENTICATE).iter();
    challenges.map(|challenge| challenge.to_str().unwrap()).collect()
}

/// The schemes of the challenges, in order.
pub(crate) fn schemes(headers: &HeaderMap) -> Vec<&str> {
    challenges(headers).into_iter().map(|one| one.split(' ').next().unwrap()).collect()
}

type Answer = Arc<dyn Fn() -> Response<Full<Bytes>> + Send + Sync>;

/// An inner service that gives one answer and keeps the heads of requests.
#[derive(Clone)]
pub(crate) struct Origin {
    heads: Arc<Mutex<Vec<request::Parts>>>,
    answer: Answer,
}

impl Origin {
    pub(crate) fn new() -> Self {
        Self::answering(|| Response::new(Full::from("forwarded")))
    }

    pub(crate) fn answering(
        answer: impl Fn() -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self { heads: Arc::default(), answer: Arc::new(answer) }
    }

    /// The number of calls.
    pub(crate) fn calls(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// The head of the last call.
    #[track_caller]
    pub(crate) fn head(&self) -> request::Parts {
        self.heads.lock().unwrap().last().expect("it was not called").clone()
    }

    #[track_caller]
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.head().extensions.get().cloned()
    }
}

impl<B> Service<Request<B>> for Origin {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.heads.lock().unwrap().push(request.into_parts().0);
        ready(Ok((self.answer)()))
    }
}

/// Sends one request through `layer`.
pub(crate) async fn send<B: Body>(
    layer: &ProxyAuthLayer,
    origin: &Origin,
    request: Request<B>,
) -> Response<Outgoing> {
    layer.layer(origin.clone()).oneshot(request).await.unwrap()
}

/// The reason of a refusal.
#[track_caller]
pub(crate) fn reason<B>(response: &Response<B>) -> Reason {
    response.extensions().get::<Refusal>().expect("it was not refused").reason()
}

pub(crate) async fn text<B: Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

/// The sender of a back end's answers, one for each check.
pub(crate) type Answers = mpsc::UnboundedSender<Result<Verdict, BackendError>>;

/// A layer over Basic whose validator waits for answers from the sender.
pub(crate) fn waiting() -> (ProxyAuthLayer, Answers) {
    let (validator, answers) = waiting_validator();
    let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
    (ProxyAuthLayer::new(auth), answers)
}

/// A validator that waits for answers from the sender.
pub(crate) fn waiting_validator() -> (impl CredentialValidator, Answers) {
    let (answers, questions) = mpsc::unbounded_channel();
    let questions = Arc::new(tokio::sync::Mutex::new(questions));
    let validator = from_async_fn(move |_: OwnedCredentials| {
        let questions = Arc::clone(&questions);
        async move { questions.lock().await.recv().await.expect("an answer") }
    });
    (validator, answers)
}

pub(crate) fn alice() -> Verdict {
    Verdict::Accepted(Account::new("alice"))
}
