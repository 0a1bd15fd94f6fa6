//! Logs one line per request.

use std::{fmt, net::SocketAddr, time::Instant};

use http::{Method, Request, Response, Uri};
use tower_proxy_auth::{Identity, Refusal, event::Escaped};
use tracing::{Level, field};

use crate::error::ForwardError;

/// The maximum number of logged characters of a method or a target.
const MAX_SHOWN: usize = 200;

/// The maximum number of logged characters of a user name.
const MAX_USER_SHOWN: usize = 64;

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
        Self { peer, method, target, start: Instant::now() }
    }

    pub(crate) fn finish<B>(self, response: &Response<B>) {
        let extensions = response.extensions();
        let user = extensions.get::<Identity>().and_then(Identity::user);
        tracing::info!(
            peer = %self.peer,
            user = user.map(|name| field::display(Escaped::new(name.as_str(), MAX_USER_SHOWN))),
            method = %Escaped::new(self.method.as_str(), MAX_SHOWN),
            target = %Target(&self.target),
            status = response.status().as_u16(),
            refused = extensions.get::<Refusal>().map(|refusal| refusal.reason().as_str()),
            cause = extensions.get::<ForwardError>().map(field::display),
            millis = u64::try_from(self.start.elapsed().as_millis()).ok(),
            "request"
        );
    }
}

/// Displays a target without user information and query, which may contain secrets.
struct Target<'a>(&'a Uri);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.0.scheme_str() {
            write!(f, "{}://", Escaped::new(scheme, MAX_SHOWN))?;
        }
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        Escaped::new(host_and_port, MAX_SHOWN).fmt(f)?;
        Escaped::new(self.0.path(), MAX_SHOWN).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lose_user_information_and_query() {
        for (uri, logged) in [
            ("http://me:secret@a.example/b?token=1", "http://a.example/b"),
            ("a.example:443", "a.example:443"),
            ("/b", "/b"),
        ] {
            assert_eq!(Target(&Uri::from_static(uri)).to_string(), logged);
        }
    }
}
