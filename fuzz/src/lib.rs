//! A proxy that the fuzz targets send credentials to. Its back end records each look-up.

use std::{
    convert::Infallible,
    mem,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use http::{
    HeaderValue, Request, Response, Uri,
    header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, BasicScheme, CredentialValidator,
    DigestAccount, DigestScheme, DigestSecrets, DigestUser, HashedA1, ProxyAuthLayer, Realm,
    Reason, Refusal, SecretLookup, Verdict,
    authenticator::AuthenticatorBuilder,
    backend::DigestName,
    digest::{Algorithm, DigestBuilder, HashFunction, HashFunctions},
    middleware::ResponseBody,
};

/// A look-up in the back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Basic credentials were validated.
    Basic { user_id: String, password: String },
    /// The secret of a user was looked up by name.
    Name(String),
    /// The secret of a user was looked up by the hash of a name.
    Userhash,
}

/// The realm of the proxy.
pub const REALM: &str = "proxy";

/// The secret of every user for MD5; twice that for the other hash functions.
pub const HA1: &str = "0123456789abcdef0123456789abcdef";

/// A proxy that offers Basic and Digest.
pub struct Proxy {
    layer: ProxyAuthLayer,
    lookups: Recorder,
}

impl Proxy {
    /// Builds a proxy for [`REALM`].
    pub fn new(
        options: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
        basic: impl FnOnce(BasicScheme<Recorder>) -> BasicScheme<Recorder>,
        digest: impl FnOnce(DigestBuilder<Recorder>) -> DigestBuilder<Recorder>,
    ) -> Self {
        let lookups = Recorder::default();
        let basic = basic(BasicScheme::new(lookups.clone()));
        let builder = DigestScheme::builder(lookups.clone());
        let digest = digest(builder.with_algorithms(Algorithm::ALL.iter().copied()));
        let builder = Authenticator::builder(Realm::from_static(REALM))
            .with_scheme(digest.build().expect("a valid configuration"))
            .with_scheme(basic);
        let auth = options(builder).build().expect("a valid configuration");
        Self { layer: ProxyAuthLayer::new(auth), lookups }
    }

    /// Sends credentials for a GET of `http://example.org/`. Returns why they were refused, and
    /// the look-ups before that.
    pub fn send(&self, field: HeaderValue) -> (Reason, Vec<Lookup>) {
        let response = self.respond(Some(field));
        let refusal = response.extensions().get::<Refusal>().expect("a refusal");
        (refusal.reason(), self.lookups.take())
    }

    /// Returns a nonce of the proxy.
    pub fn nonce(&self) -> String {
        let response = self.respond(None);
        let challenge = response.headers().get(PROXY_AUTHENTICATE).expect("a challenge");
        let challenge = challenge.to_str().expect("ASCII");
        let (_, rest) = challenge.split_once("nonce=\"").expect("a nonce");
        rest.split('"').next().expect("its end").to_owned()
    }

    fn respond(&self, field: Option<HeaderValue>) -> Response<ResponseBody<String>> {
        let mut request = Request::new(String::new());
        *request.uri_mut() = Uri::from_static("http://example.org/");
        request.headers_mut().extend(field.map(|field| (PROXY_AUTHORIZATION, field)));
        let answer = pin!(self.layer.layer(service_fn(forward)).oneshot(request));
        match answer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => panic!("the proxy waits"),
        }
    }
}

async fn forward(_: Request<String>) -> Result<Response<String>, Infallible> {
    panic!("the request was forwarded")
}

/// A back end that records each look-up. It refuses every password and has the secret [`HA1`] for
/// every user.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Lookup>>>);

impl Recorder {
    fn add(&self, lookup: Lookup) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lookup);
    }

    fn take(&self) -> Vec<Lookup> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CredentialValidator for Recorder {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let user_id = credentials.user_id().to_owned();
        self.add(Lookup::Basic { user_id, password: credentials.password().to_owned() });
        Ok(Verdict::WrongPassword)
    }
}

impl DigestSecrets for Recorder {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        self.add(match user.name() {
            DigestName::UserId(name) => Lookup::Name(name.to_owned()),
            _ => Lookup::Userhash,
        });
        let ha1 = match user.function() {
            HashFunction::Md5 => HA1.to_owned(),
            _ => HA1.repeat(2),
        };
        let ha1 = HashedA1::from_hex(user.function(), &ha1).expect("a valid H(A1)");
        Ok(SecretLookup::Found(DigestAccount::new(Account::new("nobody"), ha1)))
    }
}
