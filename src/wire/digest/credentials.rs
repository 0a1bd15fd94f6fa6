//! Digest credentials, [RFC 7616, section 3.4], as a client sends them.
//!
//! [RFC 7616, section 3.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4

use std::{borrow::Cow, fmt};

use http::{HeaderValue, Method};

use super::{
    Algorithm, HashFunction, HashedA1, NonceCount, UriCheck, Userhash,
    hash::Hash,
    info::AuthenticationInfo,
    parameters::{Name, Parameters},
    part::Part,
    response::{Input, ProtectionInput, Verified},
    username::{self, Readings},
};
use crate::{
    grammar::{ExtValue, SyntaxError},
    head::RequestHead,
};

/// Why a field holds no Digest credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The field does not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A parameter occurs twice. Unknown ones go by the name `other`.
    #[error("the parameter {0} occurs twice")]
    Duplicate(&'static str),
    /// A parameter is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter has a value that it cannot have.
    #[error("the parameter {0} has an improper value")]
    Improper(&'static str),
}

/// Digest credentials, checked for all that can be checked without knowing anybody.
///
/// Holds the field value and offsets into it. `Debug` shows neither the name nor the digest.
pub struct Credentials {
    field: HeaderValue,
    username: Username,
    realm: Part,
    nonce: Part,
    uri: Part,
    response: Hash,
    algorithm: Algorithm,
    protection: Option<Protection>,
}

/// The name as sent: what it is decides how it is looked up.
enum Username {
    Plain(Part),
    Extended(String),
    Hashed(Userhash),
}

/// What comes with qop.
#[derive(Clone, Copy)]
struct Protection {
    qop: Part,
    count: NonceCount,
    count_text: Part,
    cnonce: Part,
}

/// Who the credentials speak of.
#[derive(Debug)]
pub(crate) enum Claimed<'a> {
    /// A name, in its readings.
    Names(Readings<'a>),
    /// The hash of a name.
    Userhash(&'a Userhash),
}

impl Credentials {
    /// Reads the parameters that start at `position` in the field, past the scheme.
    ///
    /// # Errors
    /// [`CredentialsError`]: the first thing that is wrong. Unknown parameters are ignored.
    pub fn parse(
        field: HeaderValue,
        position: usize,
        max_parameters: usize,
    ) -> Result<Self, CredentialsError> {
        let mut found = Parameters::none(field.as_bytes());
        found.read(position, max_parameters)?;
        let algorithm = found.algorithm()?;
        let username = found.username(algorithm.hash_function())?;
        let [realm, nonce, uri, response] =
            [Name::Realm, Name::Nonce, Name::Uri, Name::Response].map(|name| found.required(name));
        let (realm, nonce, uri) = (realm?, nonce?, uri?);
        let response = Hash::from_hex(algorithm.hash_function(), &response?.text(found.field()))
            .ok_or(CredentialsError::Improper("response"))?;
        let protection = found.protection()?;
        if algorithm.is_session() && protection.is_none() {
            return Err(CredentialsError::Missing("qop"));
        }
        Ok(Self { username, realm, nonce, uri, response, algorithm, protection, field })
    }

    /// The algorithm; MD5 where none is named.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The realm that the client answers to.
    #[must_use]
    pub fn realm(&self) -> Cow<'_, [u8]> {
        self.text(self.realm)
    }

    /// The nonce, whoever issued it.
    #[must_use]
    pub fn nonce(&self) -> Cow<'_, [u8]> {
        self.text(self.nonce)
    }

    /// The nonce-count; `None` for a response without qop, as in RFC 2069.
    #[must_use]
    pub fn count(&self) -> Option<NonceCount> {
        self.protection.map(|protection| protection.count)
    }

    /// Whether a hash stands in for the user-id.
    #[must_use]
    pub const fn has_userhash(&self) -> bool {
        matches!(self.username, Username::Hashed(_))
    }

    /// Whether `uri` names the resource of the request, and if so, in which reading: some clients
    /// escape what they send and some do not.
    #[must_use]
    pub fn names_resource(&mut self, head: &RequestHead<'_>, check: &UriCheck) -> bool {
        let accepted = check.accepts(&self.text(self.uri), head);
        if accepted || !self.uri.has_escapes() {
            return accepted;
        }
        let literal = self.uri.literal();
        let accepted = check.accepts(&self.text(literal), head);
        if accepted {
            self.uri = literal;
        }
        accepted
    }

    /// Whether the digest proves the knowledge of `ha1`, compared in constant time.
    ///
    /// It says nothing about the nonce, nor about the resource.
    #[must_use]
    pub fn prove(&self, ha1: &HashedA1, method: &Method) -> bool {
        self.verify(ha1, method, false).is_some()
    }

    /// `None` unless the digest proves the knowledge of `ha1`. With `with_rspauth` the server's own
    /// proof is computed too, if there is a qop, without which nothing carries it.
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
        let (qop, count) = (&self.text(sent.qop), &self.text(sent.count_text));
        verify(Some(ProtectionInput { qop, count, cnonce: &self.text(sent.cnonce) }))
    }

    /// The `Proxy-Authentication-Info` for these credentials once they have been accepted.
    pub(crate) fn authentication_info(
        &self,
        verified: &Verified,
        next_nonce: Option<&str>,
    ) -> Option<HeaderValue> {
        let (Some(rspauth), Some(sent)) = (verified.rspauth, self.protection) else {
            return AuthenticationInfo { proof: None, next_nonce }.to_header_value();
        };
        let (qop, count) = (self.text(sent.qop), self.text(sent.count_text));
        // The cnonce goes back in quotes, so its escapes must go with it.
        let cnonce = self.raw(sent.cnonce);
        let sent = ProtectionInput { qop: &qop, count: &count, cnonce };
        let rspauth = rspauth.to_hex();
        AuthenticationInfo { proof: Some((rspauth.as_bytes(), sent)), next_nonce }.to_header_value()
    }

    pub(crate) fn field(&self) -> &[u8] {
        self.field.as_bytes()
    }

    pub(crate) fn claimed(&self) -> Claimed<'_> {
        match &self.username {
            Username::Plain(part) => {
                Claimed::Names(username::readings(self.raw(*part), self.text(*part)))
            }
            // An extended name has been decoded already: a percent sign in it is a percent sign.
            Username::Extended(name) => {
                Claimed::Names([Some(Cow::Borrowed(name.as_str())), None, None])
            }
            Username::Hashed(hash) => Claimed::Userhash(hash),
        }
    }

    fn raw(&self, part: Part) -> &[u8] {
        part.raw(self.field.as_bytes())
    }

    fn text(&self, part: Part) -> Cow<'_, [u8]> {
        part.text(self.field.as_bytes())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("algorithm", &self.algorithm)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// What the parameters mean together.
impl Parameters<'_> {
    fn algorithm(&self) -> Result<Algorithm, CredentialsError> {
        let Some(part) = self.get(Name::Algorithm) else { return Ok(Algorithm::Md5) };
        let text = part.text(self.field());
        let named = |one: &Algorithm| text.eq_ignore_ascii_case(one.as_str().as_bytes());
        Algorithm::all().find(named).ok_or(CredentialsError::Improper("algorithm"))
    }

    fn username(&self, function: HashFunction) -> Result<Username, CredentialsError> {
        let field = self.field();
        let is_hash = match self.get(Name::Userhash) {
            None => false,
            Some(part) if part.is("true", field) => true,
            Some(part) if part.is("false", field) => false,
            Some(_) => return Err(CredentialsError::Improper("userhash")),
        };
        match (self.get(Name::Username), self.get(Name::UsernameExtended), is_hash) {
            (None, None, _) => Err(CredentialsError::Missing("username")),
            (Some(_), Some(_), _) | (None, Some(_), true) => {
                Err(CredentialsError::Improper("username*"))
            }
            (Some(part), None, true) => Userhash::from_hex(function, &part.text(field))
                .map(Username::Hashed)
                .ok_or(CredentialsError::Improper("username")),
            (Some(part), None, false) => {
                let is_user_id = username::is_user_id(&part.text(field));
                is_user_id
                    .then_some(Username::Plain(part))
                    .ok_or(CredentialsError::Improper("username"))
            }
            (None, Some(part), false) => {
                let extended = ExtValue::parse(part.raw(field), part.position())?;
                let name = extended.to_text()?;
                let name = Some(name).filter(|name| username::is_user_id(name.as_bytes()));
                name.map(Username::Extended).ok_or(CredentialsError::Improper("username*"))
            }
        }
    }

    fn protection(&self) -> Result<Option<Protection>, CredentialsError> {
        let Some(qop) = self.get(Name::Qop) else { return Ok(None) };
        if !qop.is("auth", self.field()) {
            return Err(CredentialsError::Improper("qop"));
        }
        let count_text = self.required(Name::Nc)?;
        let count = NonceCount::from_hex(&count_text.text(self.field()))
            .ok_or(CredentialsError::Improper("nc"))?;
        let cnonce = self.required(Name::Cnonce)?;
        Ok(Some(Protection { qop, count, count_text, cnonce }))
    }
}

#[cfg(test)]
mod tests {
    use http::{Extensions, HeaderMap, Uri};

    use super::*;
    use crate::grammar::SyntaxErrorKind;

    /// The example of RFC 7616, section 3.9.1, for MD5, as it is printed there.
    const SAMPLE: [(&str, &str); 10] = [
        ("username", "\"Mufasa\""),
        ("realm", "\"http-auth@example.org\""),
        ("uri", "\"/dir/index.html\""),
        ("algorithm", "MD5"),
        ("nonce", "\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""),
        ("nc", "00000001"),
        ("cnonce", "\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""),
        ("qop", "auth"),
        ("response", "\"8ca523f5e9506fed4657c9700eebdbec\""),
        ("opaque", "\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""),
    ];
    const PROOF: &str = "rspauth=\"9b712497bc9f91499fbcca1dfc5f09a5\", \
                         cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
                         nc=00000001, qop=auth";
    const PREFIX: &str = "Digest ";

    struct Sample(Vec<(String, Vec<u8>)>);

    impl Sample {
        fn new() -> Self {
            Self(SAMPLE.map(|(name, value)| (name.to_owned(), value.into())).into())
        }

        fn and(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
            self.0.push((name.to_owned(), value.into()));
            self
        }

        fn without(mut self, name: &str) -> Self {
            self.0.retain(|(other, _)| other != name);
            self
        }

        fn with(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
            self.without(name).and(name, value)
        }

        fn with_all(self, changes: &[(&str, &str)]) -> Self {
            changes.iter().fold(self, |sample, (name, value)| sample.with(name, *value))
        }

        fn parse_at_most(self, maximum: usize) -> Result<Credentials, CredentialsError> {
            let params = self
                .0
                .into_iter()
                .map(|(name, value)| [name.as_bytes(), b"=".as_slice(), value.as_slice()].concat());
            let list = params.collect::<Vec<_>>().join(b", ".as_slice());
            let field = HeaderValue::from_bytes(&[PREFIX.as_bytes(), &list].concat()).unwrap();
            Credentials::parse(field, PREFIX.len(), maximum)
        }

        #[track_caller]
        fn parse(self) -> Credentials {
            self.parse_at_most(32).unwrap()
        }

        #[track_caller]
        fn error(self) -> CredentialsError {
            self.parse_at_most(32).unwrap_err()
        }
    }

    fn ha1(function: HashFunction) -> HashedA1 {
        HashedA1::new(function, "Mufasa", "http-auth@example.org", "Circle of Life")
    }

    fn proves(credentials: &Credentials) -> bool {
        credentials.prove(&ha1(credentials.algorithm().hash_function()), &Method::GET)
    }

    #[test]
    fn the_example_of_rfc_7616_is_read_and_proved() {
        let sample = Sample::new().parse();
        assert_eq!(sample.algorithm(), Algorithm::Md5);
        assert_eq!(*sample.realm(), *b"http-auth@example.org");
        assert_eq!(*sample.nonce(), *b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
        assert_eq!(sample.count(), Some(NonceCount::ONE));
        assert!(!sample.has_userhash());
        assert!(sample.field().starts_with(b"Digest "));
        assert!(sample.field().ends_with(b"\""));
        assert!(proves(&sample));
    }

    #[test]
    fn each_algorithm_has_a_response_of_its_own() {
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
                        proves(&sent(other_response)),
                        other == algorithm,
                        "{other}'s response as {algorithm}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_changed_part_or_another_secret_proves_nothing() {
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
            assert!(!proves(&Sample::new().with(name, value).parse()), "{name}={value}");
        }
        let sample = Sample::new().parse();
        let right = ha1(HashFunction::Md5);
        assert!(sample.prove(&right, &Method::GET));
        assert!(!sample.prove(&right, &Method::POST));
        assert!(!sample.prove(&right, &Method::CONNECT));
        assert!(!sample.prove(&ha1(HashFunction::Sha256), &Method::GET));
        let wrong = HashedA1::new(HashFunction::Md5, "Mufasa", "http-auth@example.org", "other");
        assert!(!sample.prove(&wrong, &Method::GET));
    }

    #[test]
    fn each_parameter_stands_once_whatever_its_case() {
        let known = SAMPLE.map(|(name, _)| name).into_iter().chain(["username*", "userhash"]);
        for name in known {
            let twice = || Sample::new().with(name, "x");
            let expected = CredentialsError::Duplicate(name);
            assert_eq!(twice().and(name, "x").error(), expected, "{name}");
            assert_eq!(twice().and(&name.to_uppercase(), "\"x\"").error(), expected, "{name}");
        }
        let other = || Sample::new().and("x", "1").and("y", "1");
        assert_eq!(other().and("x", "1").error(), CredentialsError::Duplicate("other"));
        assert_eq!(other().and("Y", "2").error(), CredentialsError::Duplicate("other"));
        assert!(proves(&other().and("z", "1").parse()));
    }

    #[test]
    fn a_missing_parameter_is_named() {
        for name in ["username", "realm", "nonce", "uri", "response", "nc", "cnonce"] {
            let error = Sample::new().without(name).error();
            assert_eq!(error, CredentialsError::Missing(name));
        }
        for name in ["algorithm", "opaque"] {
            assert!(proves(&Sample::new().without(name).parse()), "{name}");
        }
        let session = Sample::new().with("algorithm", "MD5-sess");
        assert_eq!(session.without("qop").error(), CredentialsError::Missing("qop"));
        let session = Sample::new().with("algorithm", "MD5-sess");
        assert_eq!(session.without("cnonce").error(), CredentialsError::Missing("cnonce"));
        let empty = Credentials::parse(HeaderValue::from_static("Digest"), 6, 32);
        assert_eq!(empty.unwrap_err(), CredentialsError::Missing("username"));
        let past_the_end = Credentials::parse(HeaderValue::from_static("Digest"), 60, 32);
        assert_eq!(past_the_end.unwrap_err(), CredentialsError::Missing("username"));
    }

    #[test]
    fn without_qop_it_is_a_response_of_rfc_2069() {
        let legacy = Sample::new().without("qop");
        let legacy = legacy.with("response", "7b2cc3b30e75b4777ea31027084363fd").parse();
        assert_eq!(legacy.count(), None);
        assert!(proves(&legacy), "nc and cnonce are not looked at");
        assert!(!proves(&Sample::new().without("qop").parse()));
    }

    #[test]
    fn an_improper_value_is_named() {
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
            ("username", "\"\""),
            ("username", "\"a\tb\""),
            ("username", "\"J\\\u{85}\""),
            ("userhash", "1"),
            ("userhash", "\"\""),
        ];
        for (name, value) in table {
            let error = Sample::new().with(name, value).error();
            assert_eq!(error, CredentialsError::Improper(name), "{name}={value}");
        }
        let latin1 = Sample::new().with("username", b"\"J\xe4son\"");
        assert_eq!(latin1.error(), CredentialsError::Improper("username"));
    }

    #[test]
    fn quoted_and_unquoted_forms_of_either_case_are_the_same() {
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
            assert!(proves(&sample), "{name}={value}");
            assert!(!sample.has_userhash());
            assert_eq!(*sample.realm(), *b"http-auth@example.org");
        }
    }

    #[test]
    fn qop_and_nc_are_hashed_in_the_case_in_which_they_were_sent() {
        let upper =
            Sample::new().with("qop", "AUTH").with("response", "2f88e98c258e014b26b6a225bb3f8aa8");
        assert!(proves(&upper.parse()));
        let upper = Sample::new()
            .with("nc", "0000000A")
            .with("response", "e59d8ac7d668f850f4a012a0a896fb8c");
        let upper = upper.parse();
        assert!(proves(&upper));
        assert_eq!(upper.count(), NonceCount::new(10));
    }

    #[test]
    fn escapes_are_taken_out_before_hashing() {
        let cnonce = Sample::new()
            .with_all(&[("cnonce", r#""a\"b""#), ("response", "bbf2c695faf347c245351493fb9802ec")]);
        assert!(proves(&cnonce.parse()));
        let session = Sample::new().with_all(&[
            ("cnonce", r#""a\"b""#),
            ("algorithm", "MD5-sess"),
            ("response", "c876808fc0c7e500195783c332ac94f9"),
        ]);
        assert!(proves(&session.parse()));
        let nonce = Sample::new()
            .with_all(&[("nonce", r#""a\"b""#), ("response", "82514945ac64accaca6ad4f3a72bb02c")]);
        let nonce = nonce.parse();
        assert!(proves(&nonce));
        assert_eq!(*nonce.nonce(), *br#"a"b"#);
    }

    #[test]
    fn the_reading_of_uri_that_names_the_resource_is_hashed() {
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
            assert!(proves(&sample), "{target}");
        }
        let target = "/dir/index.html".parse().unwrap();
        let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
        assert!(Sample::new().parse().names_resource(&head, &UriCheck::strict()));
        let mut other = Sample::new().with("uri", "\"/\"").parse();
        assert!(!other.names_resource(&head, &UriCheck::strict()));
    }

    #[test]
    fn a_user_is_named_in_one_way_alone() {
        let extended = |value: &str| Sample::new().without("username").and("username*", value);
        let both = Sample::new().and("username*", "UTF-8''Mufasa");
        assert_eq!(both.error(), CredentialsError::Improper("username*"));
        let hashed = extended("UTF-8''Mufasa").and("userhash", "true");
        assert_eq!(hashed.error(), CredentialsError::Improper("username*"));
        let all = Sample::new().and("username*", "UTF-8''Mufasa").and("userhash", "true");
        assert_eq!(all.error(), CredentialsError::Improper("username*"));
        let nobody = Sample::new().without("username").and("userhash", "true");
        assert_eq!(nobody.error(), CredentialsError::Missing("username"));
        let empty = extended("UTF-8''");
        assert_eq!(empty.error(), CredentialsError::Improper("username*"));

        let named = extended("utf-8'en'J%C3%A4s%c3%b8n%20100%25").parse();
        match named.claimed() {
            Claimed::Names([Some(name), None, None]) => assert_eq!(name, "J\u{e4}s\u{f8}n 100%"),
            other => panic!("{other:?}"),
        }
        assert!(proves(&named));
    }

    #[test]
    fn a_broken_extended_name_is_refused_at_its_place() {
        let table = [
            ("ISO-8859-1''J%E4son", SyntaxErrorKind::UnknownCharset, 0),
            ("Mufasa", SyntaxErrorKind::ExpectedCharset, 6),
            ("UTF-8''%zz", SyntaxErrorKind::InvalidEscape, 7),
            ("UTF-8''a%00", SyntaxErrorKind::ControlCharacter, 8),
            ("UTF-8''%C0%AF", SyntaxErrorKind::InvalidUtf8, 7),
        ];
        for (value, kind, position) in table {
            let list = format!("{PREFIX}username*={value}");
            let start = list.len() - value.len();
            let error = Credentials::parse(list.try_into().unwrap(), PREFIX.len(), 32).unwrap_err();
            assert_eq!(
                error,
                CredentialsError::Syntax(SyntaxError::new(kind, start + position)),
                "{value}"
            );
        }
    }

    #[test]
    fn a_userhash_is_as_long_as_its_function_makes_it() {
        let hash = "4238f3a16167373febb9bc4d43db9cc4";
        let sent = |name: &str| Sample::new().with("username", name).and("userhash", "TRUE");
        for name in [format!("\"{hash}\""), hash.to_uppercase()] {
            let sample = sent(&name).parse();
            assert!(sample.has_userhash());
            assert!(proves(&sample));
            let Claimed::Userhash(claimed) = sample.claimed() else { panic!("a name") };
            let expected = Userhash::new(HashFunction::Md5, "Mufasa", "http-auth@example.org");
            assert_eq!(*claimed, expected);
        }
        for name in ["Mufasa", &hash[1..], &hash.repeat(2)] {
            assert_eq!(sent(name).error(), CredentialsError::Improper("username"), "{name}");
        }
    }

    #[test]
    fn a_plain_name_is_read_in_all_the_ways_in_which_clients_write_it() {
        let readings = |value: &str| match Sample::new().with("username", value).parse().claimed() {
            Claimed::Names(names) => names.map(|name| name.map(Cow::into_owned)),
            Claimed::Userhash(_) => panic!("a hash"),
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(readings("\"Mufasa\""), [some("Mufasa"), None, None]);
        assert_eq!(readings(r#""a\b""#), [some("ab"), some(r"a\b"), None]);
        assert_eq!(readings(r#""a\%41""#), [some("a%41"), some(r"a\%41"), some("aA")]);
        assert_eq!(readings("\"J\u{e4}son\""), [some("J\u{e4}son"), None, None]);
    }

    #[test]
    fn more_parameters_than_allowed_are_too_many() {
        assert!(Sample::new().parse_at_most(10).is_ok());
        let error = Sample::new().parse_at_most(9).unwrap_err();
        let CredentialsError::Syntax(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), SyntaxErrorKind::TooManyParameters);
    }

    #[test]
    fn the_answer_proves_that_the_server_knows_the_secret_too() {
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
