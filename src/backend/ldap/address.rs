//! The URL of a server, and the protection of the connection.

use std::fmt;

use url::Url;

use super::{config_error::LdapConfigError, tls};

/// The URL of a server: a scheme, a host and an optional port.
#[derive(Clone)]
pub(super) struct Address {
    url: Url,
    security: Security,
}

/// The protection of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after the StartTLS operation, which comes first.
    StartTls,
    /// None.
    Plaintext,
}

/// The builder's method that takes URLs.
const OPTION: &str = "with_server";

impl Address {
    pub(super) fn parse(
        text: &str,
        start_tls: bool,
        plaintext: bool,
    ) -> Result<Self, LdapConfigError> {
        let refuse = |problem| Err(LdapConfigError::invalid(OPTION, &without_user(text), problem));
        let Ok(url) = Url::parse(text) else {
            return refuse(
                "is not a URL: write ldaps://host or ldap://host, with an optional :port",
            );
        };
        let security = match url.scheme() {
            "ldaps" => Security::Tls,
            "ldap" if start_tls => Security::StartTls,
            "ldap" => Security::Plaintext,
            _ => return refuse("has another scheme: use ldaps:// or ldap://"),
        };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return refuse("has no host: write ldaps://host");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("contains a user or a password: use with_service_account");
        }
        let has_more = url.query().is_some() || url.fragment().is_some();
        if !matches!(url.path(), "" | "/") || has_more {
            return refuse("has more than host and port: give base and filter to with_search");
        }
        if url.port() == Some(0) {
            return refuse("has the port 0: use the port of the server");
        }
        // `url` has percent-encoded non-ASCII names.
        let host_name = if host.starts_with('[') { "ip.invalid" } else { host };
        if !tls::is_host_name(host_name) {
            return refuse("has a host that is not a DNS name: use letters, digits and hyphens");
        }
        if security == Security::Plaintext && !plaintext {
            return Err(LdapConfigError::Plaintext { url: text.to_owned() });
        }
        if security != Security::Plaintext && host.starts_with('[') {
            return refuse("cannot be checked against a certificate: use the host's name");
        }
        Ok(Self { url, security })
    }

    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    pub(super) const fn security(&self) -> Security {
        self.security
    }
}

/// Shows neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.url, self.security)
    }
}

/// Replaces everything before the last `@`, which may be a user and a password.
fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("***@{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, message: &str) {
        let error = Address::parse(text, true, false).unwrap_err();
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn accepts_a_scheme_a_host_and_an_optional_port() {
        for (text, start_tls, plaintext, security) in [
            ("ldaps://ldap.example.org", false, false, Security::Tls),
            ("ldaps://ldap.example.org:1636/", true, true, Security::Tls),
            ("LDAPS://192.0.2.1", false, false, Security::Tls),
            ("ldap://ldap.example.org", true, false, Security::StartTls),
            ("ldap://localhost:1389", true, true, Security::StartTls),
            ("ldap://localhost", false, true, Security::Plaintext),
            ("ldap://[::1]:1389", false, true, Security::Plaintext),
        ] {
            let address = Address::parse(text, start_tls, plaintext).unwrap();
            assert_eq!(address.security(), security, "{text}");
        }
    }

    #[test]
    fn refuses_urls_of_another_form() {
        for (text, problem) in [
            ("", "is not a URL: write ldaps://host or ldap://host, with an optional :port"),
            ("ldap", "is not a URL: write ldaps://host or ldap://host, with an optional :port"),
            (
                "ldaps://h:x",
                "is not a URL: write ldaps://host or ldap://host, with an optional :port",
            ),
            ("http://h", "has another scheme: use ldaps:// or ldap://"),
            ("ldapi://%2fvar%2frun", "has another scheme: use ldaps:// or ldap://"),
            ("ldap.example.org:389", "has another scheme: use ldaps:// or ldap://"),
            ("ldaps:h", "has no host: write ldaps://host"),
            ("ldaps:///", "has no host: write ldaps://host"),
            (
                "ldaps://h/dc=example",
                "has more than host and port: give base and filter to with_search",
            ),
            ("ldaps://h?uid", "has more than host and port: give base and filter to with_search"),
            ("ldaps://h/#a", "has more than host and port: give base and filter to with_search"),
            ("ldaps://h:0", "has the port 0: use the port of the server"),
            (
                "ldaps://caf\u{e9}",
                "has a host that is not a DNS name: use letters, digits and hyphens",
            ),
            ("ldaps://[::1]", "cannot be checked against a certificate: use the host's name"),
            ("ldap://[::1]", "cannot be checked against a certificate: use the host's name"),
        ] {
            refuses(text, &format!("with_server: {text:?} {problem}"));
        }
    }

    #[test]
    fn refuses_a_password_without_showing_it() {
        refuses(
            "ldaps://cn=proxy:wonder@host",
            "with_server: \"***@host\" contains a user or a password: use with_service_account",
        );
        refuses(
            "ldaps://proxy:wonder@host:x",
            "with_server: \"***@host:x\" is not a URL: write ldaps://host or ldap://host, with an \
             optional :port",
        );
    }

    #[test]
    fn refuses_plaintext_also_on_loopback_by_default() {
        for text in ["ldap://ldap.example.org", "ldap://127.0.0.1", "ldap://localhost:1389"] {
            let error = Address::parse(text, false, false).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the server {text} would receive passwords in plain text: use ldaps://, \
                     with_start_tls or, on a trusted network, insecure_plaintext"
                )
            );
        }
    }
}
