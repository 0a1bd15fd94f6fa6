//! What the layer does to a request before the inner service sees it.

use http::{HeaderValue, Request, header};

use super::{
    identity_header::keep_from_connection_options,
    layer::Options,
    response::{Asked, Forwarded},
};
use crate::{
    authenticator::{Authentication, Authenticator, Grant, ProxyAuthorization},
    head::RequestHead,
    identity::Identity,
};

/// What is known of a request once its `Proxy-Authorization` has been taken out.
pub(super) struct Decided {
    pub(super) authentication: Authentication,
    /// The field, where it is to be relayed.
    pub(super) relayed: Option<HeaderValue>,
}

/// Takes the credentials out of the request and has them judged.
pub(super) fn decide<Q>(
    request: &mut Request<Q>,
    auth: &Authenticator,
    options: &Options,
) -> Decided {
    let field = ProxyAuthorization::take(request.headers_mut());
    let relayed = match &field {
        ProxyAuthorization::One(value) if options.relay_credentials => Some(value.clone()),
        _ => None,
    };
    let head = RequestHead::of_request(request);
    let head = head.with_peer((options.peer_address)(&head));
    let target = options.request_target.as_ref().and_then(|target| target(&head));
    let head = target.as_ref().map_or(head, |target| head.with_target(target));
    Decided { authentication: auth.authenticate(&head, field), relayed }
}

/// Makes the request what the inner service sees, and says what is to be done to its response.
pub(super) fn admit<Q>(
    request: &mut Request<Q>,
    grant: Grant,
    asked: Asked,
    relayed: Option<HeaderValue>,
    options: &Options,
) -> Forwarded {
    let (identity, info) = grant.into_parts();
    let forwarded = Forwarded::new(asked, identity.as_ref(), info, options);
    let headers = request.headers_mut();
    if let Some(header) = &options.identity_header {
        header.set(headers, identity.as_ref());
        keep_from_connection_options(headers, header.name());
    }
    let is_proved = identity.as_ref().is_some_and(|identity| !identity.is_anonymous());
    if let (true, Some(value)) = (is_proved, relayed) {
        headers.insert(header::PROXY_AUTHORIZATION, value);
        keep_from_connection_options(headers, &header::PROXY_AUTHORIZATION);
    }
    match identity {
        Some(identity) => request.extensions_mut().insert(identity),
        // What a layer further out found has nothing to say here.
        None => request.extensions_mut().remove::<Identity>(),
    };
    forwarded
}
