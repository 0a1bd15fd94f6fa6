//! The `Proxy-Authorization` field of a request.

use std::fmt;

use http::{HeaderMap, HeaderValue, header};

/// The `Proxy-Authorization` field of a request. `Debug` does not show its value.
#[derive(Clone)]
pub enum ProxyAuthorization {
    /// The request has no such field.
    Absent,
    /// The request has one such field.
    One(HeaderValue),
    /// The request has several such fields, which is ambiguous: 400.
    Several,
}

impl ProxyAuthorization {
    /// Removes the field from a header map.
    #[must_use]
    pub fn take(headers: &mut HeaderMap) -> Self {
        let before = headers.len();
        // `entry` may grow the map.
        match headers.remove(header::PROXY_AUTHORIZATION) {
            None => Self::Absent,
            // `remove` returns the first value and removes all of them.
            Some(_) if before > headers.len().saturating_add(1) => Self::Several,
            Some(mut value) => {
                value.set_sensitive(true);
                Self::One(value)
            }
        }
    }
}

impl fmt::Debug for ProxyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::One(_) => "One(..)",
            Self::Several => "Several",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regression_debug_shows_no_value() {
        let value = HeaderValue::from_static("Basic YWxpY2U6d29uZGVy");
        assert_eq!(format!("{:?}", ProxyAuthorization::One(value)), "One(..)");
        assert_eq!(format!("{:?}", ProxyAuthorization::Several), "Several");
        assert_eq!(format!("{:?}", ProxyAuthorization::Absent), "Absent");
    }
}
