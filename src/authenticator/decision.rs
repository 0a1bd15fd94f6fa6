//! The engine's decision about a request.

use std::{
    fmt,
    future::Future,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue};

use super::{offer::Offer, refusal::Refusal};
use crate::{clock::Timestamp, identity::Identity, revocation::CheckStart, wire::Realm};

/// Whether a request may be forwarded.
#[derive(Debug)]
pub enum Decision {
    /// Forward the request without an identity: it bypasses authentication.
    Bypass,
    /// Forward the request.
    Forward {
        /// The user, or the anonymous identity.
        identity: Identity,
        /// The value of `Proxy-Authentication-Info` for the response.
        info: Option<HeaderValue>,
    },
    /// Answer the request with [`Refusal::status`] and these header fields: the challenges on 407,
    /// `Cache-Control: no-store`, and `Retry-After` on 429 and 503.
    Refuse(Refusal, HeaderMap),
}

/// A decision, or the future of one.
#[derive(Debug)]
pub enum Authentication {
    /// The head of the request was enough to decide.
    Ready(Decision),
    /// The credentials must be verified.
    Pending(PendingDecision),
}

/// Verifies the credentials of a request. Dropping it forwards nothing.
#[must_use = "a future does nothing unless it is polled"]
pub struct PendingDecision {
    pub(super) scheme: &'static str,
    pub(super) decision: Pin<Box<dyn Future<Output = Decision> + Send>>,
}

/// The context of a check.
pub(super) struct Check {
    pub(super) scheme: &'static str,
    pub(super) realm: Realm,
    pub(super) peer: Option<IpAddr>,
    /// The credentials, by which a repeated request is recognized.
    pub(super) field: HeaderValue,
    pub(super) offer: Offer,
    pub(super) start: CheckStart,
    pub(super) now: Timestamp,
    /// Whether the request counts as a tunnel of its user.
    pub(super) is_tunnel: bool,
}

impl PendingDecision {
    /// The scheme that verifies the credentials.
    pub(crate) const fn scheme(&self) -> &'static str {
        self.scheme
    }
}

impl Future for PendingDecision {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Decision> {
        self.decision.as_mut().poll(cx)
    }
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingDecision").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}
