//! What the engine decides.

use std::{
    fmt,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::HeaderValue;

use super::{
    Rejection,
    engine::{Engine, Source},
    erased::PendingProof,
};
use crate::{clock::Moment, identity::Identity, wire::Realm};

/// Whether a request may go on. There is no third way, so matches need no wildcard.
#[derive(Debug)]
pub enum Decision {
    /// The request may go on.
    Forward(Grant),
    /// The request must be answered as the rejection says.
    Reject(Rejection),
}

/// What goes with a request that is forwarded.
#[derive(Debug)]
pub struct Grant {
    pub(super) identity: Option<Identity>,
    pub(super) info: Option<HeaderValue>,
}

impl Grant {
    /// Who it comes from; `None` for a request that bypassed authentication.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The value of `Proxy-Authentication-Info` for the response.
    #[must_use]
    pub const fn info(&self) -> Option<&HeaderValue> {
        self.info.as_ref()
    }

    /// Identity and info, owned.
    #[must_use]
    pub fn into_parts(self) -> (Option<Identity>, Option<HeaderValue>) {
        (self.identity, self.info)
    }
}

/// A decision, or the wait for one.
#[derive(Debug)]
pub enum Authentication {
    /// The decision.
    Ready(Decision),
    /// The wait for a back end that decides.
    Pending(PendingDecision),
}

/// The wait for a back end. Dropping it forwards nothing.
pub struct PendingDecision {
    pub(super) engine: Arc<Engine>,
    pub(super) proof: PendingProof,
    pub(super) scheme: &'static str,
    pub(super) realm: Realm,
    pub(super) peer: Option<IpAddr>,
}

impl Future for PendingDecision {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Decision> {
        let proof = ready!(self.proof.as_mut().poll(cx));
        let Self { engine, scheme, realm, peer, .. } = &*self;
        let source = Source { scheme, realm, peer: *peer };
        Poll::Ready(engine.conclude(proof, source, &Moment::of(&*engine.clock)))
    }
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingDecision").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}
