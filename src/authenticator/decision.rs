//! The engine's decision about a request.

use std::{
    fmt,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue};

use super::{engine::Engine, erased::PendingResult, offer::Offer, refusal::Refusal};
use crate::{identity::Identity, revocation::CheckStart, wire::Realm};

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
    /// `Cache-Control: no-store`, and `Retry-After` on 503.
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
    pub(super) engine: Arc<Engine>,
    pub(super) result: PendingResult,
    pub(super) check: Check,
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
}

impl Future for PendingDecision {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Decision> {
        let result = ready!(self.result.as_mut().poll(cx));
        Poll::Ready(self.engine.decide(result, &self.check))
    }
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingDecision")
            .field("scheme", &self.check.scheme)
            .finish_non_exhaustive()
    }
}
