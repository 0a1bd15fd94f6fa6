//! Quoted-strings, [RFC 9110, 5.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4), both
//! ways.

use super::{
    chars::{is_qdtext, is_quoted_pair_octet},
    cursor::Cursor,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// The bytes that a quoted-string stands for: what was between the quotes, without the
/// backslashes of its quoted-pairs.
///
/// Made by [`unescape`] and by [`Value::unescaped`](super::Value::unescaped).
#[derive(Clone)]
pub struct Unescaped<'a> {
    raw: std::slice::Iter<'a, u8>,
}

/// Takes the escapes out of `raw`, the bytes between the quotes as they were sent.
///
/// A backslash at the very end, which no quoted-string has, is dropped.
///
/// # Examples
/// ```
/// use tower_proxy_auth::grammar::unescape;
///
/// assert!(unescape(br#"a \"b\" \c"#).eq(*br#"a "b" c"#));
/// ```
#[must_use]
pub fn unescape(raw: &[u8]) -> Unescaped<'_> {
    Unescaped { raw: raw.iter() }
}

/// Appends `text` to `out` as a quoted-string, quotes included. Quotes and backslashes in it are
/// escaped; every other byte, also those from 0x80 up, goes out as it is.
///
/// # Examples
/// ```
/// # use tower_proxy_auth::grammar::{SyntaxError, write_quoted};
/// let mut out = b"realm=".to_vec();
/// write_quoted(&mut out, br#"the "inner" one"#)?;
/// assert_eq!(out, br#"realm="the \"inner\" one""#);
/// # Ok::<(), SyntaxError>(())
/// ```
///
/// # Errors
/// A control character other than the tab cannot be part of a quoted-string. The error's position
/// is its offset in `text`, and nothing has been appended.
pub fn write_quoted(out: &mut Vec<u8>, text: &[u8]) -> Result<(), SyntaxError> {
    if let Some(position) = text.iter().position(|&byte| !is_quoted_pair_octet(byte)) {
        return Err(SyntaxError::new(SyntaxErrorKind::ControlCharacter, position));
    }
    out.push(b'"');
    for &byte in text {
        if !is_qdtext(byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    Ok(())
}

/// A quoted-string as it stands in a field.
pub(super) struct Quoted<'a> {
    pub(super) raw: &'a [u8],
    pub(super) position: usize,
    pub(super) has_escapes: bool,
}

/// Reads a quoted-string whose opening quote is the next byte.
pub(super) fn read_quoted<'a>(cursor: &mut Cursor<'a>) -> Result<Quoted<'a>, SyntaxError> {
    let opening = *cursor;
    cursor.advance();
    let start = *cursor;
    let mut has_escapes = false;
    loop {
        cursor.skip_qdtext();
        match cursor.peek() {
            Some(b'"') => {
                let raw = cursor.since(start);
                cursor.advance();
                return Ok(Quoted { raw, position: start.position(), has_escapes });
            }
            Some(b'\\') => {
                has_escapes = true;
                cursor.advance();
                match cursor.peek() {
                    Some(byte) if is_quoted_pair_octet(byte) => cursor.advance(),
                    Some(_) => return Err(cursor.error(SyntaxErrorKind::ControlCharacter)),
                    None => return Err(opening.error(SyntaxErrorKind::UnclosedQuote)),
                }
            }
            Some(_) => return Err(cursor.error(SyntaxErrorKind::ControlCharacter)),
            None => return Err(opening.error(SyntaxErrorKind::UnclosedQuote)),
        }
    }
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        match self.raw.next() {
            Some(b'\\') => self.raw.next().copied(),
            byte => byte.copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let sent = self.raw.len();
        (sent / 2, Some(sent))
    }
}

impl std::iter::FusedIterator for Unescaped<'_> {}

impl std::fmt::Debug for Unescaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes may be part of somebody's credentials: they are not shown.
        f.debug_struct("Unescaped").field("length", &self.raw.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_between_the_quotes() {
        for (sent, raw, has_escapes, unescaped) in [
            (br#""""#.as_slice(), b"".as_slice(), false, b"".as_slice()),
            (br#""a b""#, b"a b", false, b"a b"),
            (b"\"\ta,=\xE9\"", b"\ta,=\xE9", false, b"\ta,=\xE9"),
            (br#""\"\\""#, br#"\"\\"#, true, br#""\"#),
            (br#""\a\ ""#, br"\a\ ", true, b"a "),
            (b"\"\\\xFF\"", b"\\\xFF", true, b"\xFF"),
        ] {
            let mut cursor = Cursor::new(sent, 5);
            let quoted = read_quoted(&mut cursor).expect("well-formed");
            assert_eq!((quoted.raw, quoted.position), (raw, 6));
            assert_eq!(quoted.has_escapes, has_escapes, "{}", sent.escape_ascii());
            assert!(unescape(quoted.raw).eq(unescaped.iter().copied()));
            assert!(cursor.is_at_end());
        }
    }

    #[test]
    fn refuses_an_open_end_and_control_characters() {
        use SyntaxErrorKind::{ControlCharacter, UnclosedQuote};
        for (sent, kind, position) in [
            (b"\"".as_slice(), UnclosedQuote, 0),
            (b"\"abc", UnclosedQuote, 0),
            (b"\"abc\\", UnclosedQuote, 0),
            (b"\"abc\\\"", UnclosedQuote, 0),
            (b"\"a\0\"", ControlCharacter, 2),
            (b"\"a\r\n\"", ControlCharacter, 2),
            (b"\"\x7F\"", ControlCharacter, 1),
            (b"\"\\\n\"", ControlCharacter, 2),
        ] {
            let error = read_quoted(&mut Cursor::new(sent, 0)).map(|_| ()).expect_err("malformed");
            assert_eq!(error, SyntaxError::new(kind, position), "{}", sent.escape_ascii());
        }
    }

    #[test]
    fn printing_a_control_character_appends_nothing() {
        for (text, position) in [(b"\0".as_slice(), 0), (b"ab\r\nc", 2), (b"a\x7F", 1)] {
            let mut out = b"kept".to_vec();
            let error = write_quoted(&mut out, text).expect_err("a control character");
            assert_eq!(error, SyntaxError::new(SyntaxErrorKind::ControlCharacter, position));
            assert_eq!(out, b"kept");
        }
    }

    #[test]
    fn a_size_hint_holds_for_any_mixture_of_escapes() {
        for raw in [b"".as_slice(), b"abc", br"\a\b", br"\\\", br"a\b"] {
            let (least, most) = unescape(raw).size_hint();
            let count = unescape(raw).count();
            assert!(least <= count && Some(count) <= most, "{}", raw.escape_ascii());
        }
    }
}
