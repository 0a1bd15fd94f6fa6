//! Parses the request target.
//!
//! [RFC 9112, 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2) has four forms. A proxy
//! serves the absolute form and, for CONNECT, the authority form; the asterisk form addresses the
//! proxy itself; the origin form is for origin servers.

use http::{
    Method, Request, Uri,
    header::HOST,
    uri::{Authority, PathAndQuery, Scheme},
};

use crate::error::ForwardError;

/// The destination of a request.
#[derive(Debug)]
pub(crate) enum Target {
    /// CONNECT: a tunnel to this host and port.
    Tunnel(Authority),
    /// An `http://` resource, without user information and default port.
    Resource(Uri),
    /// `OPTIONS *`: the proxy itself.
    Proxy,
}

impl Target {
    /// Reads the target of `request`.
    ///
    /// # Errors
    /// [`ForwardError::BadRequest`] for a target that a proxy cannot serve.
    pub(crate) fn of<B>(request: &Request<B>) -> Result<Self, ForwardError> {
        if request.headers().get_all(HOST).iter().count() > 1 {
            return Err(ForwardError::BadRequest("more than one Host field"));
        }
        let uri = request.uri();
        if *request.method() == Method::CONNECT {
            return tunnel(uri).map(Self::Tunnel);
        }
        match uri.scheme_str() {
            Some("http") => resource(uri).map(Self::Resource),
            Some("https") => Err(ForwardError::BadRequest("use CONNECT for https:// targets")),
            Some(_) => Err(ForwardError::BadRequest("only http:// targets are served")),
            None if *request.method() == Method::OPTIONS && uri.path() == "*" => Ok(Self::Proxy),
            None => {
                Err(ForwardError::BadRequest("this is a proxy: send an absolute http:// target"))
            }
        }
    }
}

fn tunnel(uri: &Uri) -> Result<Authority, ForwardError> {
    const FORM: ForwardError = ForwardError::BadRequest("CONNECT takes host:port and nothing else");
    if uri.scheme().is_some() || uri.path_and_query().is_some() {
        return Err(FORM);
    }
    let authority = uri.authority().ok_or(FORM)?;
    if authority.as_str().contains('@') {
        return Err(FORM);
    }
    if authority.port_u16().is_none_or(|port| port == 0) {
        return Err(ForwardError::BadRequest("CONNECT takes a port from 1 to 65535"));
    }
    host(authority)?;
    Ok(authority.clone())
}

fn resource(uri: &Uri) -> Result<Uri, ForwardError> {
    const PORT: ForwardError = ForwardError::BadRequest("the port of the target is not valid");
    let authority = uri.authority().ok_or(ForwardError::BadRequest("the target has no host"))?;
    let (host, text) = (host(authority)?, authority.as_str());
    let shorter = match authority.port().map(|port| port.as_u16()) {
        Some(0) => return Err(PORT),
        Some(80) => host.to_owned(),
        Some(port) if text.contains('@') => format!("{host}:{port}"),
        None if text.contains('@') || text.ends_with(':') => host.to_owned(),
        // `port` is also `None` for an invalid port.
        None if !text.ends_with(host) => return Err(PORT),
        _ => return Ok(uri.clone()),
    };
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(shorter)
        .path_and_query(uri.path_and_query().map_or("/", PathAndQuery::as_str))
        .build()
        .map_err(|_| ForwardError::BadRequest("the target is not valid"))
}

fn host(authority: &Authority) -> Result<&str, ForwardError> {
    match authority.host() {
        "" | "[]" => Err(ForwardError::BadRequest("the target has no host")),
        host => Ok(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, target: &str) -> Result<Target, ForwardError> {
        let request = Request::builder().method(method).uri(target).body(()).expect("a request");
        Target::of(&request)
    }

    #[track_caller]
    fn refused(method: &str, target: &str) {
        let answer = parse(method, target);
        assert!(
            matches!(answer, Err(ForwardError::BadRequest(_))),
            "{method} {target}: {answer:?}"
        );
    }

    #[test]
    fn connect_takes_an_authority_with_a_port() {
        for target in ["origin.example:443", "127.0.0.1:1", "[::1]:65535"] {
            let Ok(Target::Tunnel(authority)) = parse("CONNECT", target) else {
                panic!("{target} was refused")
            };
            assert_eq!(authority, target);
        }
    }

    #[test]
    fn refuses_connect_without_a_valid_port() {
        for target in
            ["origin.example", "origin.example:0", "me@origin.example:443", "http://a.example:1/"]
        {
            refused("CONNECT", target);
        }
    }

    #[test]
    fn absolute_form_loses_user_information_and_default_port() {
        for (target, uri) in [
            ("http://origin.example", "http://origin.example/"),
            ("http://origin.example:80/a?b", "http://origin.example/a?b"),
            ("http://me@origin.example/", "http://origin.example/"),
            ("http://me:no@origin.example:81/", "http://origin.example:81/"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://a:b@[::1]/x", "http://[::1]/x"),
            ("http://origin.example?q", "http://origin.example/?q"),
            ("http://origin.example:/", "http://origin.example/"),
        ] {
            let Ok(Target::Resource(found)) = parse("GET", target) else {
                panic!("{target} was refused")
            };
            assert_eq!(found.to_string(), uri, "{target}");
        }
    }

    #[test]
    fn refuses_targets_that_are_not_for_a_proxy() {
        for target in ["/", "/a?b", "https://origin.example/", "ftp://origin.example/", "*"] {
            refused("GET", target);
        }
        refused("GET", "http://origin.example:0/");
    }

    #[test]
    fn options_star_addresses_the_proxy() {
        assert!(matches!(parse("OPTIONS", "*"), Ok(Target::Proxy)));
    }
}
