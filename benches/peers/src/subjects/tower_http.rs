//! tower-http's closest match: its layer for custom checks, with a minimal check of Basic that
//! answers 407.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use http_body_util::Empty;
use tower::Layer;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};

use super::floor;
use crate::{
    engine::{PASSWORD, USER, WRONG_PASSWORD, basic_credentials, realm},
    exchange::{Exchange, Origin},
    measure::Subject,
    requests::repeated,
    service::Outgoing,
};

pub(crate) const ACCEPTED: &str = "tower-http with a custom check, Basic accepted";
pub(crate) const WRONG: &str = "tower-http with a custom check, Basic, wrong password";

pub(crate) fn subjects() -> Vec<Subject> {
    let subject = |name, password, expected| {
        let requests = repeated(Some(basic_credentials(USER, password)));
        let layer = ValidateRequestHeaderLayer::custom(BasicCheck::new());
        let wrap = |origin| layer.layer(origin);
        let exchange = Exchange::new(Origin::brief(), wrap, requests, expected);
        Subject::new(name, exchange).over(floor::BASIC)
    };
    vec![
        subject(ACCEPTED, PASSWORD, StatusCode::OK),
        subject(WRONG, WRONG_PASSWORD, StatusCode::PROXY_AUTHENTICATION_REQUIRED),
    ]
}

/// Users with plain-text passwords, which are compared with `==`.
#[derive(Clone)]
struct BasicCheck {
    users: Arc<HashMap<String, (String, User)>>,
    challenge: HeaderValue,
}

/// The user, for the inner service.
#[derive(Clone)]
struct User(#[expect(dead_code, reason = "the inner service does not read it")] Arc<str>);

impl BasicCheck {
    fn new() -> Self {
        let user = (USER.to_owned(), (PASSWORD.to_owned(), User(USER.into())));
        let challenge = HeaderValue::try_from(format!("Basic realm=\"{}\"", realm()));
        Self {
            users: Arc::new(HashMap::from([user])),
            challenge: challenge.expect("the realm is printable"),
        }
    }

    fn user(&self, field: &HeaderValue) -> Option<User> {
        let encoded = field.as_bytes().strip_prefix(b"Basic ")?;
        let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (name, sent) = decoded.split_once(':')?;
        let (password, user) = self.users.get(name)?;
        (sent == password).then(|| user.clone())
    }
}

impl ValidateRequest<Empty<Bytes>> for BasicCheck {
    type ResponseBody = Empty<Bytes>;

    fn validate(&mut self, request: &mut Outgoing) -> Result<(), Response<Empty<Bytes>>> {
        let field = request.headers_mut().remove(PROXY_AUTHORIZATION);
        if let Some(user) = field.and_then(|field| self.user(&field)) {
            request.extensions_mut().insert(user);
            return Ok(());
        }
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        response.headers_mut().insert(PROXY_AUTHENTICATE, self.challenge.clone());
        Err(response)
    }
}
