//! Digest credentials, [RFC 7616, section 3.4], as a client sends them.
//!
//! [RFC 7616, section 3.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4

use std::{borrow::Cow, fmt};

use http::{HeaderValue, Method};

use super::{
    Algorithm, HashFunction, HashedA1, NonceCount, UriCheck, Userhash,
    algorithm::Hash,
    info::AuthenticationInfo,
    response::{Input, Key, ProtectionInput},
    username::{self, Readings},
};
use crate::{
    grammar::{AuthParam, AuthParams, ExtValue, SyntaxError, Value, unescape},
    head::RequestHead,
    secret::constant_time_eq,
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
    /// A parameter has a value that it can not have.
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

/// Where a value stands in the field, and whether backslashes are to be taken out of it.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    length: usize,
    has_escapes: bool,
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
        let list = field.as_bytes().get(position..).unwrap_or_default();
        let found = Parameters::read(list, position, max_parameters)?;
        let algorithm = found.algorithm()?;
        let username = found.username(algorithm.hash_function())?;
        let realm = Part::of(required(found.realm, "realm")?);
        let nonce = Part::of(required(found.nonce, "nonce")?);
        let uri = Part::of(required(found.uri, "uri")?);
        let response = required(found.response, "response")?;
        let response = Hash::from_hex(algorithm.hash_function(), &text_of(response))
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
        if accepted || !self.uri.has_escapes {
            return accepted;
        }
        self.uri.has_escapes = false;
        check.accepts(&self.text(self.uri), head)
    }

    /// Whether the digest proves the knowledge of `ha1`, compared in constant time.
    ///
    /// It says nothing about the nonce, nor about the resource.
    #[must_use]
    pub fn prove(&self, ha1: &HashedA1, method: &Method) -> bool {
        self.with_input(|input| {
            Key::new(ha1, input).is_some_and(|key| {
                let response = key.response(method.as_str(), input);
                constant_time_eq(response.as_bytes(), self.response.as_bytes())
            })
        })
    }

    /// The `Proxy-Authentication-Info` for these credentials once they have been accepted.
    pub(crate) fn authentication_info(
        &self,
        ha1: &HashedA1,
        with_proof: bool,
        next_nonce: Option<&str>,
    ) -> Option<HeaderValue> {
        let without_proof = || AuthenticationInfo { proof: None, next_nonce }.to_header_value();
        let (true, Some(protection)) = (with_proof, self.protection) else {
            return without_proof();
        };
        self.with_input(|input| {
            let Some(key) = Key::new(ha1, input) else { return without_proof() };
            let rspauth = key.rspauth(input).to_hex();
            let as_sent = ProtectionInput {
                qop: self.raw(protection.qop),
                count: self.raw(protection.count_text),
                cnonce: self.raw(protection.cnonce),
            };
            let proof = Some((rspauth.as_bytes(), as_sent));
            AuthenticationInfo { proof, next_nonce }.to_header_value()
        })
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

    fn with_input<T>(&self, run: impl FnOnce(&Input<'_>) -> T) -> T {
        let (nonce, uri) = (self.text(self.nonce), self.text(self.uri));
        let protection = self.protection.map(|protection| {
            [protection.qop, protection.count_text, protection.cnonce].map(|part| self.text(part))
        });
        let protection =
            protection.as_ref().map(|[qop, count, cnonce]| ProtectionInput { qop, count, cnonce });
        run(&Input { algorithm: self.algorithm, nonce: &nonce, protection, uri: &uri })
    }

    fn raw(&self, part: Part) -> &[u8] {
        let end = part.start.saturating_add(part.length);
        self.field.as_bytes().get(part.start..end).unwrap_or_default()
    }

    fn text(&self, part: Part) -> Cow<'_, [u8]> {
        let raw = self.raw(part);
        if part.has_escapes { Cow::Owned(unescape(raw).collect()) } else { Cow::Borrowed(raw) }
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

impl Part {
    fn of(value: Value<'_>) -> Self {
        Self {
            start: value.position(),
            length: value.raw().len(),
            has_escapes: value.has_escapes(),
        }
    }
}

fn required<'a>(
    value: Option<Value<'a>>,
    name: &'static str,
) -> Result<Value<'a>, CredentialsError> {
    value.ok_or(CredentialsError::Missing(name))
}

fn text_of(value: Value<'_>) -> Cow<'_, [u8]> {
    if value.has_escapes() {
        Cow::Owned(value.unescaped().collect())
    } else {
        Cow::Borrowed(value.raw())
    }
}

/// The parameters that Digest knows, each at most once.
#[derive(Default)]
struct Parameters<'a> {
    username: Option<Value<'a>>,
    username_extended: Option<Value<'a>>,
    userhash: Option<Value<'a>>,
    realm: Option<Value<'a>>,
    nonce: Option<Value<'a>>,
    uri: Option<Value<'a>>,
    response: Option<Value<'a>>,
    algorithm: Option<Value<'a>>,
    opaque: Option<Value<'a>>,
    qop: Option<Value<'a>>,
    nc: Option<Value<'a>>,
    cnonce: Option<Value<'a>>,
}

impl<'a> Parameters<'a> {
    fn read(list: &'a [u8], position: usize, maximum: usize) -> Result<Self, CredentialsError> {
        let params = || AuthParams::new(list, position).with_limit(maximum);
        let mut found = Self::default();
        for (number, param) in params().enumerate() {
            let param = param?;
            match found.slot(&param) {
                Some((_, slot @ None)) => *slot = Some(param.value()),
                Some((name, Some(_))) => return Err(CredentialsError::Duplicate(name)),
                None => {
                    let mut before = params().take(number).flatten();
                    if before.any(|other| other.name().eq_ignore_ascii_case(param.name())) {
                        return Err(CredentialsError::Duplicate("other"));
                    }
                }
            }
        }
        Ok(found)
    }

    fn slot(&mut self, param: &AuthParam<'a>) -> Option<(&'static str, &mut Option<Value<'a>>)> {
        [
            ("username", &mut self.username),
            ("username*", &mut self.username_extended),
            ("userhash", &mut self.userhash),
            ("realm", &mut self.realm),
            ("nonce", &mut self.nonce),
            ("uri", &mut self.uri),
            ("response", &mut self.response),
            ("algorithm", &mut self.algorithm),
            ("opaque", &mut self.opaque),
            ("qop", &mut self.qop),
            ("nc", &mut self.nc),
            ("cnonce", &mut self.cnonce),
        ]
        .into_iter()
        .find(|(name, _)| param.name_is(name))
    }

    fn algorithm(&self) -> Result<Algorithm, CredentialsError> {
        let Some(value) = self.algorithm else { return Ok(Algorithm::Md5) };
        Algorithm::ALL
            .into_iter()
            .find(|one| value.eq_ignore_ascii_case(one.as_str()))
            .ok_or(CredentialsError::Improper("algorithm"))
    }

    fn username(&self, function: HashFunction) -> Result<Username, CredentialsError> {
        let is_hash = match self.userhash {
            None => false,
            Some(value) if value.eq_ignore_ascii_case("true") => true,
            Some(value) if value.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(CredentialsError::Improper("userhash")),
        };
        match (self.username, self.username_extended, is_hash) {
            (None, None, _) => Err(CredentialsError::Missing("username")),
            (Some(_), Some(_), _) | (None, Some(_), true) => {
                Err(CredentialsError::Improper("username*"))
            }
            (Some(value), None, true) => Userhash::from_hex(function, &text_of(value))
                .map(Username::Hashed)
                .ok_or(CredentialsError::Improper("username")),
            (Some(value), None, false) => {
                let name = text_of(value);
                let name = str::from_utf8(&name).ok().filter(|name| username::is_user_id(name));
                name.map(|_| Username::Plain(Part::of(value)))
                    .ok_or(CredentialsError::Improper("username"))
            }
            (None, Some(value), false) => {
                let extended = ExtValue::parse(value.raw(), value.position())?;
                let name = extended.to_text()?;
                let name = Some(name).filter(|name| username::is_user_id(name));
                name.map(Username::Extended).ok_or(CredentialsError::Improper("username*"))
            }
        }
    }

    fn protection(&self) -> Result<Option<Protection>, CredentialsError> {
        let Some(qop) = self.qop else { return Ok(None) };
        if !qop.eq_ignore_ascii_case("auth") {
            return Err(CredentialsError::Improper("qop"));
        }
        let nc = required(self.nc, "nc")?;
        let count = NonceCount::from_hex(&text_of(nc)).ok_or(CredentialsError::Improper("nc"))?;
        let cnonce = required(self.cnonce, "cnonce")?;
        Ok(Some(Protection {
            qop: Part::of(qop),
            count,
            count_text: Part::of(nc),
            cnonce: Part::of(cnonce),
        }))
    }
}
