//! The error for a field that does not follow the grammar.

use std::{error::Error, fmt};

/// A field that does not follow the grammar.
///
/// It has a reason and a position, but contains nothing that the peer sent, so it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(super) kind: SyntaxErrorKind,
    /// The offset from the start of the field; at most the field's length.
    pub(super) position: usize,
}

/// The reason of a [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyntaxErrorKind {
    /// A token is required as the scheme.
    ExpectedScheme,
    /// The scheme is followed by something other than a space or the end.
    AfterScheme,
    /// A token is required as a parameter's name.
    ExpectedName,
    /// A parameter's name is not followed by `=`, as with two credentials in one field.
    ExpectedEquals,
    /// The `=` is followed by neither a token nor a quoted-string.
    ExpectedValue,
    /// A value is followed by something other than a comma or the end.
    AfterValue,
    /// A quoted-string has no closing quote. The position is that of the opening one.
    UnclosedQuote,
    /// Text contains a control character.
    ControlCharacter,
    /// There are more parameters than the limit allows.
    TooManyParameters,
    /// An extended value does not begin with a charset and `'`.
    ExpectedCharset,
    /// The charset of an extended value is not UTF-8.
    UnknownCharset,
    /// The language tag of an extended value is malformed, or the `'` after it is missing.
    InvalidLanguage,
    /// A character in an extended value must be percent-encoded but is not.
    InvalidValueChar,
    /// A `%` in an extended value is not followed by two hex digits. The position of this error
    /// and of the errors in decoded text is the start of the encoded text.
    InvalidEscape,
    /// The decoded bytes of an extended value are not UTF-8.
    InvalidUtf8,
}

impl SyntaxError {
    pub(crate) const fn new(kind: SyntaxErrorKind, position: usize) -> Self {
        Self { kind, position }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.text(), self.position)
    }
}

impl Error for SyntaxError {}

impl SyntaxErrorKind {
    const fn text(self) -> &'static str {
        match self {
            Self::ExpectedScheme => "expected a scheme",
            Self::AfterScheme => "expected a space or the end after a scheme",
            Self::ExpectedName => "expected a parameter name",
            Self::ExpectedEquals => "expected `=` after a parameter name",
            Self::ExpectedValue => "expected a value after `=`",
            Self::AfterValue => "expected `,` or the end after a value",
            Self::UnclosedQuote => "unclosed quoted-string",
            Self::ControlCharacter => "control character",
            Self::TooManyParameters => "too many parameters",
            Self::ExpectedCharset => "expected a charset and `'`",
            Self::UnknownCharset => "charset other than UTF-8",
            Self::InvalidLanguage => "invalid language tag",
            Self::InvalidValueChar => "character that has to be percent-encoded",
            Self::InvalidEscape => "invalid percent-escape",
            Self::InvalidUtf8 => "invalid UTF-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_reason_and_position() {
        let error = SyntaxError::new(SyntaxErrorKind::ExpectedEquals, 17);
        assert_eq!(error.to_string(), "expected `=` after a parameter name at byte 17");
    }
}
