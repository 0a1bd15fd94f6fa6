//! The response, which proves that the client knows H(A1), and the server's counterpart,
//! [RFC 7616, sections 3.4.1 and 3.5].
//!
//! [RFC 7616, sections 3.4.1 and 3.5]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1

use http::Method;
use zeroize::Zeroizing;

use super::{
    Credentials, HashedA1,
    hash::{Hash, HexHash},
    protection::Protection,
};
use crate::secret::constant_time_eq;

impl Credentials {
    /// Returns whether the response was computed from `ha1` for a request with this method.
    /// Compares in constant time. The nonce and the resource are checked elsewhere.
    pub(crate) fn is_response_for(&self, ha1: &HashedA1, method: &Method) -> bool {
        self.expected_response(ha1, method.as_str())
            .is_some_and(|expected| constant_time_eq(expected.as_bytes(), self.response.as_bytes()))
    }

    /// Returns `rspauth`, which proves that the server knows H(A1) too; `None` without qop, as in
    /// RFC 2069.
    pub(super) fn rspauth(&self, ha1: &HashedA1) -> Option<HexHash> {
        self.protection?;
        // Computed like the response, but with an empty method.
        self.expected_response(ha1, "").map(|hash| hash.to_hex())
    }

    /// Computes the response; `None` if `ha1` is for another hash function.
    fn expected_response(&self, ha1: &HashedA1, method: &str) -> Option<Hash> {
        let function = self.algorithm().hash_function();
        if ha1.function() != function {
            return None;
        }
        let (nonce, uri) = (self.nonce(), self.text(self.uri));
        let a2 = function.hash(&[method.as_bytes(), &uri]).to_hex();
        let Some(Protection { qop, nc, cnonce, .. }) = self.protection else {
            return Some(function.hash(&[ha1.as_hex(), &nonce, a2.as_bytes()]));
        };
        let [qop, nc, cnonce] = [qop, nc, cnonce].map(|value| self.text(value));
        let hash = |a1| function.hash(&[a1, &nonce, &nc, &cnonce, &qop, a2.as_bytes()]);
        if !self.algorithm().is_session() {
            return Some(hash(ha1.as_hex()));
        }
        // RFC 7616 fixes nonce and cnonce when the session starts; here they are the request's.
        let key = Zeroizing::new(function.hash(&[ha1.as_hex(), &nonce, &cnonce]));
        Some(hash(Zeroizing::new(key.to_hex()).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Algorithm, HashFunction, NonceCount,
            sample::{Sample, ha1, is_right, realm},
        },
        *,
    };

    #[test]
    fn each_algorithm_has_its_own_response() {
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        let sha512_256 = "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0";
        let table = [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Md5Sess, "e783283f46242139c486a698fec7211d"),
            (Algorithm::Sha256, sha256),
            (
                Algorithm::Sha256Sess,
                "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7",
            ),
            (Algorithm::Sha512_256, sha512_256),
            (
                Algorithm::Sha512_256Sess,
                "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e",
            ),
        ];
        for (algorithm, response) in table {
            let sent = |response| {
                let named = [("algorithm", algorithm.as_str()), ("response", response)];
                Sample::new().with_all(&named).parse()
            };
            assert_eq!(sent(response).algorithm(), algorithm);
            for (other, other_response) in table {
                if other_response.len() == response.len() {
                    assert_eq!(
                        is_right(&sent(other_response)),
                        other == algorithm,
                        "{other}'s response as {algorithm}"
                    );
                }
            }
        }
    }

    #[test]
    fn refuses_changed_parameters_and_other_secrets() {
        let table = [
            ("nonce", "\"other\""),
            ("nc", "00000002"),
            ("cnonce", "\"other\""),
            ("qop", "AUTH"),
            ("uri", "\"/dir/index.htm\""),
            ("response", "8ca523f5e9506fed4657c9700eebdbed"),
            ("response", "0ca523f5e9506fed4657c9700eebdbec"),
        ];
        for (name, value) in table {
            assert!(!is_right(&Sample::new().with(name, value).parse()), "{name}={value}");
        }
        let sample = Sample::new().parse();
        let is_right = |ha1: &HashedA1, method| sample.is_response_for(ha1, &method);
        let right = ha1(HashFunction::Md5);
        assert!(is_right(&right, Method::GET));
        assert!(!is_right(&right, Method::POST));
        assert!(!is_right(&right, Method::CONNECT));
        assert!(!is_right(&ha1(HashFunction::Sha256), Method::GET));
        let wrong = HashedA1::new(HashFunction::Md5, "Mufasa", &realm(), "other");
        assert!(!is_right(&wrong, Method::GET));
    }

    #[test]
    fn hashes_qop_and_nc_as_sent() {
        let upper =
            Sample::new().with("qop", "AUTH").with("response", "2f88e98c258e014b26b6a225bb3f8aa8");
        assert!(is_right(&upper.parse()));
        let upper = Sample::new()
            .with("nc", "0000000A")
            .with("response", "e59d8ac7d668f850f4a012a0a896fb8c");
        let upper = upper.parse();
        assert!(is_right(&upper));
        assert_eq!(upper.count(), NonceCount::new(10));
    }

    #[test]
    fn removes_escapes_before_hashing() {
        let cnonce = Sample::new()
            .with_all(&[("cnonce", r#""a\"b""#), ("response", "bbf2c695faf347c245351493fb9802ec")]);
        assert!(is_right(&cnonce.parse()));
        let session = Sample::new().with_all(&[
            ("cnonce", r#""a\"b""#),
            ("algorithm", "MD5-sess"),
            ("response", "c876808fc0c7e500195783c332ac94f9"),
        ]);
        assert!(is_right(&session.parse()));
        let nonce = Sample::new()
            .with_all(&[("nonce", r#""a\"b""#), ("response", "82514945ac64accaca6ad4f3a72bb02c")]);
        let nonce = nonce.parse();
        assert!(is_right(&nonce));
        assert_eq!(*nonce.nonce(), *br#"a"b"#);
    }

    #[test]
    fn hashes_method_and_uri() {
        let table = [
            (Method::CONNECT, "example.org:443", "0b6e5abc67db91dcd83de4ce7b169bc6"),
            (Method::GET, "http://example.org/dir/index.html", "7ae55c5fb04939e0ec434f5cff1c2ae8"),
        ];
        for (method, uri, response) in table {
            let uri = format!("\"{uri}\"");
            let sample = Sample::new().with_all(&[("uri", &uri), ("response", response)]).parse();
            assert!(sample.is_response_for(&ha1(HashFunction::Md5), &method), "{method}");
        }
    }

    #[test]
    fn rspauth_has_an_empty_method() {
        let table = [
            (Algorithm::Md5, "9b712497bc9f91499fbcca1dfc5f09a5"),
            (Algorithm::Md5Sess, "b9bdf5673282d64412df46ad40660539"),
            (Algorithm::Sha256, "86d3b25618d41854ca5039a5d7e53ff6355d5134a9b1fb088a78ac3c462195a0"),
            (
                Algorithm::Sha256Sess,
                "d4ad609d150eafce2281da5c3179878fdb37e6a16021272f4bed1a082f5c2324",
            ),
            (
                Algorithm::Sha512_256,
                "c8f9593a4f49b95ce2c483cc3222ecd360a5c6ec52ca24a530b0aac18478de8c",
            ),
            (
                Algorithm::Sha512_256Sess,
                "98012a4e63fae2aea13adaa3410368ef7278c87ca0acbd3c941ca5fe3dceeb86",
            ),
        ];
        for (algorithm, rspauth) in table {
            let function = algorithm.hash_function();
            let response = "0".repeat(2 * function.length());
            let changes = [("algorithm", algorithm.as_str()), ("response", &response)];
            let sample = Sample::new().with_all(&changes).parse();
            let computed = sample.rspauth(&ha1(function)).unwrap();
            assert_eq!(computed.as_str(), rspauth, "{algorithm}");
        }
    }

    #[test]
    fn omits_rspauth_without_qop() {
        let legacy = Sample::new().without("qop").parse();
        assert!(legacy.rspauth(&ha1(HashFunction::Md5)).is_none());
    }

    #[test]
    fn refuses_the_secret_of_another_hash_function() {
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        let sample = Sample::new().with_all(&[("algorithm", "SHA-256"), ("response", response)]);
        let sample = sample.parse();
        let right = ha1(HashFunction::Sha256);
        assert!(sample.is_response_for(&right, &Method::GET));
        let mislabelled = HashedA1::from_hex(HashFunction::Sha512_256, &right.expose_hex());
        assert!(!sample.is_response_for(&mislabelled.unwrap(), &Method::GET));
    }
}
