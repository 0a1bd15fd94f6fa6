//! Lists of parameters, [RFC 9110, 11.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.2).

use std::{fmt, iter::FusedIterator};

use super::{
    cursor::Cursor,
    quoted::read_quoted,
    syntax_error::{SyntaxError, SyntaxErrorKind},
    value::Value,
};

/// How many parameters [`AuthParams`] reads unless told otherwise. Digest defines twelve.
pub const DEFAULT_MAX_PARAMETERS: usize = 32;

/// The parameters of a list, one after the other, in the order in which they were sent.
///
/// It reads as it goes and ends after the first error. Whether a name occurs twice is for the
/// caller to find out, who knows the names: RFC 9110 allows each of them once.
///
/// # Examples
/// ```
/// use tower_proxy_auth::grammar::{AuthParams, SyntaxErrorKind};
///
/// let mut params = AuthParams::new(br#"qop = auth,, uri="/a", nc"#, 0);
/// let qop = params.next().ok_or("a parameter")??;
/// assert!(qop.name_is("QOP") && qop.value().eq_ignore_ascii_case("auth"));
/// let uri = params.next().ok_or("a parameter")??;
/// assert_eq!(uri.value().raw(), b"/a");
///
/// let error = params.next().ok_or("an error")?.unwrap_err();
/// assert_eq!((error.kind(), error.position()), (SyntaxErrorKind::ExpectedEquals, 25));
/// assert!(params.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AuthParams<'a> {
    cursor: Cursor<'a>,
    remaining: usize,
}

/// A parameter: a name and a value.
#[derive(Clone, Copy)]
pub struct AuthParam<'a> {
    name: &'a [u8],
    position: usize,
    value: Value<'a>,
}

impl<'a> AuthParams<'a> {
    /// Reads the parameters of `list`, which begins `position` bytes into its field, up to
    /// [`DEFAULT_MAX_PARAMETERS`] of them.
    #[must_use]
    pub const fn new(list: &'a [u8], position: usize) -> Self {
        Self::at(Cursor::new(list, position), DEFAULT_MAX_PARAMETERS)
    }

    /// Reads up to `limit` parameters from here on. One more is an error, also where it would not
    /// be well-formed; `usize::MAX` means no limit.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.remaining = limit;
        self
    }

    pub(super) const fn at(cursor: Cursor<'a>, limit: usize) -> Self {
        Self { cursor, remaining: limit }
    }

    /// Whether there is nothing in the list but whitespace and commas.
    pub(super) fn has_no_member(&self) -> bool {
        let mut cursor = self.cursor;
        cursor.skip_to_member();
        cursor.is_at_end()
    }

    fn read(&mut self) -> Result<AuthParam<'a>, SyntaxError> {
        self.remaining = self
            .remaining
            .checked_sub(1)
            .ok_or_else(|| self.cursor.error(SyntaxErrorKind::TooManyParameters))?;
        read_param(&mut self.cursor)
    }
}

impl<'a> AuthParam<'a> {
    /// The name as it was sent.
    #[must_use]
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Whether this is the parameter `name`: names are compared without regard to case.
    #[must_use]
    pub fn name_is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> Value<'a> {
        self.value
    }

    /// Where the name begins: an offset in bytes from the beginning of the field.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Appends the parameter to `out`: name and value as they were sent, without whitespace round
    /// the `=`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let quote: &[u8] = if self.value.is_quoted() { b"\"" } else { b"" };
        for part in [self.name, b"=", quote, self.value.raw(), quote] {
            out.extend_from_slice(part);
        }
    }
}

/// Reads a parameter and the whitespace after it; what follows is a comma or the end.
pub(super) fn read_param<'a>(cursor: &mut Cursor<'a>) -> Result<AuthParam<'a>, SyntaxError> {
    let position = cursor.position();
    let name = cursor.take_token();
    if name.is_empty() {
        return Err(cursor.error(SyntaxErrorKind::ExpectedName));
    }
    cursor.skip_ows();
    if !cursor.eat(b'=') {
        return Err(cursor.error(SyntaxErrorKind::ExpectedEquals));
    }
    cursor.skip_ows();
    let value = read_value(cursor)?;
    cursor.skip_ows();
    match cursor.peek() {
        None | Some(b',') => Ok(AuthParam { name, position, value }),
        Some(_) => Err(cursor.error(SyntaxErrorKind::AfterValue)),
    }
}

fn read_value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, SyntaxError> {
    if cursor.peek() == Some(b'"') {
        return Ok(Value::quoted(&read_quoted(cursor)?));
    }
    let position = cursor.position();
    let token = cursor.take_token();
    if token.is_empty() {
        return Err(cursor.error(SyntaxErrorKind::ExpectedValue));
    }
    Ok(Value::plain(token, position, false))
}

impl<'a> Iterator for AuthParams<'a> {
    type Item = Result<AuthParam<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.skip_to_member();
        if self.cursor.is_at_end() {
            return None;
        }
        let param = self.read();
        if param.is_err() {
            self.cursor = Cursor::new(b"", self.cursor.position());
        }
        Some(param)
    }
}

impl FusedIterator for AuthParams<'_> {}

impl fmt::Debug for AuthParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be part of somebody's credentials: they are not shown.
        f.debug_struct("AuthParams")
            .field("position", &self.cursor.position())
            .field("length", &self.cursor.rest().len())
            .field("remaining", &self.remaining)
            .finish()
    }
}

impl fmt::Debug for AuthParam<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may have been sent where a name belongs: it is not shown either.
        f.debug_struct("AuthParam")
            .field("position", &self.position)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cursor::looks, *};

    #[track_caller]
    fn params(list: &[u8]) -> Vec<AuthParam<'_>> {
        AuthParams::new(list, 0).collect::<Result<_, _>>().expect("well-formed")
    }

    #[track_caller]
    fn error(list: &[u8]) -> SyntaxError {
        let mut params = AuthParams::new(list, 0);
        let error = params.find_map(Result::err).expect("malformed");
        assert!(params.next().is_none(), "goes on after an error");
        error
    }

    #[test]
    fn reads_names_and_values_however_they_are_spaced_and_quoted() {
        for (list, expected) in [
            ("", &[][..]),
            (" , ,\t, ", &[]),
            ("a=1", &[("a", "1")]),
            (r#"realm = "R""#, &[("realm", "R")]),
            ("a\t=\t1\t,\tb=2 ", &[("a", "1"), ("b", "2")]),
            (",a=1,,b=2,", &[("a", "1"), ("b", "2")]),
            (r#"a="",b="x, y=z""#, &[("a", ""), ("b", "x, y=z")]),
            (
                r#"nc="00000001",qop="auth",algorithm="MD5""#,
                &[("nc", "00000001"), ("qop", "auth"), ("algorithm", "MD5")],
            ),
            (
                "nc=00000001,qop=auth,algorithm=md5",
                &[("nc", "00000001"), ("qop", "auth"), ("algorithm", "md5")],
            ),
            ("username*=UTF-8''J%C3%A4s", &[("username*", "UTF-8''J%C3%A4s")]),
            ("username=\"J\u{e4}s\u{f8}n\"", &[("username", "J\u{e4}s\u{f8}n")]),
        ] {
            let read: Vec<_> = params(list.as_bytes())
                .iter()
                .map(|param| (param.name(), param.value().raw()))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            assert_eq!(read, expected, "{list}");
        }
    }

    #[test]
    fn refuses_what_is_no_list_of_parameters() {
        use SyntaxErrorKind::*;
        for (name, list, kind, position) in [
            ("a lone quote", b"uri=\"".as_slice(), UnclosedQuote, 4),
            ("a lone quote, later", b"a=1, uri=\"", UnclosedQuote, 9),
            ("an escaped closing quote", br#"a="b\""#, UnclosedQuote, 2),
            ("no value", b"a=", ExpectedValue, 2),
            ("no value, others follow", b"a=, b=1", ExpectedValue, 2),
            ("no equals sign", b"a", ExpectedEquals, 1),
            ("no equals sign, others follow", b"a, b=1", ExpectedEquals, 1),
            ("two equals signs", b"a==1", ExpectedValue, 2),
            ("no name", b"=1", ExpectedName, 0),
            ("a quoted name", b"\"a\"=1", ExpectedName, 0),
            ("two values", b"a=1 2", AfterValue, 4),
            ("garbage after a quoted-string", b"a=\"1\"2", AfterValue, 5),
            ("a quoted-string after a token", b"a=1\"2\"", AfterValue, 3),
            ("no comma", b"a=1 b=2", AfterValue, 4),
            ("a semicolon", b"a=1; b=2", AfterValue, 3),
            ("two credentials", b"a=1, Digest b=2", ExpectedEquals, 12),
            ("a non-ASCII name", b"n\xC3\xA9=1", ExpectedEquals, 1),
            ("a name that begins so", b"\xE9=1", ExpectedName, 0),
            ("a non-ASCII token", b"a=\xE9", ExpectedValue, 2),
            ("NUL in a quoted-string", b"a=\"b\0\"", ControlCharacter, 4),
            ("a line break", b"a=\"b\r\n c\"", ControlCharacter, 4),
            ("a line break between", b"a=1,\r\n b=2", ExpectedName, 4),
        ] {
            assert_eq!(error(list), SyntaxError::new(kind, position), "{name}");
        }
    }

    #[test]
    fn positions_are_offsets_in_the_field() {
        let field = br#"Digest  a = tok , b="q\"t""#;
        let list = &field[8..];
        let read: Vec<_> = AuthParams::new(list, 8).map(Result::unwrap).collect();
        for param in &read {
            let (value, start) = (param.value(), param.position());
            assert_eq!(&field[start..start + param.name().len()], param.name());
            assert_eq!(&field[value.position()..value.position() + value.raw().len()], value.raw());
        }
        let [token, quoted] = read[..] else { panic!("two parameters") };
        assert!(!token.value().is_quoted() && !token.value().has_escapes());
        assert!(quoted.value().is_quoted() && quoted.value().has_escapes());
        assert!(quoted.value().unescaped().eq(*b"q\"t"));
        assert!(token.name_is("A") && !token.name_is("a*"));
    }

    #[test]
    fn one_parameter_past_the_limit_is_an_error() {
        for limit in [0, 1, DEFAULT_MAX_PARAMETERS] {
            let list = b"a=b,".repeat(limit);
            assert_eq!(AuthParams::new(&list, 0).with_limit(limit).flatten().count(), limit);
            let list = b"a=b,".repeat(limit + 1);
            let mut params = AuthParams::new(&list, 0).with_limit(limit);
            assert_eq!(params.by_ref().take(limit).flatten().count(), limit);
            let error = params.next().expect("one more").expect_err("past the limit");
            assert_eq!(error, SyntaxError::new(SyntaxErrorKind::TooManyParameters, 4 * limit));
            assert!(params.next().is_none());
        }
        let error = error(&b"a=b,".repeat(5_000));
        assert_eq!(error.kind(), SyntaxErrorKind::TooManyParameters);
        assert_eq!(error.position(), 4 * DEFAULT_MAX_PARAMETERS);
    }

    #[test]
    fn no_byte_is_looked_at_more_than_four_times() {
        let size = 20_000;
        for (name, unit) in [
            ("parameters", b"a=b,".as_slice()),
            ("commas", b","),
            ("blanks and commas", b" ,"),
            ("one name", b"a"),
            ("blanks", b" "),
            ("escapes", b"a=\"\\\"\\\"\","),
            ("quotes", b"\""),
        ] {
            let list = unit.repeat(size / unit.len());
            let looks = looks::during(|| {
                AuthParams::new(&list, 0).with_limit(usize::MAX).for_each(drop);
            });
            assert!(looks <= 4 * size, "{name}: {looks} looks");
        }
    }

    #[test]
    fn prints_without_the_whitespace() {
        let mut out = Vec::new();
        for param in params(br#"A = 1, b = "x\"y" "#) {
            param.write_to(&mut out);
            out.push(b';');
        }
        assert_eq!(out, br#"A=1;b="x\"y";"#);
    }

    #[test]
    fn debug_output_shows_no_byte_of_them() {
        let list = b"secret=secret";
        let shown = format!("{:?} {:?}", AuthParams::new(list, 0), params(list));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
