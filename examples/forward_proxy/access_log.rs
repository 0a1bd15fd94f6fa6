//! Logs one line per request.

use std::{net::SocketAddr, time::Instant};

use http::{Method, Request, Response, Uri};
use tower_proxy_auth::{
    Identity, Reason, Refusal,
    event::{Escaped, EscapedTarget},
};
use tracing::{Level, field};

use crate::error::ForwardError;

/// The maximum number of logged characters of a method.
const MAX_METHOD_SHOWN: usize = 200;

/// The maximum number of logged characters of a user name.
pub(crate) const MAX_USER_SHOWN: usize = 64;

/// Whether requests are logged.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(Level::INFO)
}

/// A request that has no response yet.
#[derive(Debug)]
pub(crate) struct Entry {
    peer: SocketAddr,
    method: Method,
    target: Uri,
    start: Instant,
}

impl Entry {
    pub(crate) fn start<B>(peer: SocketAddr, request: &Request<B>) -> Self {
        let (method, target) = (request.method().clone(), request.uri().clone());
        // As in events: an IPv4 address may be mapped to IPv6.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self { peer, method, target, start: Instant::now() }
    }

    pub(crate) fn finish<B>(self, response: &Response<B>) {
        let extensions = response.extensions();
        let refusal = extensions.get::<Refusal>();
        let user = match refusal.and_then(Refusal::account) {
            Some(account) => Some(account.user()),
            None => extensions.get::<Identity>().and_then(Identity::user),
        };
        let denied = refusal.filter(|refusal| refusal.reason() == Reason::Forbidden);
        let cause = match extensions.get::<ForwardError>() {
            Some(error) => Some(error.to_string()),
            None => denied.and_then(Refusal::causes).map(|causes| causes.to_string()),
        };
        let claimed = refusal.and_then(Refusal::claimed_user).filter(|_| user.is_none());
        tracing::info!(
            peer = %self.peer,
            user = user.map(|name| field::display(Escaped::new(name.as_str(), MAX_USER_SHOWN))),
            claimed = claimed.map(field::display),
            method = %Escaped::new(self.method.as_str(), MAX_METHOD_SHOWN),
            target = %EscapedTarget::new(&self.target),
            status = response.status().as_u16(),
            reason = refusal.map(|refusal| refusal.reason().as_str()),
            id = refusal.and_then(Refusal::reference_id).map(field::display),
            cause = cause.map(field::display),
            millis = u64::try_from(self.start.elapsed().as_millis()).ok(),
            "request"
        );
    }
}
