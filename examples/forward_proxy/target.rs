//! The request target: where a request wants to go, parsed once.
//!
//! [RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2) knows four forms. A proxy
//! serves the absolute form and, for CONNECT, the authority form; the asterisk form is about the
//! proxy itself; the origin form is for origin servers, and a proxy that gets one was taken for
//! one.

use http::{Method, Request, Uri, header::HOST, uri::PathAndQuery};

use crate::error::Failure;

/// Where a request wants to go.
#[derive(Debug)]
pub(crate) enum Target {
    /// CONNECT: a tunnel to this place.
    Tunnel(Place),
    /// An `http://` resource: its place, and the path and query to ask it for.
    Resource(Place, PathAndQuery),
    /// `OPTIONS *`: the proxy itself.
    Proxy,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Reads the target of `request`.
    ///
    /// # Errors
    /// [`Failure::BadRequest`] for whatever a proxy cannot serve.
    pub(crate) fn of<B>(request: &Request<B>) -> Result<Self, Failure> {
        if request.headers().get_all(HOST).iter().count() > 1 {
            return Err(Failure::BadRequest("more than one Host field"));
        }
        let uri = request.uri();
        if *request.method() == Method::CONNECT {
            return tunnel(uri).map(Self::Tunnel);
        }
        match uri.scheme_str() {
            Some("http") => resource(uri),
            Some("https") => Err(Failure::BadRequest("use CONNECT for https:// targets")),
            Some(_) => Err(Failure::BadRequest("only http:// targets are served")),
            None if *request.method() == Method::OPTIONS && uri.path() == "*" => Ok(Self::Proxy),
            None => Err(Failure::BadRequest("this is a proxy: send an absolute http:// target")),
        }
    }
}

fn tunnel(uri: &Uri) -> Result<Place, Failure> {
    const WANTED: Failure = Failure::BadRequest("CONNECT takes host:port and nothing else");
    if uri.scheme().is_some() || uri.path_and_query().is_some() {
        return Err(WANTED);
    }
    let authority = uri.authority().ok_or(WANTED)?;
    if authority.as_str().contains('@') {
        return Err(WANTED);
    }
    let port = authority.port_u16().filter(|port| *port != 0);
    let port = port.ok_or(Failure::BadRequest("CONNECT takes a port from 1 to 65535"))?;
    Place::new(authority.host(), port)
}

fn resource(uri: &Uri) -> Result<Target, Failure> {
    let authority = uri.authority().ok_or(Failure::BadRequest("the target names no host"))?;
    let port = match authority.port() {
        // `port_u16` is silent both when there is no port and when there is a wrong one.
        None if authority.as_str().ends_with(authority.host()) => 80,
        None if authority.as_str().ends_with(':') => 80,
        None => return Err(BAD_PORT),
        Some(port) if port.as_u16() == 0 => return Err(BAD_PORT),
        Some(port) => port.as_u16(),
    };
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    Ok(Target::Resource(Place::new(authority.host(), port)?, path))
}

const BAD_PORT: Failure = Failure::BadRequest("the port of the target is not valid");

impl Place {
    fn new(host: &str, port: u16) -> Result<Self, Failure> {
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(Failure::BadRequest("the target names no host"));
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// `host:port` as it stands in a URI; the port is left out where it is the default of http.
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            80 => host,
            port => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, target: &str) -> Result<Target, Failure> {
        let request = Request::builder().method(method).uri(target).body(()).expect("a request");
        Target::of(&request)
    }

    #[track_caller]
    fn refused(method: &str, target: &str) {
        let answer = parse(method, target);
        assert!(matches!(answer, Err(Failure::BadRequest(_))), "{method} {target}: {answer:?}");
    }

    #[test]
    fn connect_takes_an_authority_with_a_port() {
        for (target, host, port) in [
            ("origin.example:443", "origin.example", 443),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
        ] {
            let Ok(Target::Tunnel(place)) = parse("CONNECT", target) else {
                panic!("{target} was refused")
            };
            assert_eq!((place.host.as_str(), place.port), (host, port), "{target}");
        }
    }

    #[test]
    fn connect_without_a_valid_port_is_refused() {
        for target in
            ["origin.example", "origin.example:0", "me@origin.example:443", "http://a.example:1/"]
        {
            refused("CONNECT", target);
        }
    }

    #[test]
    fn absolute_form_gives_place_and_path() {
        for (target, authority, path) in [
            ("http://origin.example", "origin.example", "/"),
            ("http://origin.example:80/a?b", "origin.example", "/a?b"),
            ("http://me:secret@origin.example:81/", "origin.example:81", "/"),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
            ("http://origin.example?q", "origin.example", "/?q"),
            ("http://origin.example:/", "origin.example", "/"),
        ] {
            let Ok(Target::Resource(place, found)) = parse("GET", target) else {
                panic!("{target} was refused")
            };
            assert_eq!(place.authority(), authority, "{target}");
            assert_eq!(found.to_string(), path, "{target}");
        }
    }

    #[test]
    fn what_is_not_for_a_proxy_is_refused() {
        for target in ["/", "/a?b", "https://origin.example/", "ftp://origin.example/", "*"] {
            refused("GET", target);
        }
        refused("GET", "http://origin.example:0/");
    }

    #[test]
    fn options_star_is_about_the_proxy() {
        assert!(matches!(parse("OPTIONS", "*"), Ok(Target::Proxy)));
    }
}
