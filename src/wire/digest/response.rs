//! The computation that proves the knowledge of H(A1), [RFC 7616, section 3.4.1].
//!
//! [RFC 7616, section 3.4.1]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1

use zeroize::Zeroizing;

use super::{Algorithm, HashedA1, hash::Hash};
use crate::secret::constant_time_eq;

/// What a response is computed from besides H(A1), as the client sent it, unescaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) nonce: &'a [u8],
    /// `None` for RFC 2069, which has neither qop nor nonce-count.
    pub(crate) protection: Option<ProtectionInput<'a>>,
    pub(crate) uri: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectionInput<'a> {
    pub(crate) qop: &'a [u8],
    pub(crate) count: &'a [u8],
    pub(crate) cnonce: &'a [u8],
}

/// The result of checking a right response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    /// The server's proof that it knows the secret too, if it was requested.
    pub(super) rspauth: Option<Hash>,
}

impl Input<'_> {
    /// Compares `response` in constant time with the one computed from the secret. `None` if they
    /// differ, if the secret is for another hash function, or if a session has no cnonce.
    pub(super) fn verify(
        &self,
        ha1: &HashedA1,
        method: &str,
        response: &Hash,
        with_rspauth: bool,
    ) -> Option<Verified> {
        let expected = self.response(ha1, method)?;
        if !constant_time_eq(expected.as_bytes(), response.as_bytes()) {
            return None;
        }
        // In `rspauth`, A2 has an empty method.
        let rspauth = if with_rspauth { self.response(ha1, "") } else { None };
        Some(Verified { rspauth })
    }

    fn response(&self, ha1: &HashedA1, method: &str) -> Option<Hash> {
        let function = self.algorithm.hash_function();
        if ha1.function() != function {
            return None;
        }
        let session_key;
        let a1 = if self.algorithm.is_session() {
            // RFC 7616 fixes nonce and cnonce when the session starts; here they are the request's.
            let cnonce = self.protection?.cnonce;
            let key = Zeroizing::new(function.hash(&[ha1.as_hex(), self.nonce, cnonce]));
            session_key = Zeroizing::new(key.to_hex());
            session_key.as_bytes()
        } else {
            ha1.as_hex()
        };
        let a2 = function.hash(&[method.as_bytes(), self.uri]).to_hex();
        Some(match self.protection {
            Some(ProtectionInput { qop, count, cnonce }) => {
                function.hash(&[a1, self.nonce, count, cnonce, qop, a2.as_bytes()])
            }
            None => function.hash(&[a1, self.nonce, a2.as_bytes()]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::HashFunction, *};

    /// The example of RFC 7616, section 3.9.1.
    const INPUT: Input<'_> = Input {
        algorithm: Algorithm::Md5,
        nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        protection: Some(ProtectionInput {
            qop: b"auth",
            count: b"00000001",
            cnonce: b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        }),
        uri: b"/dir/index.html",
    };

    fn ha1(function: HashFunction) -> HashedA1 {
        HashedA1::new(function, "Mufasa", "http-auth@example.org", "Circle of Life")
    }

    /// Whether that is the response, and no other.
    fn is_response(response: &str, method: &str, input: &Input<'_>) -> bool {
        let function = input.algorithm.hash_function();
        let response = Hash::from_hex(function, response.as_bytes()).unwrap();
        let proved = input.verify(&ha1(function), method, &response, false);
        assert!(proved.is_none_or(|proved| proved.rspauth.is_none()), "was not asked for");
        proved.is_some()
    }

    /// What the server answers to that response.
    fn rspauth_to(response: &str, input: &Input<'_>) -> String {
        let function = input.algorithm.hash_function();
        let response = Hash::from_hex(function, response.as_bytes()).unwrap();
        let proved = input.verify(&ha1(function), "GET", &response, true).unwrap();
        proved.rspauth.unwrap().to_hex().as_str().to_owned()
    }

    #[test]
    fn the_response_is_the_one_of_the_rfc() {
        let table = [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Md5Sess, "e783283f46242139c486a698fec7211d"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            (
                Algorithm::Sha256Sess,
                "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7",
            ),
            (
                Algorithm::Sha512_256,
                "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0",
            ),
            (
                Algorithm::Sha512_256Sess,
                "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e",
            ),
        ];
        for (algorithm, response) in table {
            let input = Input { algorithm, ..INPUT };
            assert!(is_response(response, "GET", &input), "{algorithm}");
            assert!(!is_response(response, "POST", &input), "{algorithm}");
        }
    }

    #[test]
    fn method_and_uri_go_into_the_response() {
        let table = [
            ("CONNECT", "example.org:443", "0b6e5abc67db91dcd83de4ce7b169bc6"),
            ("GET", "http://example.org/dir/index.html", "7ae55c5fb04939e0ec434f5cff1c2ae8"),
        ];
        for (method, uri, response) in table {
            let input = Input { uri: uri.as_bytes(), ..INPUT };
            assert!(is_response(response, method, &input), "{method}");
        }
    }

    #[test]
    fn rspauth_has_no_method_in_it() {
        let table = [
            (
                Algorithm::Md5,
                "8ca523f5e9506fed4657c9700eebdbec",
                "9b712497bc9f91499fbcca1dfc5f09a5",
            ),
            (
                Algorithm::Md5Sess,
                "e783283f46242139c486a698fec7211d",
                "b9bdf5673282d64412df46ad40660539",
            ),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
                "86d3b25618d41854ca5039a5d7e53ff6355d5134a9b1fb088a78ac3c462195a0",
            ),
            (
                Algorithm::Sha256Sess,
                "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7",
                "d4ad609d150eafce2281da5c3179878fdb37e6a16021272f4bed1a082f5c2324",
            ),
            (
                Algorithm::Sha512_256,
                "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0",
                "c8f9593a4f49b95ce2c483cc3222ecd360a5c6ec52ca24a530b0aac18478de8c",
            ),
            (
                Algorithm::Sha512_256Sess,
                "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e",
                "98012a4e63fae2aea13adaa3410368ef7278c87ca0acbd3c941ca5fe3dceeb86",
            ),
        ];
        for (algorithm, response, rspauth) in table {
            let input = Input { algorithm, ..INPUT };
            assert_eq!(rspauth_to(response, &input), rspauth, "{algorithm}");
        }
    }

    #[test]
    fn without_qop_neither_count_nor_cnonce_go_in() {
        let input = Input { protection: None, ..INPUT };
        let response = "7b2cc3b30e75b4777ea31027084363fd";
        assert!(is_response(response, "GET", &input));
        assert_eq!(rspauth_to(response, &input), "0ce41fdcf28d7cea59b4fc9db4714a38");
    }

    #[test]
    fn the_same_digits_are_no_secret_of_another_function() {
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        let response = Hash::from_hex(HashFunction::Sha256, response.as_bytes()).unwrap();
        let right = ha1(HashFunction::Sha256);
        let input = Input { algorithm: Algorithm::Sha256, ..INPUT };
        assert!(input.verify(&right, "GET", &response, false).is_some());
        let digits = right.expose_hex();
        let mislabelled = HashedA1::from_hex(HashFunction::Sha512_256, &digits).unwrap();
        assert!(input.verify(&mislabelled, "GET", &response, false).is_none());
    }

    #[test]
    fn a_session_without_a_cnonce_has_no_key() {
        let session = Input { algorithm: Algorithm::Md5Sess, ..INPUT };
        let ha1 = ha1(HashFunction::Md5);
        assert!(session.response(&ha1, "GET").is_some());
        let without = Input { protection: None, ..session };
        assert!(without.response(&ha1, "GET").is_none());
    }
}
