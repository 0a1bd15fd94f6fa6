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
        let several = headers.get_all(header::PROXY_AUTHORIZATION).iter().nth(1).is_some();
        // Not by `entry`, which makes room in the map before it looks.
        match headers.remove(header::PROXY_AUTHORIZATION) {
            None => Self::Absent,
            Some(_) if several => Self::Several,
            Some(mut value) => {
                value.set_sensitive(true);
                Self::One(value)
            }
        }
    }
}
