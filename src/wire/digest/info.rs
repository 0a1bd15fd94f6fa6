//! `Proxy-Authentication-Info`, [RFC 7616, section 3.5].
//!
//! [RFC 7616, section 3.5]: https://www.rfc-editor.org/rfc/rfc7616#section-3.5

use bytes::Bytes;
use http::HeaderValue;

use super::response::ProtectionInput;

/// What the server proves and announces after a request has passed.
#[derive(Clone, Copy)]
pub(crate) struct AuthenticationInfo<'a> {
    /// The server's own digest in hex, and what the client had sent beside it.
    pub(crate) proof: Option<(&'a [u8], ProtectionInput<'a>)>,
    /// The nonce that the client should use from now on.
    pub(crate) next_nonce: Option<&'a str>,
}

impl AuthenticationInfo<'_> {
    /// The field value, with one allocation; `None` if there is nothing to say.
    ///
    /// The cnonce goes back with its escapes as it came: it was quoted then, or needs no quotes.
    pub(crate) fn to_header_value(self) -> Option<HeaderValue> {
        let mut parts: [&[u8]; 12] = [b""; 12];
        let (proof, next) = parts.split_at_mut(9);
        if let Some((rspauth, ProtectionInput { qop, count, cnonce })) = self.proof {
            proof.copy_from_slice(&[
                b"rspauth=\"",
                rspauth,
                b"\", cnonce=\"",
                cnonce,
                b"\", nc=",
                count,
                b", qop=",
                qop,
                b"",
            ]);
        }
        if let Some(next_nonce) = self.next_nonce {
            let start: &[u8] =
                if self.proof.is_some() { b", nextnonce=\"" } else { b"nextnonce=\"" };
            next.copy_from_slice(&[start, next_nonce.as_bytes(), b"\""]);
        }
        let text = parts.concat();
        if text.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).ok()?;
        // The password can be guessed from `rspauth` as from a client's own digest.
        value.set_sensitive(self.proof.is_some());
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTECTION: ProtectionInput<'_> =
        ProtectionInput { qop: b"auth", count: b"0000002a", cnonce: b"f2/w\\\"" };

    #[test]
    fn quotes_what_the_rfc_quotes_and_nothing_else() {
        let table = [
            (None, None, None),
            (
                Some((b"00ff".as_slice(), PROTECTION)),
                None,
                Some("rspauth=\"00ff\", cnonce=\"f2/w\\\"\", nc=0000002a, qop=auth"),
            ),
            (
                Some((b"00ff".as_slice(), PROTECTION)),
                Some("n1"),
                Some(
                    "rspauth=\"00ff\", cnonce=\"f2/w\\\"\", nc=0000002a, qop=auth, \
                     nextnonce=\"n1\"",
                ),
            ),
            (None, Some("n1"), Some("nextnonce=\"n1\"")),
        ];
        for (proof, next_nonce, expected) in table {
            let info = AuthenticationInfo { proof, next_nonce }.to_header_value();
            assert_eq!(info.as_ref().map(|value| value.to_str().unwrap()), expected);
        }
    }
}
