//! A scheme from outside the crate works like Basic and Digest.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Method};
use tokio::task;
use tower_proxy_auth::{
    Account, Authenticator, BackendError, ProxyAuthLayer, Reason, Refusal, UserId,
    authenticator::AuthenticatorBuilder,
    scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, Claim, Claimant, RequestContext,
        SentCredentials,
    },
    secret::constant_time_eq,
    throttle::Ticket,
};

use crate::support::{
    digest::Digest,
    layer::{
        INFO, Origin, RIGHT, URL, challenges, get, realm, reason, request, schemes, send, users,
    },
};

/// A scheme with tokens, looked up at once or after a yield.
#[derive(Default)]
struct Bearer {
    waits: bool,
    /// The number of look-ups.
    lookups: Arc<AtomicUsize>,
}

impl Bearer {
    fn check(token: &str) -> AuthResult {
        let account = |name| Account::new(name);
        if constant_time_eq(token.as_bytes(), b"c2VjcmV0") {
            let info = Some(HeaderValue::from_static("seen=yes"));
            return Ok(Authenticated::new(account("carol")).with_info(info));
        }
        Err(match token {
            "down" => BackendError::new("no token service").into(),
            "stale" => Refusal::new(Reason::NonceExpired).with_account(account("carol")),
            "unproved" => Refusal::new(Reason::NonceExpired),
            "disabled" => Refusal::new(Reason::AccountDisabled).with_account(account("dora")),
            _ => Refusal::new(Reason::WrongPassword),
        })
    }
}

impl AuthScheme for Bearer {
    type Credentials = String;

    fn name(&self) -> &'static str {
        "Bearer"
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        let error = if context.stale { ", error=\"invalid_token\"" } else { "" };
        let challenge = format!("Bearer realm=\"{}\"{error}", context.realm);
        Ok(vec![HeaderValue::try_from(challenge).unwrap()])
    }

    fn parse(
        &self,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<String, Refusal> {
        assert_eq!(context.head.method(), Method::GET);
        assert!(!context.head.headers().contains_key("proxy-authorization"));
        let token = credentials.token68().ok_or(Refusal::new(Reason::Malformed))?.to_owned();
        assert_eq!(token.as_bytes(), credentials.as_bytes());
        Ok(token)
    }

    fn claim<'a>(&self, token: &'a String) -> Claim<'a> {
        Claim::new(Claimant::Unnamed).with_fixed_secret(token)
    }

    async fn verify(&self, token: &String, _: Option<&Ticket>) -> AuthResult {
        if self.waits {
            task::yield_now().await;
        }
        self.lookups.fetch_add(1, Ordering::Relaxed);
        Self::check(token)
    }
}

fn builder(bearer: Bearer) -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_basic(users()).with_scheme(bearer).with_digest(users())
}

fn layer(bearer: Bearer) -> ProxyAuthLayer {
    ProxyAuthLayer::new(builder(bearer).build().unwrap())
}

#[tokio::test]
async fn accepts_and_refuses_like_a_built_in_scheme() {
    let table = [
        ("right", "Bearer c2VjcmV0", 200, None),
        ("right, in another case", "bEARER  c2VjcmV0 ", 200, None),
        ("wrong", "Bearer c2VjcmV1", 407, Some(Reason::WrongPassword)),
        ("parameters", "Bearer token=a", 400, Some(Reason::Malformed)),
        ("nothing", "Bearer", 400, Some(Reason::Malformed)),
        ("a longer name", "Bearers c2VjcmV0", 407, Some(Reason::SchemeNotOffered)),
        ("disabled", "Bearer disabled", 403, Some(Reason::AccountDisabled)),
        ("a service that is down", "Bearer down", 503, Some(Reason::BackendFailed)),
    ];
    for waits in [false, true] {
        for (name, credentials, status, refused) in table {
            let bearer = Bearer { waits, ..Bearer::default() };
            let lookups = bearer.lookups.clone();
            let origin = Origin::new();
            let response = send(&layer(bearer), &origin, get(credentials)).await;
            assert_eq!(response.status(), status, "{name}, waits: {waits}");
            assert_eq!(origin.calls(), usize::from(refused.is_none()), "{name}, waits: {waits}");
            let is_parsed = !matches!(refused, Some(Reason::Malformed | Reason::SchemeNotOffered));
            assert_eq!(lookups.load(Ordering::Relaxed), usize::from(is_parsed), "{name}");
            match refused {
                Some(refused) => assert_eq!(reason(&response), refused, "{name}"),
                None => {
                    let identity = origin.identity().unwrap();
                    assert_eq!(identity.user().unwrap().as_str(), "carol");
                    assert_eq!((identity.scheme(), identity.realm()), ("Bearer", &realm()));
                    assert_eq!(response.headers()[INFO], "seen=yes");
                }
            }
        }
    }
}

#[tokio::test]
async fn is_offered_between_digest_and_basic() {
    let response = send(&layer(Bearer::default()), &Origin::new(), request(Method::GET, URL)).await;
    assert_eq!(schemes(response.headers()), ["Digest", "Digest", "Bearer", "Basic"]);
    assert_eq!(challenges(response.headers())[2], "Bearer realm=\"proxy\"");
}

#[tokio::test]
async fn learns_that_a_nonce_was_stale() {
    let (layer, origin) = (layer(Bearer::default()), Origin::new());
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let credentials = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    assert_eq!(send(&layer, &origin, get(&credentials)).await.status(), 200);
    let stale = send(&layer, &origin, get(&credentials)).await;
    let challenges = challenges(stale.headers());
    assert_eq!(challenges[2], "Bearer realm=\"proxy\", error=\"invalid_token\"");
    assert!(challenges[0].ends_with(", stale=true"));
}

#[tokio::test]
async fn says_stale_of_a_user_who_has_proved_the_password() {
    for (credentials, is_stale) in [("Bearer stale", true), ("Bearer unproved", false)] {
        let response = send(&layer(Bearer::default()), &Origin::new(), get(credentials)).await;
        assert_eq!(reason(&response), Reason::NonceExpired);
        let challenges = challenges(response.headers());
        assert_eq!(challenges[0].ends_with(", stale=true"), is_stale, "{credentials}");
    }
}

#[tokio::test]
async fn is_offered_in_an_explicit_order() {
    let auth = builder(Bearer::default()).keep_scheme_order(true).build().unwrap();
    let layer = ProxyAuthLayer::new(auth);
    let response = send(&layer, &Origin::new(), request(Method::GET, URL)).await;
    assert_eq!(schemes(response.headers()), ["Basic", "Bearer", "Digest", "Digest"]);
}

#[tokio::test]
async fn revoking_a_user_ends_the_identity() {
    let auth = builder(Bearer::default()).build().unwrap();
    let origin = Origin::new();
    send(&ProxyAuthLayer::new(auth.clone()), &origin, get("Bearer c2VjcmV0")).await;
    let mut revoked = pin!(origin.identity().unwrap().revoked());
    assert!(poll_once(revoked.as_mut()).is_pending());
    auth.revoke(&realm(), &UserId::new("carol"));
    assert!(poll_once(revoked.as_mut()).is_ready());
}

fn poll_once(future: Pin<&mut impl Future>) -> Poll<()> {
    future.poll(&mut Context::from_waker(Waker::noop())).map(|_| ())
}

#[tokio::test]
async fn does_not_affect_other_schemes() {
    let (layer, origin) = (layer(Bearer { waits: true, ..Bearer::default() }), Origin::new());
    assert_eq!(send(&layer, &origin, get(RIGHT)).await.status(), 200);
    assert_eq!(origin.identity().unwrap().scheme(), "Basic");
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let credentials = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    assert_eq!(send(&layer, &origin, get(&credentials)).await.status(), 200);
    assert_eq!(origin.identity().unwrap().scheme(), "Digest");
}
