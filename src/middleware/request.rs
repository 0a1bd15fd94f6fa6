//! Authenticates requests, and acts on the decision.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;

use super::{
    connection,
    facts::RequestFacts,
    layer::Options,
    page::PagePreferences,
    report::Report,
    response::{Forwarded, refuse},
};
use crate::{
    authenticator::{Authentication, Authenticator, Decision, ProxyAuthorization},
    head::RequestHead,
    identity::Identity,
};

/// Removes the credentials from the request and authenticates it.
pub(super) fn authenticate<Q: Body>(
    request: &mut Request<Q>,
    auth: &Authenticator,
    options: &Arc<Options>,
) -> (RequestFacts, Authentication) {
    let field = ProxyAuthorization::take(request.headers_mut());
    let relayed: Option<HeaderValue> = match &field {
        ProxyAuthorization::One(value) if options.relay_credentials => Some(value.clone()),
        _ => None,
    };
    let mut facts = RequestFacts::new(request, relayed);
    let head = RequestHead::of_request(request);
    let peer = (options.peer_address)(&head).map(|address| address.to_canonical());
    let head = head.with_peer(peer);
    let target = options.request_target.as_ref().and_then(|target| target(&head));
    let head = target.as_ref().map_or(head, |target| head.with_target(target));
    let authentication = auth.authenticate(&head, field);
    facts.report = Report::start(&head, auth, options);
    if let (Some(report), Authentication::Pending(check)) = (&mut facts.report, &authentication) {
        report.begin_check(check.scheme());
    }
    (facts, authentication)
}

/// The result of a decision.
pub(super) enum Outcome {
    /// Call the inner service, and finish its response with this value.
    Forward(Forwarded),
    /// Answer with this response.
    Refuse(Response<Bytes>),
}

/// Acts on a decision: prepares the request for the inner service, or makes the refusal.
pub(super) fn act<Q>(
    decision: Decision,
    request: &mut Request<Q>,
    mut facts: RequestFacts,
    options: &Arc<Options>,
) -> Outcome {
    if let Some(report) = &mut facts.report {
        report.end_check();
    }
    let preferences = PagePreferences::of(request);
    let (identity, info) = match decision {
        Decision::Bypass => (None, None),
        Decision::Forward { identity, info } => (Some(identity), info),
        Decision::Refuse(refusal, headers) => {
            return Outcome::Refuse(refuse(refusal, headers, facts, &preferences, options));
        }
    };
    if let Some(report) = &mut facts.report {
        report.forward(identity.as_ref());
    }
    let headers = request.headers_mut();
    if let Some(header) = &options.identity_header {
        header.set(headers, identity.as_ref());
        connection::remove_option(headers, header.name());
    }
    let has_user = identity.as_ref().is_some_and(|identity| !identity.is_anonymous());
    if let (true, Some(value)) = (has_user, facts.relayed_credentials.take()) {
        headers.insert(header::PROXY_AUTHORIZATION, value);
        connection::remove_option(headers, &header::PROXY_AUTHORIZATION);
    }
    let forwarded =
        Forwarded::new(facts, preferences, identity.as_ref(), info, Arc::clone(options));
    match identity {
        Some(identity) => request.extensions_mut().insert(identity),
        // An outer layer may have added one.
        None => request.extensions_mut().remove::<Identity>(),
    };
    Outcome::Forward(forwarded)
}
