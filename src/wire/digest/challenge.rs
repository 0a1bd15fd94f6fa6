//! The Digest challenge, [RFC 7616, section 3.3].
//!
//! [RFC 7616, section 3.3]: https://www.rfc-editor.org/rfc/rfc7616#section-3.3

use bytes::Bytes;
use http::HeaderValue;

use super::Algorithm;
use crate::wire::Realm;

/// A Digest challenge. The challenges of one response have the same realm, nonce and opaque,
/// because clients mix them up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenge<'a> {
    /// The protection space.
    pub(crate) realm: &'a Realm,
    /// The algorithm.
    pub(crate) algorithm: Algorithm,
    /// The nonce, which contains letters, digits, `-` and `_`.
    pub(crate) nonce: &'a str,
    /// Whether `qop="auth"` is offered. Without it, clients use RFC 2069.
    pub(crate) qop: bool,
    /// Whether a hash can be sent instead of the user-id.
    pub(crate) userhash: bool,
    /// Whether only the nonce was wrong in the client's credentials.
    pub(crate) stale: bool,
}

impl Challenge<'_> {
    /// Returns the challenge as a field value; `None` if the nonce contains characters that a
    /// field cannot have.
    pub(crate) fn to_header_value(self) -> Option<HeaderValue> {
        let parts = [
            "Digest realm=\"",
            self.realm.as_str(),
            if self.qop { "\", qop=\"auth\", algorithm=" } else { "\", algorithm=" },
            self.algorithm.as_str(),
            ", nonce=\"",
            self.nonce,
            // Ignored in requests, but some clients require it.
            "\", opaque=\"70726f7879\", charset=UTF-8",
            if self.userhash { ", userhash=true" } else { "" },
            if self.stale { ", stale=true" } else { "" },
        ];
        HeaderValue::from_maybe_shared(Bytes::from(parts.concat())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_the_parameters_of_the_rfc() {
        let realm = Realm::new("corp proxy").unwrap();
        let plain = Challenge {
            realm: &realm,
            algorithm: Algorithm::Sha256,
            nonce: "n0",
            qop: true,
            userhash: false,
            stale: false,
        };
        assert_eq!(
            plain.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", qop=\"auth\", algorithm=SHA-256, nonce=\"n0\", \
             opaque=\"70726f7879\", charset=UTF-8"
        );
        let full =
            Challenge { algorithm: Algorithm::Md5Sess, userhash: true, stale: true, ..plain };
        assert_eq!(
            full.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", qop=\"auth\", algorithm=MD5-sess, nonce=\"n0\", \
             opaque=\"70726f7879\", charset=UTF-8, userhash=true, stale=true"
        );
        let legacy = Challenge { algorithm: Algorithm::Md5, qop: false, ..plain };
        assert_eq!(
            legacy.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", algorithm=MD5, nonce=\"n0\", opaque=\"70726f7879\", charset=UTF-8"
        );
    }
}
