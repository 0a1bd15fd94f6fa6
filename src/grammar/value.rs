//! The value of a parameter, as sent and as meant.

use std::fmt;

use super::quoted::{Quoted, Unescaped, unescape};

/// A parameter's value: a token or a quoted-string.
///
/// It is a view into the field and costs nothing to copy. There is no `==` on it: a value may be
/// a secret, and how a parameter compares (as sent, unescaped, without regard to case, in constant
/// time) depends on the parameter.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: &'a [u8],
    position: usize,
    is_quoted: bool,
    has_escapes: bool,
}

impl<'a> Value<'a> {
    /// The bytes as they were sent: a token, or what is between the quotes with the backslashes
    /// still in it.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where [`raw`](Self::raw) begins: an offset in bytes from the beginning of the field. For a
    /// quoted-string that is the byte after the opening quote.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Whether it was sent as a quoted-string.
    #[must_use]
    pub const fn is_quoted(&self) -> bool {
        self.is_quoted
    }

    /// Whether there is a quoted-pair in it, so that [`raw`](Self::raw) is not what was meant.
    #[must_use]
    pub const fn has_escapes(&self) -> bool {
        self.has_escapes
    }

    /// The bytes that were meant: those of [`raw`](Self::raw) without the backslashes of
    /// quoted-pairs.
    #[must_use]
    pub fn unescaped(&self) -> Unescaped<'a> {
        unescape(self.raw)
    }

    /// Whether the unescaped bytes are `text`, ASCII letters compared without regard to case.
    ///
    /// # Security
    /// It returns at the first difference: not for secrets.
    #[must_use]
    pub fn eq_ignore_ascii_case(&self, text: &str) -> bool {
        if !self.has_escapes {
            return self.raw.eq_ignore_ascii_case(text.as_bytes());
        }
        self.unescaped()
            .map(|byte| byte.to_ascii_lowercase())
            .eq(text.bytes().map(|byte| byte.to_ascii_lowercase()))
    }

    pub(super) const fn plain(raw: &'a [u8], position: usize, is_quoted: bool) -> Self {
        Self { raw, position, is_quoted, has_escapes: false }
    }

    pub(super) const fn quoted(quoted: &Quoted<'a>) -> Self {
        Self {
            raw: quoted.raw,
            position: quoted.position,
            is_quoted: true,
            has_escapes: quoted.has_escapes,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be part of somebody's credentials: they are not shown.
        f.debug_struct("Value")
            .field("position", &self.position)
            .field("length", &self.raw.len())
            .field("is_quoted", &self.is_quoted)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_what_was_meant_without_regard_to_case() {
        let value = Value { raw: br"sha\-2\5\6", position: 0, is_quoted: true, has_escapes: true };
        assert!(value.eq_ignore_ascii_case("SHA-256"));
        for other in ["SHA-25", "SHA-2566", "SHA-257", ""] {
            assert!(!value.eq_ignore_ascii_case(other), "{other}");
        }
        assert!(!Value::plain("É".as_bytes(), 0, false).eq_ignore_ascii_case("é"));
    }

    #[test]
    fn debug_output_shows_no_byte_of_it() {
        let shown = format!("{:?}", Value::plain(b"753927fa0e85d155", 3, false));
        assert_eq!(shown, "Value { position: 3, length: 16, is_quoted: false, .. }");
    }
}
