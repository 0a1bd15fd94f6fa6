//! Makes the responses of refusals, and finishes those of the inner service.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body;

use super::{body::ResponseBody, connection, facts::RequestFacts, layer::Options};
use crate::{authenticator::Refusal, error::BackendError, identity::Identity, reason::Reason};

const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Removes the authentication fields of upstream proxies.
pub(super) fn remove_upstream_fields(headers: &mut HeaderMap) {
    headers.remove(header::PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHENTICATION_INFO);
}

/// Makes the response to a request that is not forwarded.
pub(super) fn refuse(
    mut refusal: Refusal,
    mut headers: HeaderMap,
    mut facts: RequestFacts,
    options: &Options,
) -> Response<Bytes> {
    note(&mut refusal, &mut facts, options);
    let page = facts.page(options.page.as_ref(), &refusal);
    headers.insert(header::CONTENT_TYPE, page.content_type);
    headers.insert(header::CONTENT_LENGTH, page.body.len().into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if facts.must_close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let mut response = Response::new(if facts.is_head { Bytes::new() } else { page.body });
    *response.status_mut() = refusal.status();
    *response.headers_mut() = headers;
    response.extensions_mut().insert(refusal);
    report(facts, response.status());
    response
}

/// Gives the refusal a reference, and notes it for the observers.
fn note(refusal: &mut Refusal, facts: &mut RequestFacts, options: &Options) {
    match &mut facts.report {
        Some(report) => report.refuse(refusal),
        None => {
            refusal.reference_id.get_or_insert_with(|| options.references.make());
        }
    }
}

/// Sends the event of a request that gets a response.
fn report(facts: RequestFacts, status: StatusCode) {
    if let Some(report) = facts.report {
        report.finish(status);
    }
}

/// Answers requests that another layer of this crate refuses.
#[derive(Clone)]
pub(crate) struct Refuser(Arc<Options>);

impl Refuser {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Options::new()))
    }

    pub(crate) fn refuse<B: Body>(
        &self,
        request: &Request<B>,
        refusal: Refusal,
    ) -> Response<Bytes> {
        let (headers, facts) = (refusal.headers(), RequestFacts::new(request, None, &self.0));
        refuse(refusal, headers, facts, &self.0)
    }
}

/// Finishes the response to a forwarded request.
pub(super) struct Forwarded {
    facts: RequestFacts,
    info: Option<HeaderValue>,
    /// The identity, if the response carries it.
    identity: Option<Identity>,
    options: Arc<Options>,
}

impl Forwarded {
    pub(super) fn new(
        facts: RequestFacts,
        identity: Option<&Identity>,
        info: Option<HeaderValue>,
        options: Arc<Options>,
    ) -> Self {
        let identity = identity.filter(|_| options.identity_in_response).cloned();
        Self { facts, info, identity, options }
    }

    pub(super) fn finish<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { mut facts, info, identity, options } = self;
        let is_challenge = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let mut response = if is_challenge && !options.allow_chaining {
            // Only the inner service knows whether the request's body was read to its end.
            facts.must_close = facts.version <= Version::HTTP_11
                && connection::has_option(response.headers(), b"close");
            let refusal = Refusal::new(Reason::UpstreamChallenge);
            let headers = refusal.headers();
            refuse(refusal, headers, facts, &options).map(ResponseBody::own)
        } else {
            if is_challenge {
                // The challenge is meant for the client.
                response.headers_mut().remove(PROXY_AUTHENTICATION_INFO);
            } else {
                remove_upstream_fields(response.headers_mut());
            }
            if let Some(refusal) = response.extensions_mut().get_mut() {
                note(refusal, &mut facts, &options);
            }
            report(facts, response.status());
            response.map(ResponseBody::inner)
        };
        if let Some(info) = info {
            response.headers_mut().insert(PROXY_AUTHENTICATION_INFO, info);
        }
        if let Some(identity) = identity {
            response.extensions_mut().insert(identity);
        }
        response
    }

    /// Refuses the request after all: the user has been revoked while it waited.
    pub(super) fn refuse(self, error: BackendError) -> Response<Bytes> {
        let refusal = Refusal::from(error);
        let headers = refusal.headers();
        refuse(refusal, headers, self.facts, &self.options)
    }
}
