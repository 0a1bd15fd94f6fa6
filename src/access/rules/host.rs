//! Hosts of targets, and patterns for them.

use std::net::IpAddr;

use http::{Method, Uri, uri::Scheme};
use url::Host as UrlHost;

/// The host and the port of a request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

/// A host in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case, with labels in Punycode and without a dot at the end.
    Name(String),
    /// Never IPv4 that is mapped to IPv6.
    Address(IpAddr),
}

impl Destination {
    /// The destination of a request; `None` if the target has no valid host.
    ///
    /// Name look-ups of operating systems accept IPv4 addresses in decimal, octal and hexadecimal
    /// notation, and with fewer than four parts, so these count as addresses too.
    pub(super) fn of(method: &Method, target: &Uri) -> Option<Self> {
        let host = Host::parse(target.host()?)?;
        let port = target.port_u16().or_else(|| match target.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => Some(80),
            Some(scheme) if *scheme == Scheme::HTTPS => Some(443),
            _ => None,
        });
        // A tunnel to no port is not possible.
        (port.is_some() || method != Method::CONNECT).then_some(Self { host, port })
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        match UrlHost::parse(text).ok()? {
            UrlHost::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                (!name.is_empty()).then(|| Self::Name(name.to_owned()))
            }
            UrlHost::Ipv4(address) => Some(Self::Address(address.into())),
            UrlHost::Ipv6(address) => Some(Self::Address(IpAddr::from(address).to_canonical())),
        }
    }

    pub(super) const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(*address),
        }
    }
}

/// A pattern for names of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostPattern {
    Exact(String),
    /// All names that end in this text, which begins with a dot.
    Below(String),
}

impl HostPattern {
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(suffix) => (true, suffix),
            None => (false, text),
        };
        match Host::parse(name).filter(|_| !name.contains('*')) {
            Some(Host::Name(name)) if below => Ok(Self::Below(format!(".{name}"))),
            Some(Host::Name(name)) => Ok(Self::Exact(name)),
            Some(Host::Address(_)) => Err("is an address: use the key networks".to_owned()),
            None => Err("is not the name of a host: use host.example or *.example".to_owned()),
        }
    }

    pub(super) fn matches(&self, host: &Host) -> bool {
        let Host::Name(name) = host else { return false };
        match self {
            Self::Exact(exact) => name == exact,
            Self::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(method: &str, target: &str) -> Option<(String, Option<u16>)> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let Destination { host, port } = Destination::of(&method, &target.parse().unwrap())?;
        let host = match host {
            Host::Name(name) => name,
            Host::Address(address) => format!("<{address}>"),
        };
        Some((host, port))
    }

    #[test]
    fn reads_the_destination_as_the_network_sees_it() {
        for (method, target, expected) in [
            ("GET", "http://example.test/", Some(("example.test", Some(80)))),
            ("GET", "https://Example.TEST./a?b", Some(("example.test", Some(443)))),
            ("GET", "http://example.test:8080/", Some(("example.test", Some(8080)))),
            ("GET", "http://user:pass@example.test/", Some(("example.test", Some(80)))),
            ("GET", "http://good.test@127.0.0.1/", Some(("<127.0.0.1>", Some(80)))),
            ("CONNECT", "example.test:443", Some(("example.test", Some(443)))),
            ("GET", "ftp://example.test/", Some(("example.test", None))),
            ("GET", "http://127.0.0.1/", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://2130706433/", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://0177.0.0.1/", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://0x7f.1/", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://127.1./", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://[::1]:81/", Some(("<::1>", Some(81)))),
            ("GET", "http://[::ffff:127.0.0.1]/", Some(("<127.0.0.1>", Some(80)))),
            ("GET", "http://xn--bcher-kva.test/", Some(("xn--bcher-kva.test", Some(80)))),
            ("GET", "/relative", None),
            ("OPTIONS", "*", None),
            ("GET", "http://256.1.1.1/", None),
        ] {
            let found = destination(method, target);
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(found, expected, "{method} {target}");
        }
    }

    #[test]
    fn patterns_match_whole_labels() {
        for (pattern, host, expected) in [
            ("example.test", "example.test", true),
            ("EXAMPLE.test.", "example.test", true),
            ("example.test", "www.example.test", false),
            ("*.example.test", "www.example.test", true),
            ("*.example.test", "a.b.example.test", true),
            ("*.example.test", "example.test", false),
            ("*.example.test", "badexample.test", false),
            ("*.example.test", "example.test.evil.test", false),
            ("b\u{fc}cher.test", "xn--bcher-kva.test", true),
            ("*.B\u{dc}CHER.test", "www.xn--bcher-kva.test", true),
        ] {
            let host = Host::parse(host).unwrap();
            assert_eq!(HostPattern::parse(pattern).unwrap().matches(&host), expected, "{pattern}");
        }
        let address = Host::parse("127.0.0.1").unwrap();
        assert!(!HostPattern::parse("*.1").is_ok_and(|pattern| pattern.matches(&address)));
        for (pattern, problem) in [
            ("127.0.0.1", "is an address"),
            ("[::1]", "is an address"),
            ("", "is not the name"),
            ("*", "is not the name"),
            ("*.", "is not the name"),
            ("a*.example.test", "is not the name"),
            ("http://example.test/", "is not the name"),
            ("example.test:443", "is not the name"),
        ] {
            let error = HostPattern::parse(pattern).unwrap_err();
            assert!(error.starts_with(problem), "{pattern}: {error}");
        }
    }
}
