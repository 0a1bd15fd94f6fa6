//! Makes batches of requests.

use std::iter;

use http::HeaderValue;
use tower_proxy_auth::Authenticator;

use crate::{
    digest_client::DigestClient,
    engine::{challenges, request},
    service::Outgoing,
};

/// Copies of one request.
pub(crate) fn repeated(credentials: Option<HeaderValue>) -> impl FnMut(usize) -> Vec<Outgoing> {
    move |count| iter::repeat_with(|| request(credentials.clone())).take(count).collect()
}

/// Requests with Digest credentials. Each batch has its own nonce, and each request its own
/// nonce-count.
pub(crate) fn digest(auth: Authenticator) -> impl FnMut(usize) -> Vec<Outgoing> {
    move |count| {
        let mut client = DigestClient::of(&challenges(&auth));
        iter::repeat_with(|| request(Some(client.answer()))).take(count).collect()
    }
}
