//! The trait that decides about access, and what it decides about.

use std::{fmt, future::Future, net::IpAddr, sync::Arc};

use http::{Method, Uri};

use crate::{error::BackendError, identity::Identity};

/// Decides whether a user may reach a target.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{BackendError, access::{Access, AccessPolicy, AccessRequest}};
///
/// /// Allows GET only.
/// struct ReadOnly;
///
/// impl AccessPolicy for ReadOnly {
///     async fn decide(&self, request: AccessRequest<'_>) -> Result<Access, BackendError> {
///         Ok(match request.method() == "GET" {
///             true => Access::Allowed,
///             false => Access::denied("only GET is allowed"),
///         })
///     }
/// }
/// ```
pub trait AccessPolicy: Send + Sync + 'static {
    /// Decides about a request.
    ///
    /// # Errors
    /// The policy could not decide. The request is refused with 503.
    fn decide(
        &self,
        request: AccessRequest<'_>,
    ) -> impl Future<Output = Result<Access, BackendError>> + Send;
}

impl<P: AccessPolicy> AccessPolicy for Arc<P> {
    fn decide(
        &self,
        request: AccessRequest<'_>,
    ) -> impl Future<Output = Result<Access, BackendError>> + Send {
        P::decide(self, request)
    }
}

/// The decision about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The request may be forwarded.
    Allowed,
    /// The request is refused with 403. The text is the cause, for the operator's log.
    Denied(Arc<str>),
    /// The decision depends on the address to which the name of the host resolves.
    AddressNeeded,
}

impl Access {
    /// Refuses the request for this cause.
    pub fn denied(cause: impl Into<Arc<str>>) -> Self {
        Self::Denied(cause.into())
    }
}

/// The request that a policy decides about. `Debug` shows neither path nor query of the target.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    identity: Option<&'a Identity>,
    method: &'a Method,
    target: &'a Uri,
    peer: Option<IpAddr>,
    address: Option<IpAddr>,
}

impl<'a> AccessRequest<'a> {
    /// A request without a user, from an unknown peer.
    #[must_use]
    pub const fn new(method: &'a Method, target: &'a Uri) -> Self {
        Self { identity: None, method, target, peer: None, address: None }
    }

    /// Sets the user.
    #[must_use]
    pub const fn with_identity(mut self, identity: Option<&'a Identity>) -> Self {
        self.identity = identity;
        self
    }

    /// Sets the address of the peer.
    #[must_use]
    pub const fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// Sets the address to which the proxy is about to connect.
    #[must_use]
    pub const fn with_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// The user; `None` without an authentication layer, or if the request bypassed it.
    #[must_use]
    pub const fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// The request target.
    #[must_use]
    pub const fn target(&self) -> &'a Uri {
        self.target
    }

    /// The address of the peer, if it is known.
    #[must_use]
    pub const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The address to which the proxy is about to connect; `None` before the name of the host was
    /// resolved.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Debug for AccessRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessRequest")
            .field("identity", &self.identity)
            .field("method", self.method)
            .field("host", &self.target.host())
            .field("peer", &self.peer)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
