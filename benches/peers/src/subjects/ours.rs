//! The layer of `tower-proxy-auth`, with users in memory.

use http::StatusCode;
use tower::Layer;
use tower_proxy_auth::{
    Authenticator, ProxyAuth, ProxyAuthLayer,
    digest::{Algorithm, AuthInfo},
};

use super::floor;
use crate::{
    engine::{self, PASSWORD, UNKNOWN_USER, USER, WRONG_PASSWORD, basic_credentials, users},
    exchange::{Exchange, Origin},
    measure::Subject,
    requests,
};

pub(crate) const BASIC_ACCEPTED: &str = "this layer, Basic accepted";
pub(crate) const WRONG: &str = "this layer, Basic, wrong password";
pub(crate) const UNKNOWN: &str = "this layer, Basic, unknown user";
pub(crate) const CHALLENGED: &str = "this layer, no credentials, three challenges";

pub(crate) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256];
pub(crate) const INFO: [AuthInfo; 2] = [AuthInfo::Off, AuthInfo::Full];

/// The name of an accepted Digest request.
pub(crate) fn digest_accepted(algorithm: Algorithm, info: AuthInfo) -> String {
    format!("this layer, Digest {algorithm} accepted, info {info:?}")
}

pub(crate) fn subjects() -> Vec<Subject> {
    let mut subjects = vec![
        basic(BASIC_ACCEPTED, USER, PASSWORD, StatusCode::OK),
        basic(WRONG, USER, WRONG_PASSWORD, StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        basic(UNKNOWN, UNKNOWN_USER, PASSWORD, StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        challenged(),
    ];
    for info in INFO {
        for algorithm in ALGORITHMS {
            let auth = engine::digest(users(1), algorithm, info);
            let requests = requests::digest(auth.clone());
            let wrap = |origin| wrap(auth, origin);
            let exchange = Exchange::new(Origin::with_fields(), wrap, requests, StatusCode::OK);
            let subject = Subject::new(digest_accepted(algorithm, info), exchange);
            subjects.push(subject.over(floor::DIGEST));
        }
    }
    subjects
}

fn basic(name: &'static str, user: &str, password: &str, expected: StatusCode) -> Subject {
    let auth = engine::basic(users(1));
    let requests = requests::repeated(Some(basic_credentials(user, password)));
    let exchange = Exchange::new(Origin::brief(), |origin| wrap(auth, origin), requests, expected);
    Subject::new(name, exchange).over(floor::BASIC)
}

fn challenged() -> Subject {
    let wrap = |origin| wrap(engine::both(users(1)), origin);
    let requests = requests::repeated(None);
    let expected = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    let exchange = Exchange::new(Origin::brief(), wrap, requests, expected);
    Subject::new(CHALLENGED, exchange).over(floor::BARE)
}

fn wrap(auth: Authenticator, origin: Origin) -> ProxyAuth<Origin> {
    ProxyAuthLayer::new(auth).layer(origin)
}
