//! The layer and its service.

use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use super::{Access, AccessPolicy, AccessRequest, AddressCheck, address_check, erased::DynPolicy};
use crate::{
    authenticator::Refusal,
    error::BackendError,
    head::RequestHead,
    identity::Identity,
    middleware::{Pages, PeerAddress, Refuser, ResponseBody, socket_address},
};

/// Lets a policy decide about each request of a service.
///
/// Put it inside the [authentication layer](crate::ProxyAuthLayer), so that the policy knows the
/// user; without one, there is no user. A request that the policy denies is refused with 403, without
/// challenges and without calling the inner service. Its response has a
/// [`Refusal`] in its extensions, so that the authentication layer reports it.
///
/// # Examples
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_proxy_auth::{
///     Authenticator, BackendError, ProxyAuthLayer, Realm, Users,
///     access::{Access, AccessLayer, AccessPolicy, AccessRequest},
/// };
///
/// struct NoUploads;
///
/// impl AccessPolicy for NoUploads {
///     async fn decide(&self, request: AccessRequest<'_>) -> Result<Access, BackendError> {
///         Ok(match request.method().as_str() {
///             "PUT" | "POST" | "PATCH" => Access::denied("uploads are not allowed"),
///             _ => Access::Allowed,
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_basic(users).build()?;
/// let proxy = ServiceBuilder::new()
///     .layer(ProxyAuthLayer::new(auth))
///     .layer(AccessLayer::new(NoUploads))
///     .service_fn(|_: Request<Empty<Bytes>>| async {
///         Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("forwarded"))))
///     });
/// let request = Request::post("http://example.org/")
///     .header("proxy-authorization", "Basic YWxpY2U6d29uZGVy")
///     .body(Empty::new())?;
/// assert_eq!(proxy.oneshot(request).await?.status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AccessLayer {
    policy: Arc<dyn DynPolicy>,
    address_check: bool,
    peer_address: PeerAddress,
    refuser: Refuser,
}

impl AccessLayer {
    /// A layer with this policy.
    pub fn new(policy: impl AccessPolicy) -> Self {
        Self {
            policy: Arc::new(policy),
            address_check: false,
            peer_address: Arc::new(socket_address),
            refuser: Refuser::new(),
        }
    }

    /// Sets whether the inner service calls [`AddressCheck::check`] for each address that it
    /// connects to; `false` by default. Without it, a request is refused if the decision depends on
    /// the address of a name.
    ///
    /// # Security
    /// If it is set and the inner service does not check, a name that resolves to a denied address
    /// is allowed.
    #[must_use]
    pub const fn with_address_check(mut self, is_checked: bool) -> Self {
        self.address_check = is_checked;
        self
    }

    /// Sets how the peer address of a request is found, as
    /// [`ProxyAuthLayer::with_peer_address`](crate::ProxyAuthLayer::with_peer_address) does.
    #[must_use]
    pub fn with_peer_address(
        mut self,
        peer_address: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.peer_address = Arc::new(peer_address);
        self
    }

    /// Sets the bodies of refusals, as [`ProxyAuthLayer::with_pages`] does.
    ///
    /// [`ProxyAuthLayer::with_pages`]: crate::ProxyAuthLayer::with_pages
    #[must_use]
    pub fn with_pages(mut self, pages: Pages) -> Self {
        self.refuser = self.refuser.with_pages(pages);
        self
    }

    /// The request, for the policy.
    fn check<B>(&self, request: &Request<B>) -> AddressCheck {
        let head = RequestHead::of_request(request);
        let peer = (self.peer_address)(&head).map(|address| address.to_canonical());
        let outer = request.extensions().get::<AddressCheck>().cloned();
        let request = AccessRequest::new(request.method(), request.uri())
            .with_identity(request.extensions().get::<Identity>())
            .with_peer(peer);
        AddressCheck::new(&self.policy, request, outer)
    }

    /// Acts on a decision.
    fn admit(&self, decision: Result<Access, BackendError>) -> Result<(), Refusal> {
        match decision? {
            Access::Allowed => Ok(()),
            Access::AddressNeeded if self.address_check => Ok(()),
            Access::AddressNeeded => Err(address_check::refusal(
                "the decision depends on the address of the host, which is not known here",
            )),
            Access::Denied(cause) => Err(address_check::refusal(&cause)),
        }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessControl<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessControl { inner, layer: self.clone() }
    }
}

/// A service behind a policy; see [`AccessLayer`].
///
/// It gives back the permit that the inner service reserved in `poll_ready` while a decision is
/// pending.
#[derive(Clone)]
pub struct AccessControl<S> {
    inner: S,
    layer: AccessLayer,
}

impl<S, Q, B> Service<Request<Q>> for AccessControl<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    Q: Body + Send + 'static,
    B: Body,
    B::Data: From<Bytes>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let clone = self.inner.clone();
        let mut service = mem::replace(&mut self.inner, clone);
        let (layer, check) = (self.layer.clone(), self.layer.check(&request));
        let refusable = layer.refuser.note(&request);
        Box::pin(async move {
            let mut deciding = check.decide(None);
            let mut is_ready = true;
            let decision = poll_fn(|cx| {
                let decision = deciding.as_mut().poll(cx);
                if decision.is_pending() && is_ready {
                    service = service.clone();
                    is_ready = false;
                }
                decision
            })
            .await;
            drop(deciding);
            if let Err(refusal) = layer.admit(decision) {
                return Ok(refusable.refuse(refusal).map(ResponseBody::own));
            }
            if layer.address_check {
                request.extensions_mut().insert(check);
            }
            if !is_ready {
                poll_fn(|cx| service.poll_ready(cx)).await?;
            }
            Ok(refusable.finish(service.call(request).await?))
        })
    }
}

impl fmt::Debug for AccessLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLayer")
            .field("address_check", &self.address_check)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for AccessControl<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessControl").field("inner", &self.inner).finish_non_exhaustive()
    }
}
