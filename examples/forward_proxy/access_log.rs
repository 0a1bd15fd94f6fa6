//! Logs one line per request.

use std::{fmt, net::SocketAddr, time::Instant};

use http::{Method, Request, Response, Uri};
use tower_proxy_auth::{Identity, Refusal};
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
            user = user.map(|name| field::display(Escaped(name.as_str(), MAX_USER_SHOWN))),
            method = %Escaped(self.method.as_str(), MAX_SHOWN),
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
            write!(f, "{}://", Escaped(scheme, MAX_SHOWN))?;
        }
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        Escaped(host_and_port, MAX_SHOWN).fmt(f)?;
        Escaped(self.0.path(), MAX_SHOWN).fmt(f)
    }
}

/// Displays the first characters of a client's text in printable ASCII, with everything else and
/// blanks escaped.
struct Escaped<'a>(&'a str, usize);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, limit) = *self;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() <= limit && text.bytes().all(is_plain) {
            return f.write_str(text);
        }
        let mut rest = text.chars();
        for char in rest.by_ref().take(limit) {
            match char {
                ' ' => write!(f, "{}", char.escape_unicode())?,
                _ => write!(f, "{}", char.escape_default())?,
            }
        }
        if rest.next().is_some() { f.write_str("...") } else { Ok(()) }
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

    #[test]
    fn escapes_text_that_could_forge_a_log_line() {
        for (text, shown) in [
            ("alice", "alice"),
            ("J\u{fc}rgen", r"J\u{fc}rgen"),
            ("a b\tc\u{a0}d", r"a\u{20}b\tc\u{a0}d"),
            ("a\u{1b}[0m\r\n\0\u{7f}\u{85}", r"a\u{1b}[0m\r\n\u{0}\u{7f}\u{85}"),
            ("a\u{2028}b\u{202e}c\u{200b}\u{feff}", r"a\u{2028}b\u{202e}c\u{200b}\u{feff}"),
            (r"a\n", r"a\\n"),
            ("\u{301}", r"\u{301}"),
        ] {
            assert_eq!(Escaped(text, MAX_USER_SHOWN).to_string(), shown);
        }
    }

    #[test]
    fn cuts_long_texts() {
        let shown = Escaped(&"x".repeat(10_000), MAX_USER_SHOWN).to_string();
        assert_eq!(shown, format!("{}...", "x".repeat(64)));
        assert_eq!(Escaped(&"x".repeat(64), 64).to_string(), "x".repeat(64));
        assert_eq!(Escaped(&"\u{2028}".repeat(100), 64).to_string().matches("2028").count(), 64);
    }
}
