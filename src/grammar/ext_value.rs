//! Extended values, [RFC 8187](https://www.rfc-editor.org/rfc/rfc8187): how `username*` carries
//! what a quoted-string cannot.

use std::{fmt, iter::FusedIterator};

use super::{
    chars::{is_attr_char, is_tchar},
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// The value of an extended parameter, as in `username*=UTF-8''J%C3%A4s%C3%B8n`.
///
/// # Examples
/// ```
/// use tower_proxy_auth::grammar::{ExtValue, write_ext_value};
///
/// let value = ExtValue::parse(b"utf-8'de'J%c3%a4s%c3%b8n%20Doe", 0)?;
/// assert_eq!(value.language(), b"de");
/// assert_eq!(value.to_text()?, "Jäsøn Doe");
///
/// let mut out = Vec::new();
/// write_ext_value(&mut out, "Jäsøn Doe")?;
/// assert_eq!(out, b"UTF-8''J%C3%A4s%C3%B8n%20Doe");
/// # Ok::<(), tower_proxy_auth::grammar::SyntaxError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ExtValue<'a> {
    language: &'a [u8],
    encoded: &'a [u8],
    position: usize,
}

/// The bytes that an extended value stands for. Made by [`ExtValue::bytes`].
#[derive(Clone)]
pub struct PercentDecoded<'a> {
    encoded: std::slice::Iter<'a, u8>,
}

impl<'a> ExtValue<'a> {
    /// Reads `raw`, a parameter's value as it was sent, which begins `position` bytes into its
    /// field.
    ///
    /// # Errors
    /// If the charset is missing or is not UTF-8 (in any case of letters), if the language is
    /// neither empty nor of the form of a language tag, if a byte stands for itself that may not,
    /// or if `%` is not followed by two hex digits. What the bytes decode to is looked at by
    /// [`to_text`](Self::to_text) alone.
    pub fn parse(raw: &'a [u8], position: usize) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(raw, position);
        let start = cursor;
        let charset = cursor.take_while(|byte| is_tchar(byte) && byte != b'\'');
        if charset.is_empty() || !cursor.eat(b'\'') {
            return Err(cursor.error(SyntaxErrorKind::ExpectedCharset));
        }
        if !charset.eq_ignore_ascii_case(b"UTF-8") {
            return Err(start.error(SyntaxErrorKind::UnknownCharset));
        }
        let start = cursor;
        let language = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_language(language) {
            return Err(start.error(SyntaxErrorKind::InvalidLanguage));
        }
        if !cursor.eat(b'\'') {
            return Err(cursor.error(SyntaxErrorKind::InvalidLanguage));
        }
        let (encoded, position) = (cursor.rest(), cursor.position());
        check_value_chars(cursor)?;
        Ok(Self { language, encoded, position })
    }

    /// The language tag, which is usually empty. It has no meaning for a user name.
    #[must_use]
    pub const fn language(&self) -> &'a [u8] {
        self.language
    }

    /// The decoded bytes, whatever they are.
    #[must_use]
    pub fn bytes(&self) -> PercentDecoded<'a> {
        PercentDecoded { encoded: self.encoded.iter() }
    }

    /// The decoded text. This allocates, as nothing else that parses does.
    ///
    /// # Errors
    /// If the bytes are not UTF-8 (overlong forms are not), or if a control character is among
    /// them: NUL, line breaks, the tab, those from U+0080 to U+009F.
    pub fn to_text(&self) -> Result<String, SyntaxError> {
        let text = String::from_utf8(self.bytes().collect()).map_err(|error| {
            self.error(SyntaxErrorKind::InvalidUtf8, error.utf8_error().valid_up_to())
        })?;
        match text.char_indices().find(|(_, character)| character.is_control()) {
            Some((index, _)) => Err(self.error(SyntaxErrorKind::ControlCharacter, index)),
            None => Ok(text),
        }
    }

    /// The error `kind` at the byte that is number `index` once decoded.
    fn error(&self, kind: SyntaxErrorKind, index: usize) -> SyntaxError {
        let mut bytes = self.bytes();
        bytes.by_ref().take(index).for_each(drop);
        let offset = self.encoded.len().saturating_sub(bytes.encoded.len());
        SyntaxError::new(kind, self.position.saturating_add(offset))
    }
}

/// Appends `text` to `out` as an extended value in UTF-8 without a language.
///
/// # Errors
/// A control character, which [`ExtValue::to_text`] would refuse. The error's position is its
/// offset in `text`, and nothing has been appended.
pub fn write_ext_value(out: &mut Vec<u8>, text: &str) -> Result<(), SyntaxError> {
    if let Some((position, _)) = text.char_indices().find(|(_, character)| character.is_control()) {
        return Err(SyntaxError::new(SyntaxErrorKind::ControlCharacter, position));
    }
    out.extend_from_slice(b"UTF-8''");
    for byte in text.bytes() {
        if is_attr_char(byte) {
            out.push(byte);
        } else {
            out.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    Ok(())
}

/// Whether `tag` is empty or has the form of a language tag: subtags of one to eight letters and
/// digits, the first of letters alone, with hyphens between them (RFC 5646, 2.1). That they are
/// registered is nobody's concern here.
fn is_language(tag: &[u8]) -> bool {
    let mut subtags = tag.split(|&byte| byte == b'-');
    let primary = subtags.next().unwrap_or_default();
    tag.is_empty()
        || (matches!(primary.len(), 1..=8)
            && primary.iter().all(u8::is_ascii_alphabetic)
            && subtags.all(|subtag| matches!(subtag.len(), 1..=8)))
}

fn check_value_chars(mut cursor: Cursor<'_>) -> Result<(), SyntaxError> {
    loop {
        cursor.take_while(is_attr_char);
        let escape = cursor;
        if !cursor.eat(b'%') {
            break;
        }
        for _ in 0..2 {
            if !cursor.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err(escape.error(SyntaxErrorKind::InvalidEscape));
            }
            cursor.advance();
        }
    }
    if cursor.is_at_end() { Ok(()) } else { Err(cursor.error(SyntaxErrorKind::InvalidValueChar)) }
}

impl Iterator for PercentDecoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        match self.encoded.next().copied()? {
            b'%' => {
                let digits = [*self.encoded.next()?, *self.encoded.next()?];
                let mut byte = [0];
                base16ct::mixed::decode(digits, &mut byte).ok()?.first().copied()
            }
            byte => Some(byte),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let encoded = self.encoded.len();
        (encoded / 3, Some(encoded))
    }
}

impl FusedIterator for PercentDecoded<'_> {}

impl fmt::Debug for ExtValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are a user's name, or a password in its place: they are not shown.
        f.debug_struct("ExtValue")
            .field("position", &self.position)
            .field("length", &self.encoded.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PercentDecoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PercentDecoded").field("length", &self.encoded.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let value = ExtValue::parse(raw.as_bytes(), 10).expect("well-formed");
            assert_eq!(value.to_text().as_deref(), Ok(text), "{raw}");
            assert!(value.bytes().eq(text.bytes()), "{raw}");
        }
    }

    #[test]
    fn refuses_what_is_no_extended_value() {
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
            ("raw UTF-8", b"UTF-8''\xC3\xA4", InvalidValueChar, 7),
            ("a backslash", b"UTF-8''\\a", InvalidValueChar, 7),
            ("NUL", b"UTF-8''\0", InvalidValueChar, 7),
            ("a lone percent sign", b"UTF-8''a%", InvalidEscape, 8),
            ("one hex digit", b"UTF-8''%4", InvalidEscape, 7),
            ("no hex digit", b"UTF-8''a%G0", InvalidEscape, 8),
            ("one hex digit and more", b"UTF-8''%4G", InvalidEscape, 7),
            ("an escaped percent sign in one", b"UTF-8''%%41", InvalidEscape, 7),
            ("a signed number", b"UTF-8''%+1", InvalidEscape, 7),
        ] {
            let error = ExtValue::parse(raw, 0).map(|_| ()).expect_err(name);
            assert_eq!(error, SyntaxError::new(kind, position), "{name}");
            let error = ExtValue::parse(raw, 10).map(|_| ()).expect_err(name);
            assert_eq!(error.position(), position + 10, "{name}");
        }
    }

    #[test]
    fn refuses_text_that_no_name_may_hold() {
        use SyntaxErrorKind::{ControlCharacter, InvalidUtf8};
        for (name, raw, kind, position) in [
            ("Latin-1", "UTF-8''%A3%20rates", InvalidUtf8, 7),
            ("an overlong slash", "UTF-8''a%C0%AF", InvalidUtf8, 8),
            ("an overlong NUL", "UTF-8''%C0%80", InvalidUtf8, 7),
            ("an overlong euro sign", "UTF-8''%F0%82%82%AC", InvalidUtf8, 7),
            ("a surrogate", "UTF-8''%41%ED%A0%80", InvalidUtf8, 10),
            ("past U+10FFFF", "UTF-8''%F4%90%80%80", InvalidUtf8, 7),
            ("half a character", "UTF-8''ab%C3", InvalidUtf8, 9),
            ("NUL", "UTF-8''%00", ControlCharacter, 7),
            ("a line break", "UTF-8''%C3%A4%0D%0A", ControlCharacter, 13),
            ("the tab", "UTF-8''a%09", ControlCharacter, 8),
            ("DEL", "UTF-8''%7F", ControlCharacter, 7),
            ("U+0085", "UTF-8''a%C2%85", ControlCharacter, 8),
        ] {
            let value = ExtValue::parse(raw.as_bytes(), 0).expect("the form is right");
            let error = value.to_text().expect_err(name);
            assert_eq!(error, SyntaxError::new(kind, position), "{name}");
        }
    }

    #[test]
    fn printing_a_control_character_appends_nothing() {
        for (text, position) in [("\0", 0), ("ä\n", 2), ("a\u{85}", 1)] {
            let mut out = b"kept".to_vec();
            let error = write_ext_value(&mut out, text).expect_err("a control character");
            assert_eq!(error, SyntaxError::new(SyntaxErrorKind::ControlCharacter, position));
            assert_eq!(out, b"kept");
        }
    }

    #[test]
    fn debug_output_shows_no_byte_of_it() {
        let value = ExtValue::parse(b"UTF-8''secret", 0).expect("well-formed");
        let shown = format!("{value:?} {:?}", value.bytes());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
