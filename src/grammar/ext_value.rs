//! Extended values, [RFC 8187](https://www.rfc-editor.org/rfc/rfc8187), as in
//! `username*=UTF-8''J%C3%A4s%C3%B8n`.

use super::{
    chars::{is_attr_char, is_tchar},
    cursor::Cursor,
    percent::percent_decode,
    syntax_error::{SyntaxError, SyntaxErrorKind},
    value::Value,
};

/// Decodes the extended value at `value` in `field`. A language tag is allowed and ignored.
///
/// # Errors
/// Returns an error if the charset is not UTF-8, if a character that must be percent-encoded is
/// not, or if the decoded bytes are not UTF-8 or contain a control character.
pub(crate) fn decode_ext_value(field: &[u8], value: Value) -> Result<String, SyntaxError> {
    let raw = value.raw(field);
    let end = value.position().saturating_add(raw.len());
    let mut cursor = Cursor::new(field.get(..end).unwrap_or_default(), value.position());
    read_charset(&mut cursor)?;
    read_language(&mut cursor)?;
    let start = cursor;
    let encoded = cursor.take_while(|byte| is_attr_char(byte) || byte == b'%');
    if !cursor.is_at_end() {
        return Err(cursor.error(SyntaxErrorKind::InvalidValueChar));
    }
    let bytes =
        percent_decode(encoded).ok_or_else(|| start.error(SyntaxErrorKind::InvalidEscape))?;
    let text = String::from_utf8(bytes).map_err(|_| start.error(SyntaxErrorKind::InvalidUtf8))?;
    if text.contains(char::is_control) {
        return Err(start.error(SyntaxErrorKind::ControlCharacter));
    }
    Ok(text)
}

fn read_charset(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    let start = *cursor;
    let charset = cursor.take_while(|byte| is_tchar(byte) && byte != b'\'');
    if charset.is_empty() || !cursor.eat(b'\'') {
        return Err(cursor.error(SyntaxErrorKind::ExpectedCharset));
    }
    if !charset.eq_ignore_ascii_case(b"UTF-8") {
        return Err(start.error(SyntaxErrorKind::UnknownCharset));
    }
    Ok(())
}

fn read_language(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    let start = *cursor;
    let language = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_language(language) {
        return Err(start.error(SyntaxErrorKind::InvalidLanguage));
    }
    if !cursor.eat(b'\'') {
        return Err(cursor.error(SyntaxErrorKind::InvalidLanguage));
    }
    Ok(())
}

/// Returns whether `tag` is empty or has the form of a language tag: subtags of one to eight
/// letters and digits, joined by hyphens, the first one only of letters (RFC 5646, 2.1).
fn is_language(tag: &[u8]) -> bool {
    let mut subtags = tag.split(|&byte| byte == b'-');
    let primary = subtags.next().unwrap_or_default();
    tag.is_empty()
        || (matches!(primary.len(), 1..=8)
            && primary.iter().all(u8::is_ascii_alphabetic)
            && subtags.all(|subtag| matches!(subtag.len(), 1..=8)))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{super::generators::hostile, *};

    /// Decodes `raw` as the value of a quoted-string, which any of the bytes below can be part of.
    fn decode(raw: &[u8]) -> Result<String, SyntaxError> {
        let field = [b"x*=\"", raw, b"\""].concat();
        let value = Value::read(&mut Cursor::new(&field, 3)).expect("a quoted-string");
        assert_eq!(value.raw(&field), raw);
        decode_ext_value(&field, value)
    }

    #[test]
    fn decodes_to_text() {
        for (raw, text) in [
            ("UTF-8''", ""),
            ("UTF-8''alice", "alice"),
            ("utf-8'en'%C2%A3%20rates", "£ rates"),
            ("Utf-8'de-CH-1996'%e2%82%AC", "€"),
            ("UTF-8''J%C3%A4s%C3%B8n%20Doe", "Jäsøn Doe"),
            ("UTF-8''%F0%9F%94%91", "\u{1F511}"),
            ("UTF-8''%25%27%2A", "%'*"),
            ("UTF-8''!#$&+-.^_`|~", "!#$&+-.^_`|~"),
        ] {
            assert_eq!(decode(raw.as_bytes()).as_deref(), Ok(text), "{raw}");
        }
    }

    #[test]
    fn refuses_malformed_values() {
        use SyntaxErrorKind::*;
        for (name, raw, kind, position) in [
            ("nothing", b"".as_slice(), ExpectedCharset, 0),
            ("plain text", b"alice", ExpectedCharset, 5),
            ("no charset", b"''alice", ExpectedCharset, 0),
            ("Latin-1", b"iso-8859-1'en'%A3", UnknownCharset, 0),
            ("UTF8 without a hyphen", b"UTF8''a", UnknownCharset, 0),
            ("UTF-80", b"UTF-80''a", UnknownCharset, 0),
            ("one quote", b"UTF-8'alice", InvalidLanguage, 11),
            ("one quote and a space", b"UTF-8'a b", InvalidLanguage, 7),
            ("an empty subtag", b"UTF-8'de-'a", InvalidLanguage, 6),
            ("a long subtag", b"UTF-8'abcdefghi'a", InvalidLanguage, 6),
            ("a language of digits", b"UTF-8'12'a", InvalidLanguage, 6),
            ("an asterisk", b"UTF-8''a*", InvalidValueChar, 8),
            ("a third quote", b"UTF-8''a'", InvalidValueChar, 8),
            ("a blank", b"UTF-8''a b", InvalidValueChar, 8),
            ("a tab", b"UTF-8''a\tb", InvalidValueChar, 8),
            ("raw UTF-8", b"UTF-8''\xC3\xA4", InvalidValueChar, 7),
            ("a quoted-pair", b"UTF-8''\\a", InvalidValueChar, 7),
            ("a lone percent sign", b"UTF-8''a%", InvalidEscape, 7),
            ("one hex digit", b"UTF-8''%4", InvalidEscape, 7),
            ("no hex digit", b"UTF-8''a%G0", InvalidEscape, 7),
            ("one hex digit and more", b"UTF-8''%4G", InvalidEscape, 7),
            ("a percent sign in an escape", b"UTF-8''%%41", InvalidEscape, 7),
            ("a signed number", b"UTF-8''%+1", InvalidEscape, 7),
        ] {
            let expected = SyntaxError::new(kind, "x*=\"".len() + position);
            assert_eq!(decode(raw), Err(expected), "{name}");
        }
    }

    #[test]
    fn refuses_text_that_no_name_can_have() {
        use SyntaxErrorKind::{ControlCharacter, InvalidUtf8};
        for (name, raw, kind) in [
            ("Latin-1", "UTF-8''%A3%20rates", InvalidUtf8),
            ("an overlong slash", "UTF-8''a%C0%AF", InvalidUtf8),
            ("an overlong NUL", "UTF-8''%C0%80", InvalidUtf8),
            ("an overlong euro sign", "UTF-8''%F0%82%82%AC", InvalidUtf8),
            ("a surrogate", "UTF-8''%41%ED%A0%80", InvalidUtf8),
            ("past U+10FFFF", "UTF-8''%F4%90%80%80", InvalidUtf8),
            ("half a character", "UTF-8''ab%C3", InvalidUtf8),
            ("NUL", "UTF-8''%00", ControlCharacter),
            ("a line break", "UTF-8''%C3%A4%0D%0A", ControlCharacter),
            ("the tab", "UTF-8''a%09", ControlCharacter),
            ("DEL", "UTF-8''%7F", ControlCharacter),
            ("U+0085", "UTF-8''a%C2%85", ControlCharacter),
        ] {
            assert_eq!(decode(raw.as_bytes()).map_err(|error| error.kind), Err(kind), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_without_control_characters_or_refused(
            raw in prop_oneof![
                hostile(),
                hostile().prop_map(|tail| [b"x*=UTF-8''".to_vec(), tail].concat()),
                vec(any::<u8>(), 0..12).prop_map(|bytes| {
                    let escaped = bytes.iter().map(|byte| format!("%{byte:02x}"));
                    format!("x*=UTF-8''{}", escaped.collect::<String>()).into_bytes()
                }),
            ],
            start in 0..5_usize,
        ) {
            if let Ok(value) = Value::read(&mut Cursor::new(&raw, start)) {
                match decode_ext_value(&raw, value) {
                    Ok(text) => prop_assert!(!text.contains(char::is_control)),
                    Err(error) => prop_assert!((start..=raw.len()).contains(&error.position)),
                }
            }
        }

        #[test]
        fn text_reads_back_as_printed(text in "\\PC*") {
            let escaped = text.bytes().map(|byte| match byte {
                byte if is_attr_char(byte) => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            });
            let printed = format!("UTF-8''{}", escaped.collect::<String>());
            prop_assert_eq!(decode(printed.as_bytes()), Ok(text));
        }
    }
}
