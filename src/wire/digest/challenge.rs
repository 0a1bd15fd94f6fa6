//! The Digest challenge, [RFC 7616, section 3.3].
//!
//! [RFC 7616, section 3.3]: https://www.rfc-editor.org/rfc/rfc7616#section-3.3

use bytes::Bytes;
use http::HeaderValue;

use super::Algorithm;
use crate::wire::Realm;

/// One Digest challenge. All that stand in one 407 share realm, nonce and opaque, because clients
/// mix them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenge<'a> {
    /// The protection space.
    pub(crate) realm: &'a Realm,
    /// The algorithm; its name is printed in exactly one case and unquoted.
    pub(crate) algorithm: Algorithm,
    /// The nonce: letters, digits, `-` and `_`.
    pub(crate) nonce: &'a str,
    /// The opaque value: letters, digits, `-` and `_`.
    pub(crate) opaque: &'a str,
    /// Whether `qop="auth"` is offered; without it a client answers as in RFC 2069.
    pub(crate) qop: bool,
    /// Whether a hash may stand in for the user-id.
    pub(crate) userhash: bool,
    /// Whether only the nonce was wrong in what the client had sent.
    pub(crate) stale: bool,
}

impl Challenge<'_> {
    /// The challenge as a field value, with one allocation.
    ///
    /// `None` if nonce or opaque hold what cannot stand in a field.
    pub(crate) fn to_header_value(self) -> Option<HeaderValue> {
        let parts = [
            "Digest realm=\"",
            self.realm.as_str(),
            if self.qop { "\", qop=\"auth\", algorithm=" } else { "\", algorithm=" },
            self.algorithm.as_str(),
            ", nonce=\"",
            self.nonce,
            "\", opaque=\"",
            self.opaque,
            "\", charset=UTF-8",
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
    fn quotes_what_the_rfc_quotes_and_nothing_else() {
        let realm = Realm::new("corp proxy").unwrap();
        let plain = Challenge {
            realm: &realm,
            algorithm: Algorithm::Sha256,
            nonce: "n0",
            opaque: "o0",
            qop: true,
            userhash: false,
            stale: false,
        };
        assert_eq!(
            plain.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", qop=\"auth\", algorithm=SHA-256, nonce=\"n0\", \
             opaque=\"o0\", charset=UTF-8"
        );
        let full =
            Challenge { algorithm: Algorithm::Md5Sess, userhash: true, stale: true, ..plain };
        assert_eq!(
            full.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", qop=\"auth\", algorithm=MD5-sess, nonce=\"n0\", \
             opaque=\"o0\", charset=UTF-8, userhash=true, stale=true"
        );
        let legacy = Challenge { algorithm: Algorithm::Md5, qop: false, ..plain };
        assert_eq!(
            legacy.to_header_value().unwrap(),
            "Digest realm=\"corp proxy\", algorithm=MD5, nonce=\"n0\", opaque=\"o0\", charset=UTF-8"
        );
    }
}
