//! Prepares requests: authenticates them, and adds the identity.

use http::{HeaderValue, Request, header};
use http_body::Body;

use super::{
    identity_header::protect_from_connection,
    layer::Options,
    response::{Forwarded, RequestFacts},
};
use crate::{
    authenticator::{Authentication, Authenticator, ProxyAuthorization},
    head::RequestHead,
    identity::Identity,
};

/// Removes the credentials from the request and authenticates it.
pub(super) fn authenticate<Q: Body>(
    request: &mut Request<Q>,
    auth: &Authenticator,
    options: &Options,
) -> (RequestFacts, Authentication) {
    let field = ProxyAuthorization::take(request.headers_mut());
    let relayed: Option<HeaderValue> = match &field {
        ProxyAuthorization::One(value) if options.relay_credentials => Some(value.clone()),
        _ => None,
    };
    let facts = RequestFacts::new(request, relayed, options);
    let head = RequestHead::of_request(request);
    let head = head.with_peer((options.peer_address)(&head));
    let target = options.request_target.as_ref().and_then(|target| target(&head));
    let head = target.as_ref().map_or(head, |target| head.with_target(target));
    let authentication = auth.authenticate(&head, field);
    (facts, authentication)
}

/// Prepares the request for the inner service, and returns how to finish its response.
/// `identity` is `None` for a request that bypasses authentication.
pub(super) fn admit<Q>(
    request: &mut Request<Q>,
    identity: Option<Identity>,
    info: Option<HeaderValue>,
    mut facts: RequestFacts,
    options: &Options,
) -> Forwarded {
    let headers = request.headers_mut();
    if let Some(header) = &options.identity_header {
        header.set(headers, identity.as_ref());
        protect_from_connection(headers, header.name());
    }
    let has_user = identity.as_ref().is_some_and(|identity| !identity.is_anonymous());
    if let (true, Some(value)) = (has_user, facts.relayed_credentials.take()) {
        headers.insert(header::PROXY_AUTHORIZATION, value);
        protect_from_connection(headers, &header::PROXY_AUTHORIZATION);
    }
    let forwarded = Forwarded::new(facts, identity.as_ref(), info, options);
    match identity {
        Some(identity) => request.extensions_mut().insert(identity),
        // An outer layer may have added one.
        None => request.extensions_mut().remove::<Identity>(),
    };
    forwarded
}
