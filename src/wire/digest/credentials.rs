//! Digest credentials, [RFC 7616, section 3.4], as a client sends them.
//!
//! [RFC 7616, section 3.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4

use std::{borrow::Cow, fmt};

use http::{HeaderValue, Method};

use super::{
    Algorithm, CredentialsError, HashedA1, NonceCount, UriCheck,
    hash::Hash,
    info::AuthenticationInfo,
    parameters::{Name, Parameters},
    protection::Protection,
    response::{Input, ProtectionInput, Verified},
    username::{Claimed, Username},
};
use crate::{grammar::Value, head::RequestHead};

/// Digest credentials, checked as far as possible without looking up the user.
///
/// `Debug` shows neither the name nor the response.
pub(crate) struct Credentials {
    field: HeaderValue,
    username: Username,
    realm: Value,
    nonce: Value,
    uri: Value,
    response: Hash,
    algorithm: Algorithm,
    protection: Option<Protection>,
}

/// How credentials are parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParseOptions {
    /// The maximum number of parameters.
    pub(crate) max_parameters: usize,
    /// Whether a `username` that is not UTF-8 is read as Latin-1.
    pub(crate) latin1: bool,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { max_parameters: 32, latin1: false }
    }
}

impl Credentials {
    /// Reads the parameters that start at `position` in the field, after the scheme. Unknown
    /// parameters are ignored.
    ///
    /// # Errors
    /// Returns the first problem.
    pub(crate) fn parse(
        field: HeaderValue,
        position: usize,
        options: &ParseOptions,
    ) -> Result<Self, CredentialsError> {
        let parameters = Parameters::read(field.as_bytes(), position, options.max_parameters)?;
        let algorithm = parse_algorithm(&parameters)?;
        let realm = parameters.required(Name::Realm)?;
        let nonce = parameters.required(Name::Nonce)?;
        let uri = parameters.required(Name::Uri)?;
        let response = parameters.text(parameters.required(Name::Response)?);
        let response = Hash::from_hex(algorithm.hash_function(), &response)
            .ok_or(CredentialsError::Improper("response"))?;
        let protection = Protection::parse(&parameters)?;
        if algorithm.is_session() && protection.is_none() {
            return Err(CredentialsError::Missing("qop"));
        }
        // Last, so that a malformed field is refused as such whatever its name is.
        let username = Username::parse(&parameters, algorithm.hash_function(), options.latin1)?;
        Ok(Self { username, realm, nonce, uri, response, algorithm, protection, field })
    }

    /// Returns the algorithm; MD5 if the client named none.
    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn realm(&self) -> Cow<'_, [u8]> {
        self.text(self.realm)
    }

    pub(crate) fn nonce(&self) -> Cow<'_, [u8]> {
        self.text(self.nonce)
    }

    /// Returns the nonce-count; `None` for a response without qop, as in RFC 2069.
    pub(crate) fn count(&self) -> Option<NonceCount> {
        self.protection.map(|protection| protection.count)
    }

    /// Returns whether the client sent a hash in place of the user-id.
    pub(crate) const fn has_userhash(&self) -> bool {
        matches!(self.username, Username::Hashed(_))
    }

    /// Returns the names that the client may have meant, or the hash that it sent instead.
    pub(crate) fn claimed(&self) -> Claimed<'_> {
        self.username.claimed(self.field.as_bytes())
    }

    pub(crate) fn field(&self) -> &[u8] {
        self.field.as_bytes()
    }

    /// Returns whether `uri` names the resource of the request.
    ///
    /// Some clients escape `uri` and some do not. The reading that names the resource is used in
    /// the response.
    pub(crate) fn names_resource(&mut self, head: &RequestHead<'_>, check: &UriCheck) -> bool {
        for uri in [self.uri, self.uri.without_escapes()] {
            if check.accepts(&self.text(uri), head) {
                self.uri = uri;
                return true;
            }
        }
        false
    }

    /// Checks the response in constant time; `None` if it was not computed from `ha1`. The nonce
    /// and the resource are checked elsewhere.
    ///
    /// `with_rspauth` computes the server's own proof too, unless there is no qop, without which
    /// it cannot be sent.
    pub(crate) fn verify(
        &self,
        ha1: &HashedA1,
        method: &Method,
        with_rspauth: bool,
    ) -> Option<Verified> {
        let with_rspauth = with_rspauth && self.protection.is_some();
        let (nonce, uri) = (&self.text(self.nonce), &self.text(self.uri));
        let verify = |protection| {
            let input = Input { algorithm: self.algorithm, nonce, protection, uri };
            input.verify(ha1, method.as_str(), &self.response, with_rspauth)
        };
        let Some(sent) = &self.protection else { return verify(None) };
        let (qop, count) = (&self.text(sent.qop), &self.text(sent.nc));
        verify(Some(ProtectionInput { qop, count, cnonce: &self.text(sent.cnonce) }))
    }

    /// Returns the `Proxy-Authentication-Info` for these credentials once they are accepted.
    pub(crate) fn authentication_info(
        &self,
        verified: &Verified,
        next_nonce: Option<&str>,
    ) -> Option<HeaderValue> {
        let (Some(rspauth), Some(sent)) = (verified.rspauth, self.protection) else {
            return AuthenticationInfo { proof: None, next_nonce }.to_header_value();
        };
        let (qop, count) = (self.text(sent.qop), self.text(sent.nc));
        // The cnonce is returned in quotes, so it keeps its escapes.
        let cnonce = sent.cnonce.raw(self.field.as_bytes());
        let sent = ProtectionInput { qop: &qop, count: &count, cnonce };
        let rspauth = rspauth.to_hex();
        AuthenticationInfo { proof: Some((rspauth.as_bytes(), sent)), next_nonce }.to_header_value()
    }

    fn text(&self, value: Value) -> Cow<'_, [u8]> {
        value.unescaped(self.field.as_bytes())
    }
}

fn parse_algorithm(parameters: &Parameters<'_>) -> Result<Algorithm, CredentialsError> {
    let Some(value) = parameters.get(Name::Algorithm) else { return Ok(Algorithm::Md5) };
    str::from_utf8(&parameters.text(value))
        .ok()
        .and_then(Algorithm::from_name)
        .ok_or(CredentialsError::Improper("algorithm"))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("algorithm", &self.algorithm)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{Extensions, HeaderMap, Uri};

    use super::{
        super::{
            HashFunction,
            sample::{Sample, ha1, is_right},
        },
        *,
    };

    const PROOF: &str = "rspauth=\"9b712497bc9f91499fbcca1dfc5f09a5\", \
                         cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
                         nc=00000001, qop=auth";

    #[test]
    fn accepts_the_example_of_rfc_7616() {
        let sample = Sample::new().parse();
        assert_eq!(sample.algorithm(), Algorithm::Md5);
        assert_eq!(*sample.realm(), *b"http-auth@example.org");
        assert_eq!(*sample.nonce(), *b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
        assert_eq!(sample.count(), Some(NonceCount::ONE));
        assert!(!sample.has_userhash());
        assert!(sample.field().starts_with(b"Digest "));
        assert!(sample.field().ends_with(b"\""));
        assert!(is_right(&sample));
    }

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
        let is_right = |ha1: &HashedA1, method| sample.verify(ha1, &method, false).is_some();
        let right = ha1(HashFunction::Md5);
        assert!(is_right(&right, Method::GET));
        assert!(!is_right(&right, Method::POST));
        assert!(!is_right(&right, Method::CONNECT));
        assert!(!is_right(&ha1(HashFunction::Sha256), Method::GET));
        let wrong = HashedA1::new(HashFunction::Md5, "Mufasa", "http-auth@example.org", "other");
        assert!(!is_right(&wrong, Method::GET));
    }

    #[test]
    fn names_a_missing_parameter() {
        for name in ["username", "realm", "nonce", "uri", "response", "nc", "cnonce"] {
            let error = Sample::new().without(name).error();
            assert_eq!(error, CredentialsError::Missing(name));
        }
        for name in ["algorithm", "opaque"] {
            assert!(is_right(&Sample::new().without(name).parse()), "{name}");
        }
        let session = Sample::new().with("algorithm", "MD5-sess");
        assert_eq!(session.without("qop").error(), CredentialsError::Missing("qop"));
        let session = Sample::new().with("algorithm", "MD5-sess");
        assert_eq!(session.without("cnonce").error(), CredentialsError::Missing("cnonce"));
        for position in [6, 60] {
            let field = HeaderValue::from_static("Digest");
            let error = Credentials::parse(field, position, &ParseOptions::default()).unwrap_err();
            assert_eq!(error, CredentialsError::Missing("realm"), "{position}");
        }
    }

    #[test]
    fn reads_a_response_without_qop_as_rfc_2069() {
        let legacy = Sample::new().without("qop");
        let legacy = legacy.with("response", "7b2cc3b30e75b4777ea31027084363fd").parse();
        assert_eq!(legacy.count(), None);
        assert!(is_right(&legacy), "nc and cnonce are not looked at");
        assert!(!is_right(&Sample::new().without("qop").parse()));
    }

    #[test]
    fn names_a_parameter_with_an_improper_value() {
        let long = "0".repeat(64);
        let table = [
            ("algorithm", "SHA-512"),
            ("algorithm", "\"\""),
            ("algorithm", "MD5-ses"),
            ("qop", "auth-int"),
            ("qop", "\"auth,auth-int\""),
            ("qop", "\"\""),
            ("nc", "00000000"),
            ("nc", "0000001"),
            ("nc", "000000001"),
            ("nc", "\"\""),
            ("nc", "+0000001"),
            ("nc", "0x000001"),
            ("response", "\"\""),
            ("response", "8ca523f5e9506fed4657c9700eebdbe"),
            ("response", "8ca523f5e9506fed4657c9700eebdbecc"),
            ("response", "8ca523f5e9506fed4657c9700eebdbeg"),
            ("response", long.as_str()),
            ("userhash", "1"),
            ("userhash", "\"\""),
        ];
        for (name, value) in table {
            let error = Sample::new().with(name, value).error();
            assert_eq!(error, CredentialsError::Improper(name), "{name}={value}");
        }
    }

    #[test]
    fn accepts_quoted_and_unquoted_values_in_either_case() {
        let table = [
            ("username", "Mufasa"),
            ("username", "\"Mu\\fasa\""),
            ("nc", "\"00000001\""),
            ("nc", "\"0000000\\1\""),
            ("qop", "\"auth\""),
            ("qop", "\"a\\uth\""),
            ("algorithm", "\"MD5\""),
            ("algorithm", "md5"),
            ("response", "8CA523F5E9506FED4657C9700EEBDBEC"),
            ("response", "\"8\\ca523f5e9506fed4657c9700eebdbec\""),
            ("userhash", "false"),
            ("userhash", "\"FALSE\""),
            ("realm", "\"http-auth@example\\.org\""),
            ("uri", "\"/dir/index\\.html\""),
            ("charset", "UTF-8"),
        ];
        for (name, value) in table {
            let sample = Sample::new().with(name, value).parse();
            assert!(is_right(&sample), "{name}={value}");
            assert!(!sample.has_userhash());
            assert_eq!(*sample.realm(), *b"http-auth@example.org");
        }
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
    fn hashes_the_reading_of_uri_that_names_the_resource() {
        const UNESCAPED: &str = "661feb61eb93ee7ebc11bed765c002ca";
        const RAW: &str = "0e0e07316624a66c670cfaab8e625e6a";
        let table = [
            ("/ab", true, UNESCAPED),
            (r"/a\b", true, RAW),
            // Neither reading names it, and nothing has been settled.
            ("/other", false, UNESCAPED),
        ];
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        for (target, expected, response) in table {
            let target = target.parse::<Uri>().unwrap();
            let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
            let mut sample =
                Sample::new().with_all(&[("uri", r#""/a\b""#), ("response", response)]).parse();
            assert_eq!(sample.names_resource(&head, &UriCheck::strict()), expected, "{target}");
            assert!(is_right(&sample), "{target}");
        }
        let target = "/dir/index.html".parse().unwrap();
        let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
        assert!(Sample::new().parse().names_resource(&head, &UriCheck::strict()));
        let mut other = Sample::new().with("uri", "\"/\"").parse();
        assert!(!other.names_resource(&head, &UriCheck::strict()));
    }

    #[test]
    fn authentication_info_proves_the_secret() {
        let info = |sample: &Credentials, with_proof, next_nonce| {
            let ha1 = ha1(sample.algorithm().hash_function());
            let proved = sample.verify(&ha1, &Method::GET, with_proof).unwrap();
            let info = sample.authentication_info(&proved, next_nonce);
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
    fn errors_and_debug_show_nothing_that_was_sent() {
        let shown = format!("{:?}", Sample::new().parse());
        assert_eq!(shown, "Credentials { algorithm: Md5, count: Some(NonceCount(1)), .. }");
        let table = [
            (Sample::new().without("nc").error(), "the parameter nc is missing"),
            (Sample::new().with("nc", "x").error(), "the parameter nc has an improper value"),
            (Sample::new().and("nc", "x").error(), "the parameter nc occurs twice"),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }
}
