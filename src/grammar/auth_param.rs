//! Lists of parameters, [RFC 9110, 11.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.2).

use super::{
    chars::is_tchar,
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
    value::Value,
};

/// An iterator over the parameters of a list, in the order in which they were sent.
///
/// It ends after the first error. The caller checks whether a name occurs twice.
#[derive(Clone)]
pub(crate) struct AuthParams<'a> {
    cursor: Cursor<'a>,
    remaining: usize,
}

/// A parameter: its name as sent, and the position of its value.
#[derive(Clone, Copy)]
pub(crate) struct AuthParam<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Value,
}

impl<'a> AuthParams<'a> {
    /// Reads the list from `position` to the end of `field`. More than `limit` parameters are an
    /// error.
    pub(crate) const fn new(field: &'a [u8], position: usize, limit: usize) -> Self {
        Self { cursor: Cursor::new(field, position), remaining: limit }
    }

    fn read(&mut self) -> Result<AuthParam<'a>, SyntaxError> {
        self.remaining = self
            .remaining
            .checked_sub(1)
            .ok_or_else(|| self.cursor.error(SyntaxErrorKind::TooManyParameters))?;
        read_param(&mut self.cursor)
    }
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
            self.cursor = Cursor::new(b"", 0);
        }
        Some(param)
    }
}

/// Reads a parameter and the whitespace after it, up to a comma or the end.
fn read_param<'a>(cursor: &mut Cursor<'a>) -> Result<AuthParam<'a>, SyntaxError> {
    let name = cursor.take_while(is_tchar);
    if name.is_empty() {
        return Err(cursor.error(SyntaxErrorKind::ExpectedName));
    }
    cursor.skip_ows();
    if !cursor.eat(b'=') {
        return Err(cursor.error(SyntaxErrorKind::ExpectedEquals));
    }
    cursor.skip_ows();
    let value = Value::read(cursor)?;
    cursor.skip_ows();
    match cursor.peek() {
        None | Some(b',') => Ok(AuthParam { name, value }),
        Some(_) => Err(cursor.error(SyntaxErrorKind::AfterValue)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{
        super::{
            cursor::byte_reads,
            generators::{blank, hostile, quotable, quoted, token},
        },
        *,
    };

    #[track_caller]
    fn error(list: &[u8]) -> SyntaxError {
        let mut params = AuthParams::new(list, 0, 32);
        let error = params.find_map(Result::err).expect("malformed");
        assert!(params.next().is_none(), "continues after an error");
        error
    }

    #[test]
    fn reads_names_and_values() {
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
            let field = format!("Digest {list}");
            let field = field.as_bytes();
            let params = AuthParams::new(field, "Digest ".len(), 32);
            let params: Vec<_> = params.map(|param| param.expect("well-formed")).collect();
            let read: Vec<_> =
                params.iter().map(|param| (param.name, param.value.raw(field))).collect();
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            assert_eq!(read, expected, "{list}");
        }
    }

    #[test]
    fn refuses_malformed_lists() {
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
            ("a name that starts with 0xE9", b"\xE9=1", ExpectedName, 0),
            ("a non-ASCII token", b"a=\xE9", ExpectedValue, 2),
            ("NUL in a quoted-string", b"a=\"b\0\"", ControlCharacter, 4),
            ("a line break in a quoted-string", b"a=\"b\r\n c\"", ControlCharacter, 4),
            ("a line break between parameters", b"a=1,\r\n b=2", ExpectedName, 4),
        ] {
            assert_eq!(error(list), SyntaxError::new(kind, position), "{name}");
        }
    }

    #[test]
    fn one_parameter_above_the_limit_is_an_error() {
        for limit in [0, 1, 32] {
            let list = b"a=b,".repeat(limit);
            assert_eq!(AuthParams::new(&list, 0, limit).flatten().count(), limit);
            let list = b"a=b,".repeat(limit + 1);
            let mut params = AuthParams::new(&list, 0, limit);
            assert_eq!(params.by_ref().take(limit).flatten().count(), limit);
            let error = params.next().expect("one more").err();
            let expected = SyntaxError::new(SyntaxErrorKind::TooManyParameters, 4 * limit);
            assert_eq!(error, Some(expected));
            assert!(params.next().is_none());
        }
    }

    #[test]
    fn reads_no_byte_more_than_four_times() {
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
            let byte_reads = byte_reads::during(|| {
                AuthParams::new(&list, 0, usize::MAX).for_each(drop);
            });
            assert!(byte_reads <= 4 * size, "{name}: {byte_reads} byte reads");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_values_in_the_field_or_an_error(
            field in hostile(),
            position in 0..8_usize,
        ) {
            let mut params = AuthParams::new(&field, position, 32);
            let mut end = position;
            for param in params.by_ref() {
                match param {
                    Ok(AuthParam { name, value }) => {
                        let raw = value.raw(&field);
                        prop_assert!(name.iter().copied().all(is_tchar));
                        prop_assert!(value.position() > end + name.len());
                        prop_assert_eq!(&field[value.position()..][..raw.len()], raw);
                        prop_assert_eq!(value.has_escapes(), raw.contains(&b'\\'));
                        end = value.position() + raw.len();
                    }
                    Err(error) => prop_assert!((end..=field.len()).contains(&error.position)),
                }
            }
            prop_assert!(params.next().is_none());
        }

        #[test]
        fn parameters_read_back_as_printed(
            params in vec((token(), prop_oneof![
                token().prop_map(|token| (token.clone(), token)),
                quotable().prop_map(|text| (quoted(&text), text)),
            ]), 0..32),
            blank in blank(),
        ) {
            let blank = blank.as_slice();
            let print = |(name, (value, _)): &(Vec<u8>, (Vec<u8>, Vec<u8>))| {
                [b",", blank, b",", name, blank, b"=", blank, value, blank].concat()
            };
            let field: Vec<u8> = params.iter().flat_map(print).collect();
            let read: Result<Vec<_>, _> = AuthParams::new(&field, 0, 32)
                .map(|param| {
                    let AuthParam { name, value } = param?;
                    Ok::<_, SyntaxError>((name.to_vec(), value.unescaped(&field).into_owned()))
                })
                .collect();
            let expected = params.into_iter().map(|(name, (_, text))| (name, text)).collect();
            prop_assert_eq!(read, Ok(expected));
        }
    }
}
