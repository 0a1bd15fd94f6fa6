//! The innermost service: forwards requests that have passed the authentication layer.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, Version,
    header::{CONNECTION, MAX_FORWARDS},
    uri::Authority,
};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tower_proxy_auth::access::AddressCheck;

use crate::{
    access::{Access, while_allowed},
    addresses,
    client::{Client, Owner},
    descriptors::Descriptors,
    error::{Failure, ForwardError},
    origin::Origins,
    places::{Place, Places},
    response_body::ResponseBody,
    target::Target,
    tunnel::{self, Session},
};

const NO_HOST: ForwardError = ForwardError::BadRequest("the target has no host");

/// The body of a response: streamed from the origin, or a short text of the proxy itself.
pub(crate) type ProxyBody = Either<ResponseBody<Incoming>, Full<Bytes>>;

/// A forward proxy as a tower service. Clones share the connections to origins.
#[derive(Clone, Debug)]
pub(crate) struct Forward(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origins: Origins,
    tasks: TaskTracker,
    sessions: Places<Owner>,
}

impl Forward {
    /// A proxy that spawns its tunnels on `tasks`, and shares `descriptors` fairly. With rules, it
    /// checks the address of each request.
    pub(crate) fn new(tasks: TaskTracker, descriptors: Descriptors, has_rules: bool) -> Self {
        let origins = Origins::new(descriptors.kept(), has_rules);
        let sessions = Places::new(descriptors.sessions());
        Self(Arc::new(Inner { origins, tasks, sessions }))
    }
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let client = request.extensions().get::<Client>().cloned();
        let inner = Arc::clone(&self.0);
        Box::pin(async move { Ok(inner.respond(request, client).await) })
    }
}

impl Inner {
    async fn respond(
        &self,
        request: Request<Incoming>,
        client: Option<Client>,
    ) -> Response<ProxyBody> {
        let method = request.method().clone();
        let may_be_unread =
            request.version() <= Version::HTTP_11 && !request.body().is_end_stream();
        let access = request.extensions().get().map(Access::of);
        let forwarding = self.forward(request, client, access.clone());
        while_allowed(access, forwarding).await.unwrap_or_else(|failure| {
            tracing::debug!(error = %failure, "not forwarded");
            let must_close =
                may_be_unread || matches!(failure, Failure::Proxy(ForwardError::TooManySessions));
            let mut response = failure.into_response(&method).map(Either::Right);
            if must_close {
                // hyper closes such a connection; this tells the client.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        })
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        client: Option<Client>,
        access: Option<Access>,
    ) -> Result<Response<ProxyBody>, Failure> {
        let owner = Owner::of(&request);
        if client.as_ref().is_some_and(|client| !client.admit(&owner, &self.sessions)) {
            return Err(ForwardError::TooManySessions.into());
        }
        let busy = client.as_ref().map(|client| client.activity.begin());
        let check: Option<AddressCheck> = request.extensions_mut().remove();
        let address = async |authority: &Authority, default_port| match &check {
            Some(check) => addresses::allowed(authority, default_port, check).await,
            None => Ok(authority.clone()),
        };
        match Target::of(&request)? {
            Target::Tunnel(authority) => {
                let upgrade = tunnel::client(&mut request)?;
                let evicted = CancellationToken::new();
                let place = self.stream_place(request.version(), owner, evicted)?;
                let identity = request.extensions_mut().remove();
                let origin = self.origins.connect(&address(&authority, 443).await?).await?;
                let gate = client.as_ref().map(|client| &client.gate);
                let first = tunnel::first_bytes(request.into_body(), gate).await?;
                let session = Session { busy, client, identity, place };
                self.tasks.spawn(tunnel::run(upgrade, first, origin, session));
                Ok(empty())
            }
            Target::Proxy => Ok(empty()),
            Target::Resource(uri) => {
                if is_last_hop(&mut request)? {
                    return match *request.method() {
                        Method::OPTIONS => Ok(empty()),
                        // TRACE: repeating the request would show fields meant for others.
                        _ => Err(ForwardError::MethodNotAllowed.into()),
                    };
                }
                let evicted = client.map_or_else(CancellationToken::new, |client| client.evicted);
                let place = self.stream_place(request.version(), owner, evicted)?;
                let authority = uri.authority().ok_or(NO_HOST)?;
                let authority = address(authority, 80).await?;
                let exchange = self.origins.send(request, uri, authority, access)?;
                let response = exchange.response(busy, place, &self.tasks).await?;
                Ok(response.map(Either::Left))
            }
        }
    }

    /// Takes a place for a tunnel or a request; losing it cancels `evicted`. On HTTP/1, the place
    /// of the connection is used.
    fn stream_place(
        &self,
        version: Version,
        owner: Owner,
        evicted: CancellationToken,
    ) -> Result<Option<Place<Owner>>, ForwardError> {
        if version != Version::HTTP_2 {
            return Ok(None);
        }
        let place = self.sessions.add(owner, evicted);
        place.map(Some).ok_or(ForwardError::TooManySessions)
    }
}

/// A 200 without content.
fn empty() -> Response<ProxyBody> {
    Response::new(Either::Right(Full::default()))
}

/// Decrements `Max-Forwards` for the two methods that it applies to; true if it was zero.
fn is_last_hop<B>(request: &mut Request<B>) -> Result<bool, ForwardError> {
    if !matches!(*request.method(), Method::OPTIONS | Method::TRACE) {
        return Ok(false);
    }
    let Some(value) = request.headers().get(MAX_FORWARDS) else { return Ok(false) };
    let hops = value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
    match hops.ok_or(ForwardError::BadRequest("Max-Forwards is not a number"))?.checked_sub(1) {
        None => Ok(true),
        Some(left) => {
            request.headers_mut().insert(MAX_FORWARDS, HeaderValue::from(left));
            Ok(false)
        }
    }
}
