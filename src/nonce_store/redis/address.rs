//! The URL of a server.

use std::fmt;

use ::redis::RedisConnectionInfo;
use url::{Host, Url};

use super::config_error::RedisConfigError;
use crate::grammar::percent_decode;

/// Where a server listens, and how to log in there.
pub(super) struct Address {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
}

impl Address {
    /// Parses `redis://[[user]:password@]host[:port][/database]`.
    pub(super) fn parse(text: &str) -> Result<Self, RedisConfigError> {
        let refuse = |problem| Err(RedisConfigError::InvalidUrl { problem });
        let Ok(url) = Url::parse(text) else {
            return refuse("is not a URL: write redis://host, and special characters as %XX");
        };
        match url.scheme() {
            "redis" | "valkey" => {}
            "rediss" | "valkeys" => return Err(RedisConfigError::Tls),
            _ => return refuse("has an unknown scheme: use redis://"),
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => return refuse("has no host: write redis://host"),
        };
        let port = url.port().unwrap_or(6379);
        if port == 0 {
            return refuse("has the port 0: use the port of the server");
        }
        // Possibly the rest of a password.
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("has a `?` or a `#`: write them in a password as %3F and %23");
        }
        Ok(Self { host, port, login: login(&url)? })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn login(&self) -> &RedisConnectionInfo {
        &self.login
    }
}

fn login(url: &Url) -> Result<RedisConnectionInfo, RedisConfigError> {
    let refuse = |problem| Err(RedisConfigError::InvalidUrl { problem });
    // The server would see the name of the client library, which needs a permission of its own.
    let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(password) = url.password() {
        login = login.set_password(decode(password)?);
        if !url.username().is_empty() {
            login = login.set_username(decode(url.username())?);
        }
    } else if !url.username().is_empty() {
        return refuse("has a user without a password: write user:password@ or :password@");
    }
    match url.path().trim_matches('/') {
        "" => Ok(login),
        number => match number.parse::<u16>() {
            Ok(number) => Ok(login.set_db(number.into())),
            Err(_) => refuse("has a database that is not a number: write redis://host/0"),
        },
    }
}

fn decode(encoded: &str) -> Result<String, RedisConfigError> {
    let decoded =
        percent_decode(encoded.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or(RedisConfigError::InvalidUrl {
        problem: "has a `%` that is no escape of UTF-8: write it in a password as %25",
    })
}

/// Shows neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_host_port_login_and_database() {
        for (url, place, login) in [
            ("redis://redis.example.org", "redis.example.org:6379", (None, None, 0)),
            ("valkey://127.0.0.1:7000/", "127.0.0.1:7000", (None, None, 0)),
            ("redis://[::1]:1/15", "[::1]:1", (None, None, 15)),
            ("redis://:won%2Fder@h", "h:6379", (None, Some("won/der"), 0)),
            ("redis://al%40ice:w%25@h/3", "h:6379", (Some("al@ice"), Some("w%"), 3)),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), place, "{url}");
            let read = address.login();
            assert_eq!((read.username(), read.password(), read.db()), login, "{url}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_use_and_shows_no_password() {
        for (url, problem) in [
            ("", "is not a URL: write redis://host, and special characters as %XX"),
            (
                "redis://u:wonder@h:x",
                "is not a URL: write redis://host, and special characters as %XX",
            ),
            ("http://u:wonder@h", "has an unknown scheme: use redis://"),
            ("wonder", "is not a URL: write redis://host, and special characters as %XX"),
            ("redis:///0", "has no host: write redis://host"),
            ("redis:wonder", "has no host: write redis://host"),
            ("redis://u:wonder@h:0", "has the port 0: use the port of the server"),
            ("redis://u@h", "has a user without a password: write user:password@ or :password@"),
            ("redis://u:1?wonder@h", "has a `?` or a `#`: write them in a password as %3F and %23"),
            ("redis://h?wonder", "has a `?` or a `#`: write them in a password as %3F and %23"),
            ("redis://h/wonder", "has a database that is not a number: write redis://host/0"),
            ("redis://h/-1", "has a database that is not a number: write redis://host/0"),
            (
                "redis://u:wonder%@h",
                "has a `%` that is no escape of UTF-8: write it in a password as %25",
            ),
            (
                "redis://u:wonder%ff@h",
                "has a `%` that is no escape of UTF-8: write it in a password as %25",
            ),
        ] {
            let error = Address::parse(url).err().unwrap();
            assert_eq!(error.to_string(), format!("the Redis URL {problem}"), "{url}");
        }
        let error = Address::parse("rediss://u:wonder@h").err().unwrap().to_string();
        assert!(error.contains("TLS") && !error.contains("wonder"), "{error}");
    }
}
