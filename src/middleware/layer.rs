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
    page::{Page, PageRequest},
};
use crate::{authenticator::Authenticator, error::ConfigError, head::RequestHead};

/// Puts proxy authentication round a service.
///
/// A request that may pass reaches the inner service without `Proxy-Authorization` and with an
/// [`Identity`](crate::identity::Identity) in its extensions. Any other is answered here, and the
/// inner service never hears of it; the response has a
/// [`Refusal`](crate::authenticator::Refusal) in its extensions.
///
/// The layer answers for what goes to the client: `Proxy-Authenticate` and
/// `Proxy-Authentication-Info` of whoever is upstream are removed, and a 407 from there becomes a
/// 502, since the client's credentials are none of upstream's business.
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

/// The options of the layer, shared by all its services.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) peer_address: PeerAddress,
    pub(super) request_target: Option<RequestTarget>,
    pub(super) identity_header: Option<IdentityHeader>,
    pub(super) relay_credentials: bool,
    pub(super) allow_chaining: bool,
    pub(super) identity_in_response: bool,
    pub(super) page: Option<PageOf>,
}

type PeerAddress = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;
type RequestTarget = Arc<dyn Fn(&RequestHead<'_>) -> Option<Uri> + Send + Sync>;
pub(super) type PageOf = Arc<dyn Fn(&PageRequest) -> Option<Page> + Send + Sync>;

impl ProxyAuthLayer {
    /// A layer that asks `auth` about each request.
    #[must_use]
    pub fn new(auth: Authenticator) -> Self {
        let options = Options {
            peer_address: Arc::new(socket_address),
            request_target: None,
            identity_header: None,
            relay_credentials: false,
            allow_chaining: false,
            identity_in_response: false,
            page: None,
        };
        Self { auth, options: Arc::new(options) }
    }

    /// Says where the peer address comes from. By default it is a [`SocketAddr`] in the request's
    /// extensions, put there by whoever accepted the connection.
    ///
    /// # Security
    /// Without an address, limits count for each user wherever they are. A header field such as
    /// `X-Forwarded-For` is the client's to choose unless a trusted peer has set it.
    #[must_use]
    pub fn with_peer_address(
        self,
        peer_address: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.peer_address = Arc::new(peer_address))
    }

    /// Says what the request target was before a router changed it; `None` stands for the one that
    /// the request has. Digest compares it with `uri`.
    #[must_use]
    pub fn with_request_target(
        self,
        request_target: impl Fn(&RequestHead<'_>) -> Option<Uri> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.request_target = Some(Arc::new(request_target)))
    }

    /// Tells the inner service the user-id in this field too, percent-encoded where it is not
    /// printable ASCII. What the client sent under that name is removed from the header of every
    /// request.
    ///
    /// # Security
    /// Trailers are the inner service's to relay or drop. An upstream that takes `X_User` for
    /// `X-User`, as CGI does, must be kept from it by a name without hyphens.
    ///
    /// # Errors
    /// [`ConfigError::ReservedIdentityHeader`] for a field that means something already.
    pub fn with_identity_header(self, name: HeaderName) -> Result<Self, ConfigError> {
        let header = IdentityHeader::new(name)?;
        Ok(self.with(|options| options.identity_header = Some(header)))
    }

    /// Leaves `Proxy-Authorization` in requests that it let pass, for a proxy upstream that shares
    /// the users by agreement, [RFC 9110, section 11.7.2].
    ///
    /// # Security
    /// Whoever is upstream learns a Basic password. A request that was forwarded without having
    /// been asked for credentials has none.
    ///
    /// [RFC 9110, section 11.7.2]: https://www.rfc-editor.org/rfc/rfc9110#section-11.7.2
    #[must_use]
    pub fn relay_credentials(self, relay: bool) -> Self {
        self.with(|options| options.relay_credentials = relay)
    }

    /// Passes a 407 from upstream on to the client with its challenges, in place of a 502.
    #[must_use]
    pub fn allow_chaining(self, allow: bool) -> Self {
        self.with(|options| options.allow_chaining = allow)
    }

    /// Puts the [`Identity`](crate::identity::Identity) into the extensions of each response too,
    /// where layers further out can log it.
    #[must_use]
    pub fn with_identity_in_response(self, insert: bool) -> Self {
        self.with(|options| options.identity_in_response = insert)
    }

    /// Makes the bodies of refusals; `None` stands for the built-in page. Status, challenges,
    /// length and `Cache-Control` stay as they are.
    #[must_use]
    pub fn with_page(
        self,
        page: impl Fn(&PageRequest) -> Option<Page> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.page = Some(Arc::new(page)))
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }
}

fn socket_address(head: &RequestHead<'_>) -> Option<IpAddr> {
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
