//! A client that answers Digest challenges.

use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod, WwwAuthenticateHeader};
use http::{HeaderMap, HeaderValue, header};

use super::engine::{METHOD, PASSWORD, URI, USER};

/// A client that has received a Digest challenge. The nonce-count rises with each answer.
#[derive(Clone, Debug)]
pub(crate) struct DigestClient(WwwAuthenticateHeader);

impl DigestClient {
    /// Takes the first Digest challenge of a 407.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let challenges = headers.get_all(header::PROXY_AUTHENTICATE).iter();
        let mut challenges = challenges.filter_map(|challenge| challenge.to_str().ok());
        let challenge = challenges.find(|challenge| challenge.starts_with("Digest "));
        let challenge = challenge.expect("Digest is offered");
        Self(digest_auth::parse(challenge).expect("the challenge can be read"))
    }

    /// The user's credentials for the next request.
    pub(crate) fn answer(&mut self) -> HeaderValue {
        self.answer_for(USER, PASSWORD)
    }

    pub(crate) fn answer_for(&mut self, user: &str, password: &str) -> HeaderValue {
        let credentials = self.credentials(user, password).to_string();
        HeaderValue::try_from(credentials).expect("the credentials are ASCII")
    }

    pub(crate) fn credentials(&mut self, user: &str, password: &str) -> AuthorizationHeader {
        let method = HttpMethod::from(METHOD);
        let context = AuthContext::new_with_method(user, password, URI, None::<&[u8]>, method);
        self.0.respond(&context).expect("the challenge offers qop=auth")
    }
}
