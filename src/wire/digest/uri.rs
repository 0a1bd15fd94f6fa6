//! The comparison of `uri` with the request target, [RFC 7616, section 3.4.6].
//!
//! The response is computed over `uri` as sent. Whether `uri` names the requested resource is a
//! separate check, which neither compares prefixes nor decodes anything.
//!
//! [RFC 7616, section 3.4.6]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.6

use http::Uri;

use crate::head::RequestHead;

/// The rule for comparing `uri` with the request target.
///
/// The default is strict. For a tunnel, `uri` is host and port, with or without the brackets of an
/// IPv6 address. Otherwise it is path and query, or the whole absolute URI. Scheme and host compare
/// case-insensitively, and an empty path equals `/`.
///
/// # Security
/// Most clients send only path and query, which do not bind the host: an attacker who intercepts a
/// request can use its credentials, once, for the same path of another host.
#[derive(Clone, Debug)]
pub struct UriCheck {
    /// The addresses of this proxy; `None` for the strict check.
    lenient: Option<Vec<String>>,
}

impl UriCheck {
    /// Accepts only a `uri` that names the resource.
    #[must_use]
    pub const fn strict() -> Self {
        Self { lenient: None }
    }

    /// Also accepts the path of a later request for a tunnel, which libsoup sends, and the
    /// addresses of this proxy, each as `host:port`, which w3m sends.
    ///
    /// # Security
    /// An attacker who intercepts a request can use its credentials, once, for another resource.
    #[must_use]
    pub fn lenient(proxy_addresses: impl IntoIterator<Item = String>) -> Self {
        Self { lenient: Some(proxy_addresses.into_iter().collect()) }
    }

    /// Returns whether `uri`, as sent, names the resource of the request.
    pub(crate) fn accepts(&self, uri: &[u8], head: &RequestHead<'_>) -> bool {
        let Ok(uri) = str::from_utf8(uri) else { return false };
        let is_tolerated = |own: &Vec<String>| is_path_or_proxy(uri, head, own);
        names_target(uri, head) || self.lenient.as_ref().is_some_and(is_tolerated)
    }
}

/// Returns whether `uri` is a path for a tunnel, or one of the proxy's own addresses.
fn is_path_or_proxy(uri: &str, head: &RequestHead<'_>, proxy_addresses: &[String]) -> bool {
    if head.is_tunnel() && uri.starts_with('/') {
        return true;
    }
    let address = uri.strip_prefix("http://").unwrap_or(uri);
    let address = address.strip_suffix('/').unwrap_or(address);
    proxy_addresses.iter().any(|own| own.eq_ignore_ascii_case(address))
}

fn names_target(uri: &str, head: &RequestHead<'_>) -> bool {
    let target = head.target();
    if head.is_tunnel() {
        return target.authority().is_some_and(|authority| same_host(uri, authority.as_str()));
    }
    let path_and_query = target.path_and_query().map_or("/", |path| path.as_str());
    match uri.split_once("://") {
        Some((scheme, rest)) if !uri.starts_with(['/', '?']) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            same_origin(scheme, authority, target) && same_path(path, path_and_query)
        }
        // An empty `uri` does not name a resource, though an empty path equals `/`.
        _ => !uri.is_empty() && same_path(uri, path_and_query),
    }
}

fn same_origin(scheme: &str, authority: &str, target: &Uri) -> bool {
    let same_scheme = target.scheme_str().is_some_and(|own| own.eq_ignore_ascii_case(scheme));
    let same_authority =
        target.authority().is_some_and(|own| own.as_str().eq_ignore_ascii_case(authority));
    same_scheme && same_authority
}

/// Compares path and query byte for byte; an empty path equals `/`.
fn same_path(left: &str, right: &str) -> bool {
    fn rest(path: &str) -> &str {
        path.strip_prefix('/').unwrap_or(path)
    }
    let rooted = |path: &str| path.is_empty() || path.starts_with(['/', '?']);
    if rooted(left) && rooted(right) { rest(left) == rest(right) } else { left == right }
}

/// Compares `host:port` without regard to case and to the brackets of an IPv6 address.
fn same_host(left: &str, right: &str) -> bool {
    fn split(authority: &str) -> (&str, Option<&str>) {
        match authority.rsplit_once(':') {
            Some((host, port)) => {
                let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                (inner.unwrap_or(host), Some(port))
            }
            None => (authority, None),
        }
    }
    let ((left_host, left_port), (right_host, right_port)) = (split(left), split(right));
    left_host.eq_ignore_ascii_case(right_host) && left_port == right_port
}

#[cfg(test)]
mod tests {
    use http::{Extensions, HeaderMap, Method};

    use super::*;

    #[track_caller]
    fn accepts(check: &UriCheck, method: &Method, target: &str, uri: &str) -> bool {
        let target: Uri = target.parse().unwrap();
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        check.accepts(uri.as_bytes(), &RequestHead::new(method, &target, &headers, &extensions))
    }

    #[test]
    fn accepts_only_a_uri_of_the_resource() {
        let table = [
            ("path and query", "http://example.org/a?b=c", "/a?b=c", true),
            ("absolute", "http://example.org/a?b=c", "http://example.org/a?b=c", true),
            ("absolute, other case", "http://example.org/a", "HTTP://Example.ORG/a", true),
            ("origin-form", "/a?b", "/a?b", true),
            ("empty path", "http://example.org", "/", true),
            ("empty path, absolute", "http://example.org", "http://example.org", true),
            ("empty path against root", "http://example.org/", "http://example.org", true),
            ("root against empty path", "http://example.org", "http://example.org/", true),
            ("only a query", "http://example.org?x", "/?x", true),
            ("only a query, absolute", "http://example.org?x", "http://example.org?x", true),
            ("only a query, as sent", "http://example.org?x", "?x", true),
            ("asterisk", "*", "*", true),
            ("query that contains an address", "/?u=http://x/", "/?u=http://x/", true),
            ("slash and address", "/http://x/", "/http://x/", true),
            ("question mark and address", "http://example.org?u=a://b", "?u=a://b", true),
            ("empty", "http://example.org/", "", false),
            ("other path", "http://example.org/b", "/a", false),
            ("root for anything deeper", "http://example.org/a", "/", false),
            ("prefix", "http://example.org/ab", "/a", false),
            ("longer", "http://example.org/a", "/a/", false),
            ("no slash", "http://example.org/a", "a", false),
            ("query dropped", "http://example.org/a?b", "/a", false),
            ("query changed", "http://example.org/a?b", "/a?c", false),
            ("query added", "http://example.org/a", "/a?b", false),
            ("percent-decoded", "http://example.org/%61", "/a", false),
            ("percent-encoded", "http://example.org/a", "/%61", false),
            ("case of the path", "http://example.org/a", "/A", false),
            ("two slashes", "http://example.org//", "/", false),
            ("other host", "http://example.org/a", "http://example.com/a", false),
            ("other scheme", "http://example.org/a", "https://example.org/a", false),
            ("other port", "http://example.org/a", "http://example.org:80/a", false),
            ("absolute, other path", "http://example.org/a", "http://example.org/b", false),
            ("absolute for origin-form", "/a", "http://example.org/a", false),
            ("authority", "http://example.org/", "example.org:80", false),
            ("asterisk for a path", "http://example.org/", "*", false),
            ("path for an asterisk", "*", "/", false),
            ("path for a path with an asterisk", "/*", "*", false),
        ];
        for (name, target, uri, expected) in table {
            assert_eq!(accepts(&UriCheck::strict(), &Method::GET, target, uri), expected, "{name}");
        }
    }

    #[test]
    fn names_a_tunnel_by_host_and_port() {
        let table = [
            ("example.org:443", "example.org:443", true),
            ("example.org:443", "EXAMPLE.org:443", true),
            ("[2001:db8::1]:443", "[2001:db8::1]:443", true),
            ("[2001:db8::1]:443", "2001:db8::1:443", true),
            ("example.org:443", "example.org:44", false),
            ("example.org:443", "example.org", false),
            ("example.org:443", "example.com:443", false),
            ("example.org:443", "/", false),
            ("example.org:443", "", false),
            ("example.org:443", "https://example.org:443", false),
            ("[2001:db8::1]:443", "[2001:db8::2]:443", false),
        ];
        for (target, uri, expected) in table {
            assert_eq!(
                accepts(&UriCheck::strict(), &Method::CONNECT, target, uri),
                expected,
                "{target} {uri}"
            );
        }
    }

    #[test]
    fn names_an_extended_connect_by_its_path() {
        let target = "https://example.org/chat?room=1";
        for (uri, expected) in
            [("/chat?room=1", true), (target, true), ("example.org:443", false), ("/", false)]
        {
            assert_eq!(accepts(&UriCheck::strict(), &Method::CONNECT, target, uri), expected);
        }
    }

    #[test]
    fn lenient_accepts_the_uris_of_libsoup_and_w3m() {
        let lenient = UriCheck::lenient(["127.0.0.1:3128".to_owned()]);
        let (tunnel, plain) = ("example.org:443", "http://example.org/a");
        let table = [
            (Method::CONNECT, tunnel, "/later", true),
            (Method::CONNECT, tunnel, "127.0.0.1:3128", true),
            (Method::GET, plain, "127.0.0.1:3128", true),
            (Method::GET, plain, "http://127.0.0.1:3128/", true),
            (Method::GET, plain, "/", false),
            (Method::GET, plain, "/later", false),
            (Method::GET, plain, "http://127.0.0.1:3128/a", false),
            (Method::GET, plain, "127.0.0.1:3129", false),
        ];
        for (method, target, uri, expected) in table {
            assert_eq!(accepts(&lenient, &method, target, uri), expected, "{method} {uri}");
            assert!(!accepts(&UriCheck::strict(), &method, target, uri), "{method} {uri}");
        }
        assert!(accepts(&lenient, &Method::GET, plain, "/a"));
        assert!(!accepts(&UriCheck::lenient([]), &Method::GET, plain, "127.0.0.1:3128"));
    }

    #[test]
    fn refuses_a_uri_that_is_not_utf_8() {
        let target = "http://example.org/".parse().unwrap();
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
        assert!(!UriCheck::lenient([]).accepts(b"/\xe9", &head));
    }
}
