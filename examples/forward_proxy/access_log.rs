//! One line in the log per request.

use std::net::SocketAddr;

use http::{Method, Request, Response, Uri};
use tokio::time::Instant;
use tower_proxy_auth::{Identity, Refusal};

/// How many characters of a method or a target are shown.
const MAX_SHOWN: usize = 200;

/// How many characters of a user's name are shown.
const MAX_USER_SHOWN: usize = 64;

/// A line that waits for the answer.
#[derive(Debug)]
pub(crate) struct Line {
    peer: SocketAddr,
    request: Option<(Method, String)>,
    start: Instant,
}

impl Line {
    pub(crate) fn start<B>(peer: SocketAddr, request: &Request<B>) -> Self {
        let shown = tracing::enabled!(tracing::Level::INFO);
        let request = shown.then(|| (request.method().clone(), target(request.uri())));
        Self { peer, request, start: Instant::now() }
    }

    pub(crate) fn write<B>(self, response: &Response<B>) {
        if let Some((method, target)) = self.request {
            let status = response.status().as_u16();
            let millis = self.start.elapsed().as_millis();
            let method = shown(method.as_str(), MAX_SHOWN);
            let extensions = response.extensions();
            let user = extensions.get::<Identity>().and_then(Identity::user).map(user);
            let refused = extensions.get::<Refusal>().map(|refused| refused.reason().as_str());
            tracing::info!(
                peer = %self.peer, user, %method, %target, status, refused, millis, "request"
            );
        }
    }
}

/// The target without user, password and query: these are nobody's business.
fn target(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit('@').next().unwrap_or_default();
    shown(&format!("{scheme}{place}{}", uri.path()), MAX_SHOWN)
}

fn user(name: &str) -> String {
    shown(name, MAX_USER_SHOWN)
}

/// At most `limit` characters, and no control characters.
fn shown(text: &str, limit: usize) -> String {
    text.chars().flat_map(char::escape_default).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_control_characters_are_not_logged() {
        for (uri, logged) in [
            ("http://me:secret@a.example/b?token=1", "http://a.example/b"),
            ("a.example:443", "a.example:443"),
            ("/b", "/b"),
        ] {
            assert_eq!(target(&Uri::from_static(uri)), logged);
        }
        assert_eq!(shown("a\u{1b}[0m\n", MAX_SHOWN), "a\\u{1b}[0m\\n");
        let long = format!("/{}", "x".repeat(10_000));
        assert_eq!(target(&long.parse().expect("a target")).len(), MAX_SHOWN);
    }

    #[test]
    fn regression_names_of_users_are_cut_at_64_characters() {
        assert_eq!(user("alice\n"), "alice\\n");
        assert_eq!(user(&"x".repeat(10_000)).len(), 64);
    }
}
