//! Challenges, [RFC 9110, 11.3](https://www.rfc-editor.org/rfc/rfc9110#section-11.3), as
//! `Proxy-Authenticate` and `WWW-Authenticate` list them.

use std::{fmt, iter::FusedIterator};

use super::{
    auth_param::{AuthParams, DEFAULT_MAX_PARAMETERS, read_param},
    credentials::{CredentialsBody, read_token68, write},
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// The challenges of one field line, one after the other.
///
/// A comma separates challenges and the parameters of one challenge alike. What tells them apart
/// is the `=` after a parameter's name. A challenge is read to its end before it is handed out,
/// so its parameters hold no more errors; after an error the iterator ends.
///
/// # Examples
/// ```
/// use tower_proxy_auth::grammar::Challenges;
///
/// let field = br#"Digest realm="a, b", qop="auth", Negotiate, Basic realm="a, b""#;
/// let challenges = Challenges::new(field).collect::<Result<Vec<_>, _>>()?;
/// let schemes: Vec<_> = challenges.iter().map(|challenge| challenge.scheme()).collect();
/// assert_eq!(schemes, [b"Digest".as_slice(), b"Negotiate", b"Basic"]);
/// # Ok::<(), tower_proxy_auth::grammar::SyntaxError>(())
/// ```
#[derive(Clone)]
pub struct Challenges<'a> {
    cursor: Cursor<'a>,
    limit: usize,
}

/// A challenge: a scheme and what a client needs to know to answer it.
#[derive(Clone)]
pub struct Challenge<'a> {
    scheme: &'a [u8],
    position: usize,
    body: CredentialsBody<'a>,
}

impl<'a> Challenges<'a> {
    /// Reads the challenges of `field`, each with up to [`DEFAULT_MAX_PARAMETERS`] parameters.
    #[must_use]
    pub const fn new(field: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(field, 0), limit: DEFAULT_MAX_PARAMETERS }
    }

    /// Reads up to `limit` parameters of a challenge. One more is an error; `usize::MAX` means no
    /// limit.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    fn read(&mut self) -> Result<Challenge<'a>, SyntaxError> {
        let position = self.cursor.position();
        let scheme = self.cursor.take_token();
        if scheme.is_empty() {
            return Err(self.cursor.error(SyntaxErrorKind::ExpectedScheme));
        }
        let body = self.read_body()?;
        Ok(Challenge { scheme, position, body })
    }

    /// Reads what follows a scheme, and stops at the comma after it or at the next scheme.
    fn read_body(&mut self) -> Result<CredentialsBody<'a>, SyntaxError> {
        let after_scheme = self.cursor;
        let spaces = self.cursor.take_while(|byte| byte == b' ');
        let after_spaces = self.cursor;
        self.cursor.skip_ows();
        if is_end_of_member(self.cursor.peek()) && (spaces.is_empty() || self.is_at_challenge()) {
            return Ok(CredentialsBody::Empty);
        }
        if spaces.is_empty() {
            return Err(after_scheme.error(SyntaxErrorKind::AfterScheme));
        }
        self.cursor = after_spaces;
        if let Some(token68) = read_token68(&mut self.cursor)
            && is_end_of_member(self.cursor.peek())
        {
            return Ok(CredentialsBody::Token68(token68));
        }
        self.cursor = after_spaces;
        self.read_params().map(CredentialsBody::Params)
    }

    /// Reads parameters up to the end of the field or to the next challenge.
    fn read_params(&mut self) -> Result<AuthParams<'a>, SyntaxError> {
        self.cursor.skip_to_member();
        let start = self.cursor;
        let mut remaining = self.limit;
        loop {
            remaining = remaining
                .checked_sub(1)
                .ok_or_else(|| self.cursor.error(SyntaxErrorKind::TooManyParameters))?;
            read_param(&mut self.cursor)?;
            let list = self.cursor.since(start);
            if self.is_at_challenge() {
                return Ok(AuthParams::at(Cursor::new(list, start.position()), self.limit));
            }
        }
    }

    /// Goes on to the next member and says whether a challenge, or nothing, begins there.
    fn is_at_challenge(&mut self) -> bool {
        self.cursor.skip_to_member();
        let mut ahead = self.cursor;
        ahead.take_token();
        ahead.skip_ows();
        ahead.peek() != Some(b'=')
    }
}

impl<'a> Challenge<'a> {
    /// The scheme as it was sent; never empty.
    #[must_use]
    pub const fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// Whether the scheme is `name`: schemes are compared without regard to case.
    #[must_use]
    pub fn scheme_is(&self, name: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(name.as_bytes())
    }

    /// What follows the scheme.
    #[must_use]
    pub fn body(&self) -> CredentialsBody<'a> {
        self.body.clone()
    }

    /// Where the scheme begins: an offset in bytes from the beginning of the field.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Appends the challenge to `out`: one space after the scheme, `, ` between parameters, no
    /// whitespace round `=`, everything else as it was sent.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let written = write(self.scheme, &self.body, out);
        debug_assert!(written.is_ok(), "the parameters were read when the challenge was");
    }
}

/// Whether `next` ends a member of a list.
const fn is_end_of_member(next: Option<u8>) -> bool {
    matches!(next, None | Some(b','))
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Result<Challenge<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.skip_to_member();
        if self.cursor.is_at_end() {
            return None;
        }
        let challenge = self.read();
        if challenge.is_err() {
            self.cursor = Cursor::new(b"", self.cursor.position());
        }
        Some(challenge)
    }
}

impl FusedIterator for Challenges<'_> {}

impl fmt::Debug for Challenges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenges")
            .field("position", &self.cursor.position())
            .field("length", &self.cursor.rest().len())
            .field("limit", &self.limit)
            .finish()
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A challenge is no secret, but it comes from a peer: what is shown of it is cut.
        let scheme = self.scheme.get(..64).unwrap_or(self.scheme);
        f.debug_struct("Challenge")
            .field("scheme", &format_args!("{}", scheme.escape_ascii()))
            .field("position", &self.position)
            .field("body", &self.body)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cursor::looks, *};

    /// Each challenge in its plainest form.
    #[track_caller]
    fn printed(field: &str) -> Vec<String> {
        Challenges::new(field.as_bytes())
            .map(|challenge| {
                let mut out = Vec::new();
                challenge.expect("well-formed").write_to(&mut out);
                String::from_utf8(out).expect("UTF-8, as the field is")
            })
            .collect()
    }

    #[test]
    fn tells_challenges_from_parameters() {
        for (field, expected) in [
            ("", &[][..]),
            (" , ,\t", &[]),
            ("Basic", &["Basic"]),
            ("Negotiate, NTLM", &["Negotiate", "NTLM"]),
            ("Negotiate ,NTLM ", &["Negotiate", "NTLM"]),
            ("Negotiate YII=, Basic", &["Negotiate YII=", "Basic"]),
            ("Negotiate YII= ,Basic", &["Negotiate YII=", "Basic"]),
            ("A b, C d", &["A b", "C d"]),
            ("Basic realm=\"R\"", &["Basic realm=\"R\""]),
            ("bAsIc  realm =\t\"R\"", &["bAsIc realm=\"R\""]),
            (
                "Digest realm=\"R, S\", qop=\"auth\", Basic realm=\"Digest a=b\"",
                &["Digest realm=\"R, S\", qop=\"auth\"", "Basic realm=\"Digest a=b\""],
            ),
            (",Digest ,, a=1,,b=2,,Basic,", &["Digest a=1, b=2", "Basic"]),
            ("Basic , realm=R, NTLM", &["Basic realm=R", "NTLM"]),
            ("Basic , NTLM", &["Basic", "NTLM"]),
            ("Basic \t, NTLM", &["Basic", "NTLM"]),
            ("Basic\t,NTLM", &["Basic", "NTLM"]),
            ("Digest a=1, b", &["Digest a=1", "b"]),
            ("Digest a=1, b c=2, d=3", &["Digest a=1", "b c=2, d=3"]),
            ("Digest a=, Basic", &["Digest a=", "Basic"]),
        ] {
            assert_eq!(printed(field), expected, "{field}");
        }
    }

    #[test]
    fn reads_the_challenges_of_rfc_7616() {
        let line = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                    algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                    opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let field = format!("{line}, {}", line.replace("SHA-256", "MD5"));
        let challenges: Vec<_> = Challenges::new(field.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(challenges.len(), 2);
        for (challenge, algorithm) in challenges.iter().zip(["SHA-256", "MD5"]) {
            assert!(challenge.scheme_is("digest"));
            assert!(field[challenge.position()..].starts_with("Digest"));
            let CredentialsBody::Params(params) = challenge.body() else { panic!("parameters") };
            let params: Vec<_> = params.map(Result::unwrap).collect();
            let names: Vec<_> = params.iter().map(|param| param.name()).collect();
            assert_eq!(names, [&b"realm"[..], b"qop", b"algorithm", b"nonce", b"opaque"]);
            assert_eq!(params[2].value().raw(), algorithm.as_bytes());
            assert_eq!(params[1].value().raw(), b"auth, auth-int");
            let (start, raw) = (params[3].value().position(), params[3].value().raw());
            assert_eq!(&field.as_bytes()[start..start + raw.len()], raw);
        }
    }

    #[test]
    fn refuses_what_is_no_list_of_challenges_and_ends_there() {
        use SyntaxErrorKind::*;
        for (name, field, kind, position) in [
            ("a lone 0xE9", b"\xE9".as_slice(), ExpectedScheme, 0),
            ("parameters alone", b"realm=\"R\"", AfterScheme, 5),
            ("a parameter after a token68", b"Negotiate YII=, a=1", AfterScheme, 17),
            ("a parameter after an empty one", b"Basic, realm=R", AfterScheme, 12),
            ("a tab after the scheme", b"Basic\trealm=R", AfterScheme, 5),
            ("no equals sign", b"Basic realm \"R\"", ExpectedEquals, 12),
            ("two words", b"Basic a b", ExpectedEquals, 8),
            ("no name", b"Basic ,=1", ExpectedName, 7),
            ("no value", b"Digest a=1, b=", ExpectedValue, 14),
            ("a lone quote", b"Basic realm=\"", UnclosedQuote, 12),
            ("no comma", b"Digest a=1 b=2", AfterValue, 11),
            ("NUL", b"Basic realm=\"\0\"", ControlCharacter, 13),
            ("garbage after a challenge", b"Basic a=1, \"", ExpectedScheme, 11),
        ] {
            let mut challenges = Challenges::new(field);
            let error = challenges.find_map(Result::err).expect(name);
            assert_eq!(error, SyntaxError::new(kind, position), "{name}");
            assert!(challenges.next().is_none(), "{name}");
        }
    }

    #[test]
    fn the_limit_is_for_each_challenge() {
        let field = [b"A ".as_slice(), &b"a=b,".repeat(3), b"B ", &b"a=b,".repeat(3)].concat();
        assert_eq!(Challenges::new(&field).with_limit(3).flatten().count(), 2);
        let error = Challenges::new(&field).with_limit(2).find_map(Result::err);
        assert_eq!(error, Some(SyntaxError::new(SyntaxErrorKind::TooManyParameters, 10)));
        let field = [b"A ".as_slice(), &b"a=b,".repeat(DEFAULT_MAX_PARAMETERS + 1)].concat();
        let error = Challenges::new(&field).find_map(Result::err).expect("past the limit");
        assert_eq!(error.kind(), SyntaxErrorKind::TooManyParameters);
    }

    #[test]
    fn no_byte_is_looked_at_more_than_eight_times() {
        let size = 20_000;
        for unit in [
            "a",
            " ",
            ",",
            "a,",
            "a ,",
            "a b,",
            "a b=,",
            "a=b,",
            "a b=c,",
            "a  b  =  c  ,",
            "a ,, ",
        ] {
            for prefix in ["", "Basic ", "Basic , "] {
                let field = [prefix, &unit.repeat(size / unit.len())].concat();
                let looks = looks::during(|| {
                    Challenges::new(field.as_bytes()).with_limit(usize::MAX).for_each(drop);
                });
                assert!(looks <= 8 * field.len(), "{prefix}{unit}: {looks} looks");
            }
        }
    }

    #[test]
    fn debug_output_is_cut() {
        let field = "A".repeat(10_000);
        let challenge = Challenges::new(field.as_bytes()).next().unwrap().unwrap();
        assert!(format!("{challenge:?}").len() < 200);
    }
}
