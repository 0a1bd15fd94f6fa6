//! The operations, each through the layer around a no-op service.

use http::{HeaderName, HeaderValue, StatusCode, header};
use tower::Layer;
use tower_proxy_auth::{
    Authenticator, ProxyAuth, ProxyAuthLayer,
    digest::{Algorithm, AuthInfo},
};

use crate::{
    digest_client::DigestClient,
    engine::{
        PASSWORD, USER, WRONG_PASSWORD, basic, basic_credentials, both, challenges, digest,
        request, users,
    },
    service::{Origin, Outgoing, send},
};

pub(crate) struct Operation {
    pub(crate) name: &'static str,
    set_up: fn() -> (Authenticator, Credentials),
    expected: StatusCode,
    /// Further fields of each request.
    fields: &'static [(HeaderName, &'static str)],
}

/// Makes the credentials for each request.
type Credentials = Box<dyn FnMut() -> Option<HeaderValue>>;

pub(crate) const OPERATIONS: [Operation; 6] = [
    Operation {
        name: "basic-accepted",
        set_up: || (basic(users(1)), repeated(Some(basic_credentials(USER, PASSWORD)))),
        expected: StatusCode::OK,
        fields: &[],
    },
    Operation {
        name: "basic-wrong-password",
        set_up: || (basic(users(1)), repeated(Some(basic_credentials(USER, WRONG_PASSWORD)))),
        expected: StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        fields: &[],
    },
    Operation {
        name: "digest-md5-info-off",
        set_up: || answered(digest(users(1), Algorithm::Md5, AuthInfo::Off)),
        expected: StatusCode::OK,
        fields: &[],
    },
    Operation {
        name: "digest-sha-256-info-full",
        set_up: || answered(digest(users(1), Algorithm::Sha256, AuthInfo::Full)),
        expected: StatusCode::OK,
        fields: &[],
    },
    Operation {
        name: "no-credentials-three-challenges",
        set_up: || (both(users(1)), repeated(None)),
        expected: StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        fields: &[],
    },
    Operation {
        name: "no-credentials-from-a-browser",
        set_up: || (both(users(1)), repeated(None)),
        expected: StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        fields: &BROWSER,
    },
];

/// What Chromium sends for a page.
const BROWSER: [(HeaderName, &str); 2] = [
    (
        header::ACCEPT,
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,\
         */*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    ),
    (header::ACCEPT_LANGUAGE, "ja-JP,ja;q=0.9,en-US;q=0.8,en;q=0.7"),
];

impl Operation {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    pub(crate) fn run(&self, count: usize) {
        let (auth, mut credentials) = (self.set_up)();
        let mut service = ProxyAuthLayer::new(auth).layer(Origin);
        for _ in 0..count {
            let mut request = request(credentials());
            for (name, value) in self.fields {
                request.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            measured(&mut service, request, self.expected);
        }
    }
}

fn repeated(credentials: Option<HeaderValue>) -> Credentials {
    Box::new(move || credentials.clone())
}

/// The credentials of a client that always uses the same nonce.
fn answered(auth: Authenticator) -> (Authenticator, Credentials) {
    let mut client = DigestClient::of(&challenges(&auth));
    (auth, Box::new(move || Some(client.answer())))
}

/// The counted code. `.ci/guard` refers to this function by name.
#[inline(never)]
fn measured(service: &mut ProxyAuth<Origin>, request: Outgoing, expected: StatusCode) {
    assert_eq!(send(service, request).status(), expected);
}
