//! The head of a request.

use std::{fmt, net::IpAddr};

use http::{Extensions, HeaderMap, Method, Request, Uri};

/// The head of a request, borrowed.
///
/// Closures that choose a realm or let a request bypass authentication receive it. `Debug` shows
/// neither header fields nor path, which may contain credentials.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a Method,
    target: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    peer: Option<IpAddr>,
}

impl<'a> RequestHead<'a> {
    /// A head from its parts, with an unknown peer.
    #[must_use]
    pub const fn new(
        method: &'a Method,
        target: &'a Uri,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self { method, target, headers, extensions, peer: None }
    }

    /// The head of a request.
    #[must_use]
    pub fn of_request<B>(request: &'a Request<B>) -> Self {
        Self::new(request.method(), request.uri(), request.headers(), request.extensions())
    }

    /// Sets the peer address.
    #[must_use]
    pub const fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// Replaces the request target, if a router has changed it.
    #[must_use]
    pub const fn with_target(mut self, target: &'a Uri) -> Self {
        self.target = target;
        self
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// The request target: as it was sent, or as [`with_target`](Self::with_target) restored it.
    #[must_use]
    pub const fn target(&self) -> &'a Uri {
        self.target
    }

    /// The header fields. `Proxy-Authorization` may have been removed.
    #[must_use]
    pub const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The extensions.
    #[must_use]
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// The address of the peer, if it is known.
    #[must_use]
    pub const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Whether the request asks for a tunnel to a host and port: CONNECT, but not the extended
    /// CONNECT of [RFC 8441], which names a resource.
    ///
    /// [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.method == Method::CONNECT && self.target.path_and_query().is_none()
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("host", &self.target.host())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regression_debug_shows_neither_fields_nor_path() {
        let request = Request::get("http://alice:wonder@example.org/wonder?wonder")
            .header("proxy-authorization", "Basic YWxpY2U6d29uZGVy")
            .body(())
            .unwrap();
        assert_eq!(
            format!("{:?}", RequestHead::of_request(&request)),
            "RequestHead { method: GET, host: Some(\"example.org\"), peer: None, .. }"
        );
    }

    #[test]
    fn tells_a_tunnel_from_an_extended_connect() {
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        let is_tunnel = |method: Method, target: &str| {
            let target = target.parse().unwrap();
            RequestHead::new(&method, &target, &headers, &extensions).is_tunnel()
        };
        assert!(is_tunnel(Method::CONNECT, "example.org:443"));
        assert!(!is_tunnel(Method::CONNECT, "https://example.org/chat"));
        assert!(!is_tunnel(Method::GET, "http://example.org/"));
    }
}
