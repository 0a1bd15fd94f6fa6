//! A proxy whose answers are checked against the rules of each status, and requests for it.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request::Parts};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{
    Authenticator, BackendError, BasicCredentials, BasicScheme, CredentialValidator, DigestAccount,
    DigestScheme, DigestSecrets, DigestUser, Identity, ProxyAuthLayer, Realm, Refusal,
    SecretLookup, UserId, Users, Verdict,
    authenticator::AuthenticatorBuilder,
    clock::{Clock, Timestamp},
    digest::{DigestBuilder, HashFunctions},
    nonce_store::{Epoch, MemoryNonceStore, NonceCheck, NonceStore, NonceUse},
};

use super::digest::{Digest, parameter};

pub(crate) type Body = Full<Bytes>;

pub(crate) const INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");
/// The start of the clock, in seconds.
const START: u64 = 1_000_000;

pub(crate) fn realm() -> Realm {
    Realm::new("proxy").unwrap()
}

/// `alice` with `wonder` and `bob` with `builder`.
pub(crate) fn users() -> Users {
    let users = Users::new(&realm()).with_user("alice", "wonder").unwrap();
    users.with_user("bob", "builder").unwrap()
}

/// The field of Basic credentials.
pub(crate) fn basic(user_pass: impl AsRef<[u8]>) -> HeaderValue {
    format!("Basic {}", STANDARD.encode(user_pass)).try_into().unwrap()
}

pub(crate) fn field(text: impl AsRef<[u8]>) -> HeaderValue {
    HeaderValue::from_bytes(text.as_ref()).unwrap()
}

/// The output of a future that is ready at once.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}

/// A clock that stands still until it is set.
#[derive(Clone, Debug)]
pub(crate) struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START * 1_000_000)))
    }

    /// Sets the clock to a number of seconds after its start, or before it.
    pub(crate) fn set(&self, seconds: i64) {
        let micros = START.checked_add_signed(seconds).unwrap() * 1_000_000;
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A source of secrets from a closure, for all hash functions.
pub(crate) struct Secrets<F>(pub(crate) F);

impl<F> DigestSecrets for Secrets<F>
where
    F: Fn(DigestUser<'_>) -> Result<SecretLookup, BackendError> + Send + Sync + 'static,
{
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        (self.0)(user)
    }
}

type Inner = Arc<dyn Fn(&Parts) -> Response<Body> + Send + Sync>;

/// The layer over a service that records what reaches it.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) clock: FakeClock,
    auth: Authenticator,
    layer: ProxyAuthLayer,
    inner: Inner,
}

impl Proxy {
    /// Digest and Basic with their default options.
    pub(crate) fn new() -> Self {
        Self::with_digest(|digest| digest)
    }

    /// Digest with options, and Basic.
    pub(crate) fn with_digest(
        options: impl FnOnce(DigestBuilder<Users>) -> DigestBuilder<Users>,
    ) -> Self {
        let digest = options(DigestScheme::builder(users())).build().unwrap();
        Self::of(Authenticator::builder(realm()).with_scheme(digest).with_basic(users()))
    }

    /// Only Basic, with options.
    pub(crate) fn with_basic(
        options: impl FnOnce(BasicScheme<Users>) -> BasicScheme<Users>,
    ) -> Self {
        Self::of(Authenticator::builder(realm()).with_scheme(options(BasicScheme::new(users()))))
    }

    pub(crate) fn of(builder: AuthenticatorBuilder) -> Self {
        Self::at(FakeClock::new(), builder)
    }

    /// A proxy with this clock.
    pub(crate) fn at(clock: FakeClock, builder: AuthenticatorBuilder) -> Self {
        let auth = builder.with_clock(clock.clone()).build().unwrap();
        let layer = ProxyAuthLayer::new(auth.clone());
        let inner = |_: &Parts| Response::new(Full::from("forwarded"));
        Self { clock, auth, layer, inner: Arc::new(inner) }
    }

    pub(crate) fn layer(mut self, options: impl FnOnce(ProxyAuthLayer) -> ProxyAuthLayer) -> Self {
        self.layer = options(self.layer);
        self
    }

    /// Sets the answer to forwarded requests.
    pub(crate) fn inner(
        mut self,
        inner: impl Fn(&Parts) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        self.inner = Arc::new(inner);
        self
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.auth
    }

    /// Sends a request through the layer.
    #[track_caller]
    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let recording = {
            let (seen, inner) = (Arc::clone(&seen), Arc::clone(&self.inner));
            service_fn(move |request: Request<Body>| {
                let parts = request.into_parts().0;
                let response = inner(&parts);
                seen.lock().unwrap().push(parts);
                async { Ok::<_, Infallible>(response) }
            })
        };
        let method = request.method().clone();
        let response = now(self.layer.layer(recording).oneshot(request)).unwrap();
        let (parts, body) = response.into_parts();
        let body = now(body.collect()).unwrap().to_bytes();
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        assert!(seen.len() <= 1, "forwarded more than once");
        let answer = Answer {
            status: parts.status.as_u16(),
            refused: parts.extensions.get::<Refusal>().cloned(),
            headers: parts.headers,
            body,
            forwarded: seen.pop(),
        };
        answer.keeps_the_contract(&method);
        answer
    }

    /// GETs `http://example.org/` with one `Proxy-Authorization`.
    #[track_caller]
    pub(crate) fn get(&self, field: HeaderValue) -> Answer {
        self.ask(&Method::GET, "http://example.org/", field)
    }

    #[track_caller]
    pub(crate) fn ask(&self, method: &Method, target: &str, field: HeaderValue) -> Answer {
        self.send(request(method, target, [field]))
    }

    /// Requests the resource of the credentials, in absolute-form or as a tunnel.
    #[track_caller]
    pub(crate) fn login(&self, digest: &Digest) -> Answer {
        let target = match digest.method {
            Method::CONNECT => digest.uri.clone(),
            _ => format!("http://example.org{}", digest.uri),
        };
        self.ask(&digest.method, &target, digest.field())
    }

    /// The answer to a request without credentials.
    #[track_caller]
    pub(crate) fn challenge(&self) -> Answer {
        self.send(request(&Method::GET, "http://example.org/", []))
    }

    #[track_caller]
    pub(crate) fn nonce(&self) -> String {
        self.challenge().nonce()
    }

    /// Right credentials of alice over a new nonce.
    #[track_caller]
    pub(crate) fn fresh(&self) -> Digest {
        Digest::new(self.nonce())
    }
}

pub(crate) fn request(
    method: &Method,
    target: &str,
    fields: impl IntoIterator<Item = HeaderValue>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target).body(Body::default()).unwrap();
    for field in fields {
        request.headers_mut().append(header::PROXY_AUTHORIZATION, field);
    }
    request
}

/// An answer, and what reached the inner service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) refused: Option<Refusal>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) forwarded: Option<Parts>,
}

impl Answer {
    #[track_caller]
    fn keeps_the_contract(&self, method: &Method) {
        let Some(refused) = &self.refused else {
            assert!(self.forwarded.is_some(), "neither refused nor forwarded");
            return;
        };
        let (status, reason) = (self.status, refused.reason().as_str());
        let is_from_inside = status == 502 || reason == "forbidden";
        assert_eq!(self.forwarded.is_some(), is_from_inside, "{reason}: refused and forwarded");
        assert!([400, 403, 407, 429, 431, 502, 503].contains(&status), "{reason}: {status}");
        assert_eq!(refused.to_string(), format!("request refused: {reason}"));
        assert_eq!(!self.challenges().is_empty(), status == 407, "{reason}: challenges");
        for challenge in self.challenges() {
            let realm = format!("realm=\"{}\"", refused.realm().unwrap());
            assert!(challenge.contains(&realm), "{reason}: {challenge}");
        }
        let waits = self.headers.contains_key(header::RETRY_AFTER);
        assert_eq!(waits, [429, 503].contains(&status), "{reason}: Retry-After");
        for challenge in self.challenges().iter().filter(|one| one.starts_with("Digest ")) {
            let is_stale = challenge.contains(", stale=true");
            assert!(!is_stale || reason.starts_with("nonce-"), "{reason}: {challenge}");
        }
        assert!(!self.headers.contains_key(header::WWW_AUTHENTICATE));
        assert!(status == 502 || !self.headers.contains_key(INFO), "{reason}: info");
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(self.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        if method == Method::HEAD {
            assert!(self.body.is_empty(), "{reason}: a body for HEAD");
            assert_ne!(self.headers[header::CONTENT_LENGTH], "0", "{reason}");
            return;
        }
        assert_eq!(self.headers[header::CONTENT_LENGTH], self.body.len().to_string());
        assert!(!self.body.is_empty(), "{method} {reason}: an empty body");
    }

    /// Checks that the request was refused for this reason, with `stale=true` if it is the nonce.
    #[track_caller]
    pub(crate) fn is(&self, name: &str, status: u16, reason: &str) {
        assert_eq!((self.status, self.reason()), (status, reason), "{name}");
        assert!(self.is_stale() || !reason.starts_with("nonce-"), "{name}: no stale=true");
    }

    /// Checks that the request was refused for its nonce, and that a limit omits `stale=true`.
    #[track_caller]
    pub(crate) fn omits_stale(&self, name: &str, reason: &str) {
        assert_eq!((self.status, self.reason()), (407, reason), "{name}");
        let challenges = self.challenges();
        assert!(challenges.iter().all(|one| !one.contains("stale")), "{name}: {challenges:?}");
    }

    /// Whether all challenges for Digest have `stale=true`.
    fn is_stale(&self) -> bool {
        let mut digest = self.challenges().into_iter().filter(|one| one.starts_with("Digest "));
        digest.all(|one| one.ends_with(", stale=true"))
    }

    /// Checks that the request was forwarded for `user`, without credentials.
    #[track_caller]
    pub(crate) fn passes(&self, name: &str, user: &str) {
        assert_eq!((self.reason(), self.user()), ("", Some(user)), "{name}");
        let forwarded = self.forwarded.as_ref().unwrap();
        assert!(!forwarded.headers.contains_key(header::PROXY_AUTHORIZATION), "{name}");
    }

    /// The reason of the refusal; empty if it was forwarded.
    pub(crate) fn reason(&self) -> &'static str {
        self.refused.as_ref().map_or("", |refused| refused.reason().as_str())
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.forwarded.as_ref()?.extensions.get()
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.identity()?.user().map(UserId::as_str)
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn fields(&self, name: impl header::AsHeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        self.fields(header::PROXY_AUTHENTICATE)
    }

    /// A parameter of `Proxy-Authentication-Info`, without quotes.
    pub(crate) fn info(&self, name: &str) -> Option<String> {
        let info = self.headers.get(INFO)?.to_str().unwrap();
        parameter(info, name)
    }

    #[track_caller]
    pub(crate) fn nonce(&self) -> String {
        parameter(self.challenges()[0], "nonce").unwrap()
    }
}
