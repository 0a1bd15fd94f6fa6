//! `Proxy-Authentication-Info`, [RFC 7616, section 3.5].
//!
//! [RFC 7616, section 3.5]: https://www.rfc-editor.org/rfc/rfc7616#section-3.5

use bytes::Bytes;
use http::HeaderValue;

use super::{Credentials, HashedA1, protection::Protection};

impl Credentials {
    /// Returns the `Proxy-Authentication-Info` for these credentials once they are accepted; `None`
    /// if it would be empty.
    ///
    /// With `ha1` and qop it contains `rspauth`. With `next_nonce` it announces the
    /// nonce that the client should use next.
    pub(crate) fn authentication_info(
        &self,
        ha1: Option<&HashedA1>,
        next_nonce: Option<&str>,
    ) -> Option<HeaderValue> {
        let proof = ha1.and_then(|ha1| self.proof(ha1));
        let is_sensitive = proof.is_some();
        let text = match (proof, next_nonce.map(str::as_bytes)) {
            (Some(proof), Some(next)) => {
                [&proof, b", nextnonce=\"".as_slice(), next, b"\""].concat()
            }
            (Some(proof), None) => proof,
            (None, Some(next)) => [b"nextnonce=\"".as_slice(), next, b"\""].concat(),
            (None, None) => return None,
        };
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).ok()?;
        // Like the client's response, `rspauth` can be used to guess the password offline.
        value.set_sensitive(is_sensitive);
        Some(value)
    }

    /// Returns `rspauth` and the parameters that it was computed from.
    fn proof(&self, ha1: &HashedA1) -> Option<Vec<u8>> {
        let Protection { qop, nc, cnonce, .. } = self.protection?;
        let rspauth = self.rspauth(ha1)?;
        let parts: [&[u8]; 8] = [
            b"rspauth=\"",
            rspauth.as_bytes(),
            b"\", cnonce=\"",
            // It is sent back in quotes, so it keeps its escapes.
            cnonce.raw(self.field()),
            b"\", nc=",
            &self.text(nc),
            b", qop=",
            &self.text(qop),
        ];
        Some(parts.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{Sample, ha1},
        *,
    };

    /// The info that proves the secret in response to the example of RFC 7616.
    const PROOF: &str = "rspauth=\"9b712497bc9f91499fbcca1dfc5f09a5\", \
                         cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
                         nc=00000001, qop=auth";

    #[test]
    fn contains_rspauth_and_the_next_nonce() {
        let info = |sample: &Credentials, with_proof, next_nonce| {
            let ha1 = ha1(sample.algorithm().hash_function());
            let info = sample.authentication_info(Some(&ha1).filter(|_| with_proof), next_nonce);
            info.map(|value| value.to_str().unwrap().to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        let sample = Sample::new().parse();
        assert_eq!(info(&sample, true, None), some(PROOF));
        assert_eq!(info(&sample, true, Some("n1")), Some(format!("{PROOF}, nextnonce=\"n1\"")));
        assert_eq!(info(&sample, false, Some("n1")), some("nextnonce=\"n1\""));
        assert_eq!(info(&sample, false, None), None);

        let escaped = Sample::new().with_all(&[
            ("cnonce", r#""a\"b""#),
            ("nc", "\"00000001\""),
            ("response", "bbf2c695faf347c245351493fb9802ec"),
        ]);
        assert_eq!(
            info(&escaped.parse(), true, None),
            some(
                r#"rspauth="a53b93acfe5dfb0c3d193a43b96b87be", cnonce="a\"b", nc=00000001, qop=auth"#
            )
        );
        let session = Sample::new().with_all(&[
            ("algorithm", "MD5-sess"),
            ("response", "e783283f46242139c486a698fec7211d"),
        ]);
        let expected =
            PROOF.replace("9b712497bc9f91499fbcca1dfc5f09a5", "b9bdf5673282d64412df46ad40660539");
        assert_eq!(info(&session.parse(), true, None), Some(expected));
        let legacy = Sample::new().without("qop");
        let legacy = legacy.with("response", "7b2cc3b30e75b4777ea31027084363fd").parse();
        assert_eq!(info(&legacy, true, None), None);
        assert_eq!(info(&legacy, true, Some("n1")), some("nextnonce=\"n1\""));
    }

    #[test]
    fn marks_rspauth_as_sensitive() {
        let sample = Sample::new().parse();
        let ha1 = ha1(sample.algorithm().hash_function());
        let is_sensitive =
            |ha1| sample.authentication_info(ha1, Some("n1")).unwrap().is_sensitive();
        assert!(is_sensitive(Some(&ha1)));
        assert!(!is_sensitive(None));
    }
}
