//! The layer and its options.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderName, Uri};
use tower::Layer;

use super::{
    ProxyAuth,
    identity_header::IdentityHeader,
    page::{Page, PageRequest, Pages},
    proxy_status::ProxyStatus,
};
use crate::{
    authenticator::Authenticator,
    error::ConfigError,
    event::{Observer, Observers, ReferenceIds},
    head::RequestHead,
};

/// Adds proxy authentication to a service.
///
/// An authenticated request reaches the inner service without `Proxy-Authorization` and with an
/// [`Identity`](crate::Identity) in its extensions. Any other request is refused without calling
/// the inner service, and the response has a [`Refusal`](crate::Refusal) in its extensions.
///
/// The layer removes `Proxy-Authenticate` and `Proxy-Authentication-Info` of upstream proxies from
/// responses, and turns their 407 into a 502: the client's credentials are for this proxy.
///
/// Some clients, such as OpenVPN 2.6, recognize `Proxy-Authenticate` only in this capitalization.
/// For them, the HTTP/1 server must write field names in title case: set `title_case_headers(true)`
/// of hyper's `http1::Builder`.
///
/// # Examples
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let realm = Realm::new("corp proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
///
/// let proxy = ServiceBuilder::new().layer(ProxyAuthLayer::new(auth)).service_fn(
///     |_request: Request<Empty<Bytes>>| async {
///         Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("forwarded"))))
///     },
/// );
/// let request = Request::get("http://example.org/").body(Empty::new())?;
/// assert_eq!(proxy.oneshot(request).await?.status(), 407);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProxyAuthLayer {
    auth: Authenticator,
    options: Arc<Options>,
}

/// The options of the layer, shared by all of its services.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) peer_address: PeerAddress,
    pub(super) request_target: Option<RequestTarget>,
    pub(super) identity_header: Option<IdentityHeader>,
    pub(super) relay_credentials: bool,
    pub(super) allow_chaining: bool,
    pub(super) identity_in_response: bool,
    pub(super) pages: Pages,
    pub(super) custom_page: Option<PageOf>,
    pub(super) proxy_status: Option<ProxyStatus>,
    pub(super) observers: Observers,
    pub(super) references: Arc<ReferenceIds>,
}

pub(crate) type PeerAddress = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;
type RequestTarget = Arc<dyn Fn(&RequestHead<'_>) -> Option<Uri> + Send + Sync>;
type PageOf = Arc<dyn Fn(&PageRequest<'_>) -> Option<Page> + Send + Sync>;

impl Options {
    pub(super) fn new() -> Self {
        Self {
            peer_address: Arc::new(socket_address),
            request_target: None,
            identity_header: None,
            relay_credentials: false,
            allow_chaining: false,
            identity_in_response: false,
            pages: Pages::default(),
            custom_page: None,
            proxy_status: None,
            observers: Observers::default(),
            references: Arc::default(),
        }
    }

    /// Returns the page for a refusal: the custom one if there is one.
    pub(super) fn page(&self, request: &PageRequest<'_>) -> Page {
        let custom = self.custom_page.as_ref().and_then(|page| page(request));
        custom.unwrap_or_else(|| self.pages.page(request))
    }
}

impl ProxyAuthLayer {
    /// A layer that authenticates each request with `auth`.
    #[must_use]
    pub fn new(auth: Authenticator) -> Self {
        Self { auth, options: Arc::new(Options::new()) }
    }

    /// Sets how the peer address of a request is found. By default it is the [`SocketAddr`] that
    /// the server puts into the request's extensions. An IPv4 address that is mapped to IPv6, as on
    /// a dual-stack listener, counts as IPv4.
    ///
    /// # Examples
    /// axum stores the address in its own type if the server uses
    /// `into_make_service_with_connect_info`:
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use axum::extract::ConnectInfo;
    /// # use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users};
    ///
    /// # let realm = Realm::new("proxy")?;
    /// # let users = Users::new(&realm);
    /// # let auth = Authenticator::builder(realm).with_basic(users).build()?;
    /// let layer = ProxyAuthLayer::new(auth).with_peer_address(|head| {
    ///     head.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
    /// });
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    /// Without an address, limits count all peers of a user together. Clients can forge a header
    /// field such as `X-Forwarded-For`, so use it only if a trusted peer sets it.
    #[must_use]
    pub fn with_peer_address(
        self,
        peer_address: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.peer_address = Arc::new(peer_address))
    }

    /// Sets how the original request target is found if a router has changed it; `None` means the
    /// target of the request. Digest compares it with `uri`.
    #[must_use]
    pub fn with_request_target(
        self,
        request_target: impl Fn(&RequestHead<'_>) -> Option<Uri> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.request_target = Some(Arc::new(request_target)))
    }

    /// Adds a header field with the user-id to forwarded requests. `%` and everything except
    /// printable ASCII are percent-encoded. Fields of that name that the client sent are removed
    /// from every request.
    ///
    /// # Security
    /// The inner service must not relay trailers of that name. Use a name without hyphens for an
    /// upstream that treats `X_User` like `X-User`, as CGI does.
    ///
    /// # Errors
    /// [`ConfigError::ReservedIdentityHeader`] for a field that has a meaning in HTTP.
    pub fn with_identity_header(self, name: HeaderName) -> Result<Self, ConfigError> {
        let header = IdentityHeader::new(name)?;
        Ok(self.with(|options| options.identity_header = Some(header)))
    }

    /// Relays `Proxy-Authorization` of authenticated requests to an upstream proxy that cooperates,
    /// [RFC 9110, section 11.7.2].
    ///
    /// # Security
    /// The upstream proxy learns Basic passwords. Anonymous requests and requests that bypass
    /// authentication have no credentials.
    ///
    /// [RFC 9110, section 11.7.2]: https://www.rfc-editor.org/rfc/rfc9110#section-11.7.2
    #[must_use]
    pub fn relay_credentials(self, relay: bool) -> Self {
        self.with(|options| options.relay_credentials = relay)
    }

    /// Passes a 407 of an upstream proxy on to the client, instead of a 502.
    #[must_use]
    pub fn allow_chaining(self, allow: bool) -> Self {
        self.with(|options| options.allow_chaining = allow)
    }

    /// Adds the [`Identity`](crate::Identity) to the extensions of responses to forwarded requests,
    /// so that outer layers can log it.
    #[must_use]
    pub fn with_identity_in_response(self, insert: bool) -> Self {
        self.with(|options| options.identity_in_response = insert)
    }

    /// Sets the bodies of refusals; by default, they are the built-in ones without a contact.
    ///
    /// A service further in refuses a request by answering with a [`Refusal`](crate::Refusal) in the
    /// extensions of its response. Unless its status is 407, or a layer of this crate has made that
    /// response, this layer then makes the response, with the page.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users, middleware::Pages};
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// let auth = Authenticator::builder(realm).with_basic(users).build()?;
    /// let pages = Pages::builder().with_contact("help desk, phone 4711").build()?;
    /// let layer = ProxyAuthLayer::new(auth).with_pages(pages);
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_pages(self, pages: Pages) -> Self {
        self.with(|options| options.pages = pages)
    }

    /// Sets the bodies of some refusals; `None` means the page of [`with_pages`](Self::with_pages).
    /// Status, challenges, length and `Cache-Control` cannot be changed.
    #[must_use]
    pub fn with_page(
        self,
        page: impl Fn(&PageRequest<'_>) -> Option<Page> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.custom_page = Some(Arc::new(page)))
    }

    /// Adds `Proxy-Status` ([RFC 9209]) to refusals, which tells programs and other proxies that
    /// this proxy made the response, and not the origin. `name` identifies the proxy: 1 to 255
    /// characters of printable ASCII without quote and backslash, usually its host name.
    ///
    /// # Errors
    /// [`ConfigError::InvalidProxyName`] for another name.
    ///
    /// [RFC 9209]: https://www.rfc-editor.org/rfc/rfc9209
    pub fn with_proxy_status(self, name: &str) -> Result<Self, ConfigError> {
        let status = ProxyStatus::new(name)?;
        Ok(self.with(|options| options.proxy_status = Some(status)))
    }

    /// Adds an observer, which receives one [`AuthEvent`](crate::event::AuthEvent) for each request
    /// when the head of its response is there. Several observers receive it in the order in which
    /// they were added.
    ///
    /// A service further in can refuse a request by itself: the event has the reason of the
    /// [`Refusal`](crate::Refusal) in the extensions of its response. If that service is such a
    /// layer, too, each of the two sends its own events to its own observers.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users, event::AuthEvent};
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// let auth = Authenticator::builder(realm).with_basic(users).build()?;
    /// let layer = ProxyAuthLayer::new(auth).with_observer(|event: &AuthEvent| {
    ///     println!("{} {} {:?}", event.id(), event.name(), event.peer());
    /// });
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_observer(self, observer: impl Observer) -> Self {
        self.with(|options| options.observers.add(observer))
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }
}

pub(crate) fn socket_address(head: &RequestHead<'_>) -> Option<IpAddr> {
    head.extensions().get::<SocketAddr>().map(SocketAddr::ip)
}

impl<S> Layer<S> for ProxyAuthLayer {
    type Service = ProxyAuth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProxyAuth::new(inner, self.auth.clone(), Arc::clone(&self.options))
    }
}

impl fmt::Debug for ProxyAuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAuthLayer").field("auth", &self.auth).finish_non_exhaustive()
    }
}
