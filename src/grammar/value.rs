//! The values of parameters.

use std::borrow::Cow;

use super::{
    chars::{is_qdtext, is_quoted_pair_octet, is_tchar},
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// The position of a parameter's value in its field: a token, or a quoted-string without its
/// quotes.
///
/// Its methods take the field that it was read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    start: usize,
    end: usize,
    has_escapes: bool,
}

impl Value {
    /// Reads a token or a quoted-string.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        if cursor.peek() == Some(b'"') {
            return Self::read_quoted(cursor);
        }
        let start = cursor.position();
        if cursor.take_while(is_tchar).is_empty() {
            return Err(cursor.error(SyntaxErrorKind::ExpectedValue));
        }
        Ok(Self { start, end: cursor.position(), has_escapes: false })
    }

    /// Reads a quoted-string whose opening quote is the next byte.
    fn read_quoted(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let opening = *cursor;
        cursor.advance();
        let start = cursor.position();
        let mut has_escapes = false;
        loop {
            cursor.take_while(is_qdtext);
            match cursor.peek() {
                Some(b'"') => break,
                Some(b'\\') => has_escapes = true,
                Some(_) => return Err(cursor.error(SyntaxErrorKind::ControlCharacter)),
                None => return Err(opening.error(SyntaxErrorKind::UnclosedQuote)),
            }
            cursor.advance();
            match cursor.peek() {
                Some(byte) if is_quoted_pair_octet(byte) => cursor.advance(),
                Some(_) => return Err(cursor.error(SyntaxErrorKind::ControlCharacter)),
                None => return Err(opening.error(SyntaxErrorKind::UnclosedQuote)),
            }
        }
        let end = cursor.position();
        cursor.advance();
        Ok(Self { start, end, has_escapes })
    }

    /// Returns the offset of the value from the start of the field.
    pub(crate) const fn position(self) -> usize {
        self.start
    }

    /// Returns whether the value contains quoted-pairs, so that [`raw`](Self::raw) and
    /// [`unescaped`](Self::unescaped) differ.
    pub(crate) const fn has_escapes(self) -> bool {
        self.has_escapes
    }

    /// Returns the same value with its backslashes taken literally.
    pub(crate) const fn without_escapes(self) -> Self {
        Self { has_escapes: false, ..self }
    }

    /// Returns the bytes as sent, with the backslashes of quoted-pairs.
    pub(crate) fn raw(self, field: &[u8]) -> &[u8] {
        field.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the bytes without the backslashes of quoted-pairs.
    pub(crate) fn unescaped(self, field: &[u8]) -> Cow<'_, [u8]> {
        let raw = self.raw(field);
        if !self.has_escapes {
            return Cow::Borrowed(raw);
        }
        let mut unescaped = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter();
        while let Some(&byte) = bytes.next() {
            unescaped.extend(if byte == b'\\' { bytes.next() } else { Some(&byte) });
        }
        Cow::Owned(unescaped)
    }

    /// Compares the unescaped bytes with `text`, ASCII letters without regard to case.
    ///
    /// # Security
    /// It stops at the first difference, so do not compare secrets with it.
    pub(crate) fn eq_ignore_ascii_case(self, text: &str, field: &[u8]) -> bool {
        self.unescaped(field).eq_ignore_ascii_case(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens_and_quoted_strings() {
        for (sent, raw, unescaped) in [
            (b"token".as_slice(), b"token".as_slice(), b"token".as_slice()),
            (b"token, more", b"token", b"token"),
            (br#""""#, b"", b""),
            (br#""a b""#, b"a b", b"a b"),
            (b"\"\ta,=\xE9\"", b"\ta,=\xE9", b"\ta,=\xE9"),
            (br#""\"\\""#, br#"\"\\"#, br#""\"#),
            (br#""\a\ ""#, br"\a\ ", b"a "),
            (b"\"\\\xFF\"", b"\\\xFF", b"\xFF"),
        ] {
            let name = sent.escape_ascii();
            let mut cursor = Cursor::new(sent, 0);
            let value = Value::read(&mut cursor).expect("well-formed");
            assert_eq!(value.raw(sent), raw, "{name}");
            assert_eq!(*value.unescaped(sent), *unescaped, "{name}");
            assert_eq!(value.has_escapes(), raw.contains(&b'\\'), "{name}");
            assert_eq!(*value.without_escapes().unescaped(sent), *raw, "{name}");
            assert_eq!(&sent[value.position()..][..raw.len()], raw, "{name}");
            assert!(matches!(cursor.peek(), None | Some(b',')), "{name}");
        }
    }

    #[test]
    fn refuses_malformed_values() {
        use SyntaxErrorKind::{ControlCharacter, ExpectedValue, UnclosedQuote};
        for (sent, kind, position) in [
            (b"".as_slice(), ExpectedValue, 0),
            (b",", ExpectedValue, 0),
            (b"\xE9", ExpectedValue, 0),
            (b"\"", UnclosedQuote, 0),
            (b"\"abc", UnclosedQuote, 0),
            (b"\"abc\\", UnclosedQuote, 0),
            (b"\"abc\\\"", UnclosedQuote, 0),
            (b"\"a\0\"", ControlCharacter, 2),
            (b"\"a\r\n\"", ControlCharacter, 2),
            (b"\"\x7F\"", ControlCharacter, 1),
            (b"\"\\\n\"", ControlCharacter, 2),
        ] {
            let error = Value::read(&mut Cursor::new(sent, 0)).expect_err("malformed");
            assert_eq!(error, SyntaxError::new(kind, position), "{}", sent.escape_ascii());
        }
    }

    #[test]
    fn compares_unescaped_bytes_without_regard_to_case() {
        let field = br#""sha\-2\5\6""#;
        let value = Value::read(&mut Cursor::new(field, 0)).expect("well-formed");
        assert!(value.eq_ignore_ascii_case("SHA-256", field));
        for other in ["SHA-25", "SHA-2566", "SHA-257", ""] {
            assert!(!value.eq_ignore_ascii_case(other, field), "{other}");
        }
    }
}
