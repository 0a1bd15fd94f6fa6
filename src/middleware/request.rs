//! What the layer makes of a request before the inner service sees it.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;

use super::{
    identity_header::keep_from_connection_options,
    layer::Options,
    response::{Asked, Forwarded, refuse},
};
use crate::{
    authenticator::{Authentication, Authenticator, Grant, ProxyAuthorization, Rejection},
    head::RequestHead,
    identity::Identity,
};

/// A request whose `Proxy-Authorization` has been taken out.
pub(super) struct Stripped<Q> {
    request: Request<Q>,
    asked: Asked,
    /// The field, where it is to be relayed.
    relayed: Option<HeaderValue>,
}

impl<Q: Body> Stripped<Q> {
    pub(super) fn decide(
        mut request: Request<Q>,
        auth: &Authenticator,
        options: &Options,
    ) -> (Self, Authentication) {
        let asked = Asked::of(&request, options);
        let field = ProxyAuthorization::take(request.headers_mut());
        let relayed = match &field {
            ProxyAuthorization::One(value) if options.relay_credentials => Some(value.clone()),
            _ => None,
        };
        let head = RequestHead::of_request(&request);
        let head = head.with_peer((options.peer_address)(&head));
        let target = options.request_target.as_ref().and_then(|target| target(&head));
        let head = target.as_ref().map_or(head, |target| head.with_target(target));
        let authentication = auth.authenticate(&head, field);
        (Self { request, asked, relayed }, authentication)
    }

    /// The answer to a request that the inner service never sees.
    pub(super) fn refuse(self, rejection: Rejection, options: &Options) -> Response<Bytes> {
        refuse(rejection, self.asked, options)
    }

    /// The request as the inner service sees it, and what is to be done to its response.
    pub(super) fn forward(self, grant: Grant, options: &Options) -> (Request<Q>, Forwarded) {
        let Self { mut request, asked, relayed } = self;
        let (identity, info) = grant.into_parts();
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
        let kept = identity.as_ref().filter(|_| options.identity_in_response).cloned();
        match identity {
            Some(identity) => request.extensions_mut().insert(identity),
            // What a layer further out found has nothing to say here.
            None => request.extensions_mut().remove::<Identity>(),
        };
        (request, Forwarded { asked, info, identity: kept })
    }
}
