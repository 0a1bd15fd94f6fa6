//! Makes the responses of refusals, and finishes those of the inner service.

use std::{mem, sync::Arc};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header,
};

use super::{
    body::ResponseBody,
    connection,
    facts::RequestFacts,
    layer::Options,
    page::{PagePreferences, PageRequest},
};
use crate::{authenticator::Refusal, error::BackendError, identity::Identity, reason::Reason};

const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

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
    preferences: &PagePreferences,
    options: &Options,
) -> Response<Bytes> {
    note(&mut refusal, &mut facts, options);
    let page = options.page(&PageRequest::new(&refusal, preferences));
    headers.insert(header::CONTENT_TYPE, page.content_type);
    headers.insert(header::CONTENT_LENGTH, page.body.len().into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(language) = page.content_language {
        headers.insert(header::CONTENT_LANGUAGE, language);
    }
    if let Some(policy) = page.content_security_policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(status) = &options.proxy_status {
        headers.insert(PROXY_STATUS, status.value(refusal.reason()));
    }
    if facts.must_close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    // Servers omit the body of a response to HEAD by themselves on HTTP/1 only.
    let is_head = preferences.method == Method::HEAD;
    let mut response = Response::new(if is_head { Bytes::new() } else { page.body });
    *response.status_mut() = refusal.status();
    *response.headers_mut() = headers;
    response.extensions_mut().insert(refusal);
    report(facts, response.status());
    response
}

/// Makes the response to a forwarded request that a service further in refuses.
///
/// Only that service knows whether it has read the request's body to its end.
pub(super) fn refuse_after_all<B>(
    refusal: Refusal,
    response: Response<B>,
    mut facts: RequestFacts,
    preferences: &PagePreferences,
    options: &Options,
) -> Response<Bytes> {
    let (inner, _) = response.into_parts();
    facts.must_close =
        facts.version <= Version::HTTP_11 && connection::has_option(&inner.headers, b"close");
    let headers = refusal.headers();
    let mut response = refuse(refusal, headers, facts, preferences, options);
    // Other layers may have noted something in the extensions.
    let made = mem::replace(response.extensions_mut(), inner.extensions);
    response.extensions_mut().extend(made);
    response
}

/// The refusal for which a service further in expects a response. Those with a reference have one
/// already. A 407 needs challenges, which only that service knows.
pub(super) fn open_refusal(extensions: &Extensions) -> Option<&Refusal> {
    let refusal = extensions.get::<Refusal>();
    refusal.filter(|refusal| {
        refusal.reference_id().is_none()
            && refusal.status() != StatusCode::PROXY_AUTHENTICATION_REQUIRED
    })
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

/// Finishes the response to a forwarded request.
pub(super) struct Forwarded {
    facts: RequestFacts,
    preferences: PagePreferences,
    info: Option<HeaderValue>,
    /// The identity, if the response carries it.
    identity: Option<Identity>,
    options: Arc<Options>,
}

impl Forwarded {
    pub(super) fn new(
        facts: RequestFacts,
        preferences: PagePreferences,
        identity: Option<&Identity>,
        info: Option<HeaderValue>,
        options: Arc<Options>,
    ) -> Self {
        let identity = identity.filter(|_| options.identity_in_response).cloned();
        Self { facts, preferences, info, identity, options }
    }

    pub(super) fn finish<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { mut facts, preferences, info, identity, options } = self;
        let is_challenge = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let refusal = match is_challenge && !options.allow_chaining {
            true => Some(Refusal::new(Reason::UpstreamChallenge)),
            false => open_refusal(response.extensions()).cloned(),
        };
        let mut response = if let Some(refusal) = refusal {
            refuse_after_all(refusal, response, facts, &preferences, &options)
                .map(ResponseBody::own)
        } else {
            if is_challenge {
                // The challenge is meant for the client.
                response.headers_mut().remove(PROXY_AUTHENTICATION_INFO);
            } else {
                remove_upstream_fields(response.headers_mut());
            }
            if let Some(refusal) = response.extensions_mut().get_mut() {
                note(refusal, &mut facts, &options);
                let status = options.proxy_status.as_ref().map(|one| one.value(refusal.reason()));
                response.headers_mut().extend(status.map(|status| (PROXY_STATUS, status)));
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
        refuse(refusal, headers, self.facts, &self.preferences, &self.options)
    }
}
