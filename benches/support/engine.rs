//! Users, engines and requests.

use std::{
    borrow::Cow,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::Empty;
use tower_proxy_auth::{
    Authenticator, DigestScheme, Realm, RequestHead, Users,
    authenticator::{Authentication, Decision, ProxyAuthorization},
    digest::{Algorithm, AuthInfo},
};

use super::service::Outgoing;

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "wonder";
pub(crate) const WRONG_PASSWORD: &str = "wander";
pub(crate) const UNKNOWN_USER: &str = "mallory";
pub(crate) const METHOD: &str = "GET";
/// The `uri` of Digest credentials.
pub(crate) const URI: &str = "/a?b=c";
/// Longer than any measurement.
pub(crate) const NONCE_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

pub(crate) fn realm() -> Realm {
    Realm::new("proxy").expect("the realm is printable")
}

/// A number of users, the first of whom is [`USER`]. All have the same password.
pub(crate) fn users(count: usize) -> Users {
    let users = Users::new(&realm());
    for number in 0..count {
        users.set(&user_name(number), PASSWORD).expect("the user is fit for both schemes");
    }
    users
}

pub(crate) fn user_name(number: usize) -> Cow<'static, str> {
    match number {
        0 => USER.into(),
        _ => format!("user-{number}").into(),
    }
}

/// The usual configuration: Digest with SHA-256 and MD5, and Basic.
pub(crate) fn both(users: Users) -> Authenticator {
    let auth = Authenticator::builder(realm()).with_digest(users.clone()).with_basic(users);
    auth.build().expect("a valid configuration")
}

/// Only Basic, so that a refusal has one challenge.
pub(crate) fn basic(users: Users) -> Authenticator {
    let auth = Authenticator::builder(realm()).with_basic(users).build();
    auth.expect("a valid configuration")
}

/// Only Digest with one algorithm.
pub(crate) fn digest(users: Users, algorithm: Algorithm, info: AuthInfo) -> Authenticator {
    let scheme = DigestScheme::builder(users)
        .with_algorithms([algorithm])
        .with_auth_info(info)
        .with_nonce_lifetime(NONCE_LIFETIME)
        .build()
        .expect("the options go together");
    let auth = Authenticator::builder(realm()).with_scheme(scheme).build();
    auth.expect("a valid configuration")
}

pub(crate) fn basic_credentials(user: &str, password: &str) -> HeaderValue {
    let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is fit for a field")
}

/// A request without other fields than the credentials, if any.
pub(crate) fn request(credentials: Option<HeaderValue>) -> Outgoing {
    let mut request = Request::builder()
        .method(METHOD)
        .uri(format!("http://example.org{URI}"))
        .body(Empty::new())
        .expect("method and target are right");
    if let Some(credentials) = credentials {
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, credentials);
    }
    request
}

/// The decision about a request, from an engine that never waits.
pub(crate) fn decide(
    auth: &Authenticator,
    request: &Outgoing,
    field: ProxyAuthorization,
) -> Decision {
    match auth.authenticate(&RequestHead::of_request(request), field) {
        Authentication::Ready(decision) => decision,
        Authentication::Pending(decision) => {
            match pin!(decision).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(decision) => decision,
                Poll::Pending => panic!("the decision waits"),
            }
        }
    }
}

/// The fields of the 407 for a request without credentials.
pub(crate) fn challenges(auth: &Authenticator) -> HeaderMap {
    match decide(auth, &request(None), ProxyAuthorization::Absent) {
        Decision::Refuse(_, headers) => headers,
        Decision::Forward { .. } | Decision::Bypass => panic!("the request was not refused"),
    }
}
