//! `Proxy-Authorization` on its way out of the header map.

use http::{HeaderMap, HeaderValue, header};

/// The `Proxy-Authorization` of a request.
#[derive(Clone, Debug, Default)]
pub enum ProxyAuthorization {
    /// There is none.
    #[default]
    Absent,
    /// There is one.
    One(HeaderValue),
    /// There are several: ambiguous, and refused whatever they hold.
    Several,
}

impl ProxyAuthorization {
    /// Takes all of them out of the header map.
    #[must_use]
    pub fn take(headers: &mut HeaderMap) -> Self {
        match headers.entry(header::PROXY_AUTHORIZATION) {
            header::Entry::Vacant(_) => Self::Absent,
            header::Entry::Occupied(entry) => {
                let several = entry.iter().nth(1).is_some();
                let mut value = entry.remove();
                if several {
                    return Self::Several;
                }
                value.set_sensitive(true);
                Self::One(value)
            }
        }
    }
}
