//! `Debug` of every type hides secrets.

use std::{
    convert::Infallible,
    fmt::Debug,
    sync::mpsc::{Sender, channel},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, Request, Response, header};
use tower::{Layer, Service, service_fn};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, BasicScheme, ConfigError,
    DigestAccount, DigestScheme, DigestUser, HashedA1, ProxyAuthLayer, Reason, Refusal,
    RequestHead,
    authenticator::{Authentication, ProxyAuthorization},
    backend::DigestName,
    digest::{HashFunction, NonceKey, NonceKeys},
    nonce_store::MemoryNonceStore,
    scheme::{
        AuthResult, AuthScheme, ChallengeContext, Claim, Claimant, RequestContext, SchemeSetup,
        SentCredentials,
    },
    secret::Password,
    throttle::Ticket,
};

use crate::support::{
    digest::Digest,
    engine::{Body, Proxy, basic, realm, request, users},
};

const KEY: &[u8; 32] = b"a key of 32 bytes to be hidden!!";

/// Everything that must be hidden.
fn secrets(digest: &Digest) -> Vec<String> {
    let bytes = |text: &[u8]| format!("{text:?}");
    vec![
        "wonder".into(),
        STANDARD.encode("alice:wonder"),
        digest.ha1(),
        digest.response(),
        digest.response().to_uppercase(),
        bytes(b"wonder").trim_matches(['[', ']']).into(),
        String::from_utf8_lossy(KEY).into_owned(),
        bytes(KEY).trim_matches(['[', ']']).into(),
    ]
}

#[track_caller]
fn hides(digest: &Digest, shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        for secret in secrets(digest) {
            assert!(!text.contains(&secret), "{secret} in {text}");
        }
    }
}

#[test]
fn hides_secrets_in_engine_and_options() {
    let digest = Proxy::new().fresh();
    let store = MemoryNonceStore::new();
    let key = NonceKey::new(KEY).unwrap();
    let keys = NonceKeys::new(key.clone());
    let builder = DigestScheme::builder(users())
        .with_nonce_keys(keys.clone())
        .with_nonce_store(store.clone());
    hides(&digest, &builder);
    let scheme = builder.build().unwrap();
    hides(&digest, &scheme);
    hides(&digest, &BasicScheme::new(users()));
    let builder = Authenticator::builder(realm()).with_scheme(scheme).with_basic(users());
    hides(&digest, &builder);
    let auth = builder.build().unwrap();
    let layer = ProxyAuthLayer::new(auth.clone());
    hides(&digest, &(&auth, &layer, &store, &key, &keys, &users()));
}

#[test]
fn shows_realm_and_schemes() {
    let scheme = BasicScheme::new(users()).with_nfc(true);
    let shown = format!("{scheme:?}");
    assert!(shown.starts_with("BasicScheme { ") && shown.contains("nfc: true"), "{shown}");
    let builder = Authenticator::builder(realm()).with_scheme(scheme).with_digest(users());
    let fields = "{ realm: \"proxy\", schemes: [Basic, Digest], .. }";
    assert_eq!(format!("{builder:?}"), format!("AuthenticatorBuilder {fields}"));
    let auth = builder.keep_scheme_order(true).build().unwrap();
    assert_eq!(format!("{auth:?}"), format!("Authenticator {fields}"));
    let field = ProxyAuthorization::One(basic("alice:wonder"));
    let request = request(&Method::GET, "http://example.org/", []);
    let Authentication::Pending(pending) =
        auth.authenticate(&RequestHead::of_request(&request), field)
    else {
        panic!("decided by the head alone")
    };
    assert_eq!(format!("{pending:?}"), "PendingDecision { scheme: \"Basic\", .. }");
}

#[test]
fn hides_secrets_in_credentials() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    let realm = realm();
    let ha1 = HashedA1::new(HashFunction::Sha256, "alice", &realm, "wonder");
    let borrowed = BasicCredentials::new(&realm, "alice", "wonder");
    let user = DigestUser::new(&realm, HashFunction::Sha256, DigestName::UserId("wonder"));
    let account = Account::new("alice").with_data(Password::new("wonder"));
    let stored = DigestAccount::new(account, ha1.clone());
    hides(&digest, &(&ha1, &borrowed, &borrowed.to_owned(), &user, &stored));
    hides(&digest, &Password::new("wonder"));
}

#[test]
fn hides_secrets_between_stages() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for field in [basic("alice:wonder"), digest.field(), basic("wonder:other")] {
        let mut request = request(&Method::GET, "http://example.org/", [field.clone()]);
        hides(&digest, &RequestHead::of_request(&request));
        hides(&digest, &ProxyAuthorization::One(field));
        let taken = ProxyAuthorization::take(request.headers_mut());
        hides(&digest, &taken);
        let head = RequestHead::of_request(&request);
        let answer = proxy.authenticator().authenticate(&head, taken);
        assert!(matches!(answer, Authentication::Pending(_)));
        hides(&digest, &answer);
    }
}

#[test]
fn hides_secrets_in_service_and_future() {
    let inner = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::default()))
    });
    let digest = Proxy::new().fresh();
    let builder = Authenticator::builder(realm()).with_digest(users());
    let auth = builder.with_basic(users()).build().unwrap();
    let mut service = ProxyAuthLayer::new(auth.clone()).layer(inner);
    for field in [basic("alice:wonder"), digest.field()] {
        let mut request = request(&Method::GET, "http://example.org/", [field]);
        hides(&digest, &service.call(request.clone()));
        let taken = ProxyAuthorization::take(request.headers_mut());
        let waiting = auth.authenticate(&RequestHead::of_request(&request), taken);
        assert!(matches!(waiting, Authentication::Pending(_)));
        hides(&digest, &waiting);
    }
}

/// A scheme that prints everything that it receives.
struct Curious(Sender<String>);

impl AuthScheme for Curious {
    type Credentials = Password;

    fn name(&self) -> &'static str {
        "Basic"
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        self.0.send(format!("{context:?}")).unwrap();
        Ok(vec![HeaderValue::from_static("Basic realm=\"proxy\"")])
    }

    fn parse(
        &self,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<Password, Refusal> {
        assert_eq!(credentials.as_bytes(), STANDARD.encode("alice:wonder").as_bytes());
        self.0.send(format!("{context:?} {credentials:?}")).unwrap();
        Ok(Password::new("wonder"))
    }

    fn claim<'a>(&self, password: &'a Password) -> Claim<'a> {
        let claim = Claim::new(Claimant::Name("wonder")).with_fixed_secret(password.expose());
        self.0.send(format!("{claim:?}")).unwrap();
        claim
    }

    async fn verify(&self, _: &Password, _: Option<&Ticket>) -> AuthResult {
        Err(Refusal::new(Reason::WrongPassword))
    }

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        self.0.send(format!("{setup:?}")).unwrap();
        Ok(())
    }
}

#[test]
fn hides_secrets_from_a_custom_scheme() {
    let (sender, receiver) = channel();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_scheme(Curious(sender)));
    proxy.get(basic("alice:wonder")).is("a custom scheme", 407, "wrong-password");
    let shown: Vec<_> = receiver.try_iter().collect();
    assert_eq!(shown.len(), 4);
    hides(&Digest::new("n"), &shown);
}

#[test]
fn hides_secrets_in_headers_of_both_directions() {
    let proxy = Proxy::new().layer(|layer| layer.relay_credentials(true));
    let digest = proxy.fresh();
    let answer = proxy.login(&digest);
    assert_eq!(answer.info("rspauth"), Some(digest.rspauth()));
    let relayed = answer.forwarded.unwrap().headers;
    assert_eq!(relayed[header::PROXY_AUTHORIZATION], digest.field());
    hides(&digest, &relayed);
    let shown = format!("{:?}", answer.headers);
    assert!(!shown.contains(&digest.rspauth()), "{shown}");
    hides(&digest, &answer.headers);
}
