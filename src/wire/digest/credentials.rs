//! Digest credentials, [RFC 7616, section 3.4], as a client sends them.
//!
//! [RFC 7616, section 3.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4

use std::{borrow::Cow, fmt};

use http::HeaderValue;

use super::{
    Algorithm, CredentialsError, NonceCount, UriCheck,
    hash::Hash,
    parameters::{Name, Parameters},
    protection::Protection,
    username::Username,
};
use crate::{grammar::Value, head::RequestHead};

/// Digest credentials, checked as far as possible without looking up the user.
///
/// `Debug` does not show the response.
pub(crate) struct Credentials {
    field: HeaderValue,
    realm: Value,
    pub(super) nonce: Value,
    pub(super) uri: Value,
    pub(super) response: Hash,
    algorithm: Algorithm,
    pub(super) protection: Option<Protection>,
}

impl Credentials {
    /// Reads the parameters that start at `position` in the field, after the scheme, and the user
    /// that they name. Unknown parameters are ignored. With `latin1`, a `username` that is not
    /// UTF-8 is read as Latin-1.
    ///
    /// # Errors
    /// Returns the first problem.
    pub(crate) fn parse(
        field: HeaderValue,
        position: usize,
        latin1: bool,
        max_parameters: usize,
    ) -> Result<(Self, Username), CredentialsError> {
        let parameters = Parameters::read(field.as_bytes(), position, max_parameters)?;
        let algorithm = parse_algorithm(&parameters)?;
        let realm = parameters.required(Name::Realm)?;
        let nonce = parameters.required(Name::Nonce)?;
        let uri = parameters.required(Name::Uri)?;
        let response = parameters.text(parameters.required(Name::Response)?);
        let response = Hash::from_hex(algorithm.hash_function(), &response)
            .ok_or(CredentialsError::Improper("response"))?;
        let protection = Protection::parse(&parameters)?;
        if algorithm.is_session() {
            let protection = protection.as_ref().ok_or(CredentialsError::Missing("qop"))?;
            // The response of another algorithm with this hash function is the key of a session
            // whose cnonce is "nc:cnonce:qop:H(A2)".
            if parameters.text(protection.cnonce).contains(&b':') {
                return Err(CredentialsError::Improper("cnonce"));
            }
        }
        // Last, so that a malformed field is refused as such even if its name is impossible.
        let username = Username::parse(&parameters, algorithm.hash_function(), latin1)?;
        Ok((Self { realm, nonce, uri, response, algorithm, protection, field }, username))
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

    pub(crate) fn field(&self) -> &[u8] {
        self.field.as_bytes()
    }

    /// Chooses the reading of `uri` that names the resource of the request, and returns whether
    /// there is one. The response is computed from it.
    ///
    /// Some clients escape `uri` and some do not.
    pub(crate) fn choose_uri(&mut self, head: &RequestHead<'_>, check: &UriCheck) -> bool {
        for uri in [self.uri, self.uri.without_escapes()] {
            if check.accepts(&self.text(uri), head) {
                self.uri = uri;
                return true;
            }
        }
        false
    }

    /// Returns the unescaped bytes of a value.
    pub(super) fn text(&self, value: Value) -> Cow<'_, [u8]> {
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
    use http::{Extensions, HeaderMap, Method, Uri};

    use super::{
        super::sample::{Sample, is_right},
        *,
    };

    #[test]
    fn accepts_the_example_of_rfc_7616() {
        let sample = Sample::new().parse();
        assert_eq!(sample.algorithm(), Algorithm::Md5);
        assert_eq!(*sample.realm(), *b"http-auth@example.org");
        assert_eq!(*sample.nonce(), *b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
        assert_eq!(sample.count(), Some(NonceCount::ONE));
        assert!(sample.field().starts_with(b"Digest "));
        assert!(sample.field().ends_with(b"\""));
        assert!(is_right(&sample));
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
            let error = Credentials::parse(field, position, false, 32).err().unwrap();
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
            assert_eq!(*sample.realm(), *b"http-auth@example.org");
        }
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
            assert_eq!(sample.choose_uri(&head, &UriCheck::strict()), expected, "{target}");
            assert!(is_right(&sample), "{target}");
        }
        let target = "/dir/index.html".parse().unwrap();
        let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
        assert!(Sample::new().parse().choose_uri(&head, &UriCheck::strict()));
        let mut other = Sample::new().with("uri", "\"/\"").parse();
        assert!(!other.choose_uri(&head, &UriCheck::strict()));
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
