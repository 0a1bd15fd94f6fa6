//! Credentials, [RFC 9110, 11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4): a scheme,
//! followed by a token68 or a list of parameters.

use super::{
    chars::{is_tchar, is_token68_char},
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// The two parts of a `Proxy-Authorization` field.
#[derive(Clone, Copy)]
pub(crate) struct SchemeAndRest<'a> {
    /// The scheme as sent; never empty.
    pub(crate) scheme: &'a [u8],
    /// The offset of the first byte after the scheme and its spaces, from the start of the field.
    pub(crate) rest_position: usize,
}

/// Splits `field` after its scheme.
///
/// Whitespace at both ends of the field is dropped. One or more spaces, or the end of the field,
/// end the scheme.
///
/// # Errors
/// [`SyntaxErrorKind::ExpectedScheme`] if the field does not start with a token,
/// [`SyntaxErrorKind::AfterScheme`] if a byte other than a space follows it.
pub(crate) fn split_scheme(field: &[u8]) -> Result<SchemeAndRest<'_>, SyntaxError> {
    let mut cursor = Cursor::new(field.trim_ascii_end(), 0);
    cursor.skip_ows();
    let scheme = cursor.take_while(is_tchar);
    if scheme.is_empty() {
        return Err(cursor.error(SyntaxErrorKind::ExpectedScheme));
    }
    let spaces = cursor.take_while(|byte| byte == b' ');
    if spaces.is_empty() && !cursor.is_at_end() {
        return Err(cursor.error(SyntaxErrorKind::AfterScheme));
    }
    Ok(SchemeAndRest { scheme, rest_position: cursor.position() })
}

/// Returns `bytes` as text if they are a token68: letters, digits and `-._~+/`, then any number of
/// `=`.
pub(crate) fn token68(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    let unpadded = text.trim_end_matches('=');
    (!unpadded.is_empty() && unpadded.bytes().all(is_token68_char)).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{
        super::{
            cursor::byte_reads,
            generators::{blank, hostile, token},
        },
        *,
    };

    #[test]
    fn splits_a_field_after_its_scheme() {
        for (field, scheme, rest_position) in [
            ("Basic YWJj", "Basic", 6),
            ("bAsIc   YWJj", "bAsIc", 8),
            (" \tDIGEST a=1 \t", "DIGEST", 9),
            ("Basic", "Basic", 5),
            ("Basic  ", "Basic", 5),
            ("Basic\t", "Basic", 5),
            ("Basicxxx", "Basicxxx", 8),
            ("Basic \u{e9}", "Basic", 6),
            ("Basic \tx", "Basic", 6),
        ] {
            let split = split_scheme(field.as_bytes()).expect("well-formed");
            assert_eq!(split.scheme, scheme.as_bytes(), "{field}");
            assert_eq!(split.rest_position, rest_position, "{field}");
        }
    }

    #[test]
    fn refuses_a_field_without_a_scheme() {
        use SyntaxErrorKind::{AfterScheme, ExpectedScheme};
        for (name, field, kind, position) in [
            ("nothing", b"".as_slice(), ExpectedScheme, 0),
            ("blanks", b" \t ", ExpectedScheme, 0),
            ("a lone 0xE9", b"\xE9", ExpectedScheme, 0),
            ("a quoted-string", b" \"Basic\"", ExpectedScheme, 1),
            ("a comma first", b", Basic", ExpectedScheme, 0),
            ("0xE9 in it", b"Basic\xE9 x", AfterScheme, 5),
            ("a tab after it", b"Basic\tx", AfterScheme, 5),
            ("a comma after it", b"Basic, x", AfterScheme, 5),
            ("an equals sign after it", b"username=x", AfterScheme, 8),
            ("NUL after it", b"Basic\0", AfterScheme, 5),
        ] {
            let error = split_scheme(field).err();
            assert_eq!(error, Some(SyntaxError::new(kind, position)), "{name}");
        }
    }

    #[test]
    fn tells_a_token68_from_everything_else() {
        for text in ["YWxpY2U6d29uZGVy", "YWJjZA==", "a", "a=", "a===", "-._~+/"] {
            assert_eq!(token68(text.as_bytes()), Some(text));
        }
        for bytes in
            ["", "=", "=YWJj", "YW=Jj", "a=b", "a b", "a=,b=1", "YWJj,YWJj", "a\"", "\u{e9}"]
        {
            assert_eq!(token68(bytes.as_bytes()), None, "{bytes}");
        }
        assert_eq!(token68(b"YWJj\xE9"), None);
    }

    #[test]
    fn reads_no_byte_more_than_four_times() {
        let size = 1 << 20;
        for unit in [b"A".as_slice(), b" ", b"=", b",", b", ", b"a=b,", b"\"", b"\xE9", b"0"] {
            for prefix in [b"".as_slice(), b"Basic ", b"Basic a", b"Digest nc="] {
                let field = [prefix, &unit.repeat(size / unit.len())].concat();
                let byte_reads = byte_reads::during(|| {
                    let _ = split_scheme(&field);
                });
                assert!(byte_reads <= 4 * size, "{}: {byte_reads} reads", unit.escape_ascii());
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_within_the_field_or_refused(
            field in prop_oneof![hostile(), vec(any::<u8>(), 0..64)],
        ) {
            match split_scheme(&field) {
                Ok(SchemeAndRest { scheme, rest_position }) => {
                    prop_assert!(!scheme.is_empty() && scheme.iter().copied().all(is_tchar));
                    prop_assert!((scheme.len()..=field.len()).contains(&rest_position));
                }
                Err(error) => prop_assert!(error.position <= field.len()),
            }
        }

        #[test]
        fn scheme_and_rest_read_back_as_printed(
            scheme in token(),
            rest in token(),
            blank in blank(),
        ) {
            let blank = blank.as_slice();
            let field = [blank, &scheme, b" ", &rest, blank].concat();
            let split = split_scheme(&field).expect("well-formed");
            prop_assert_eq!(split.scheme, &scheme);
            prop_assert_eq!(field[split.rest_position..].trim_ascii_end(), &rest);
        }
    }
}
