//! The `Proxy-Status` of refusals, [RFC 9209](https://www.rfc-editor.org/rfc/rfc9209).

use http::{HeaderValue, StatusCode};

use crate::{error::ConfigError, reason::Reason};

/// The maximum length of a proxy's name, which is that of a host name.
const MAX_NAME: usize = 255;

/// The values of the field, ready to be sent.
#[derive(Clone)]
pub(super) struct ProxyStatus {
    denied: HeaderValue,
    internal: HeaderValue,
    configuration: HeaderValue,
}

impl ProxyStatus {
    /// # Errors
    /// The name cannot be in the field.
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        let is_allowed = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let is_valid = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed);
        let value = |error| {
            let value = HeaderValue::try_from(format!("\"{name}\"; error={error}")).ok();
            let value = value.filter(|_| is_valid);
            value.ok_or_else(|| ConfigError::InvalidProxyName { name: name.to_owned() })
        };
        Ok(Self {
            denied: value("http_request_denied")?,
            internal: value("proxy_internal_error")?,
            configuration: value("proxy_configuration_error")?,
        })
    }

    /// The value for a reason, which tells no more than the status.
    pub(super) fn value(&self, reason: Reason) -> HeaderValue {
        match reason.status() {
            StatusCode::BAD_GATEWAY => &self.configuration,
            StatusCode::SERVICE_UNAVAILABLE => &self.internal,
            _ => &self.denied,
        }
        .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_proxy_and_the_kind_of_error() {
        let status = ProxyStatus::new("proxy.example.org").unwrap();
        for (reason, error) in [
            (Reason::MissingCredentials, "http_request_denied"),
            (Reason::Forbidden, "http_request_denied"),
            (Reason::BackendFailed, "proxy_internal_error"),
            (Reason::UpstreamChallenge, "proxy_configuration_error"),
        ] {
            let expected = format!("\"proxy.example.org\"; error={error}");
            assert_eq!(status.value(reason), expected, "{reason}");
        }
    }

    #[test]
    fn refuses_names_that_cannot_be_sent() {
        for name in ["", "a\"b", "a\\b", "a\nb", "ä", &"x".repeat(256)] {
            let error = ProxyStatus::new(name).err().unwrap();
            assert!(matches!(error, ConfigError::InvalidProxyName { .. }), "{name:?}");
        }
        assert!(ProxyStatus::new(&"x".repeat(255)).is_ok());
    }
}
