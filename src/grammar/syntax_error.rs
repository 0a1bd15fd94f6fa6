//! The error for a field that does not follow the grammar.

/// A field that does not follow the grammar.
///
/// It has a reason and a position, but contains nothing that the peer sent, so it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {position}")]
pub(crate) struct SyntaxError {
    pub(super) kind: SyntaxErrorKind,
    /// The offset from the start of the field; at most the field's length.
    pub(super) position: usize,
}

/// The reason of a [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyntaxErrorKind {
    #[error("expected a scheme")]
    ExpectedScheme,
    #[error("expected a space or the end after a scheme")]
    AfterScheme,
    #[error("expected a parameter name")]
    ExpectedName,
    /// A parameter's name is not followed by `=`, as with two credentials in one field.
    #[error("expected `=` after a parameter name")]
    ExpectedEquals,
    #[error("expected a value after `=`")]
    ExpectedValue,
    #[error("expected `,` or the end after a value")]
    AfterValue,
    /// A quoted-string has no closing quote. The position is that of the opening one.
    #[error("unclosed quoted-string")]
    UnclosedQuote,
    #[error("control character")]
    ControlCharacter,
    #[error("too many parameters")]
    TooManyParameters,
    #[error("expected a charset and `'`")]
    ExpectedCharset,
    #[error("charset other than UTF-8")]
    UnknownCharset,
    /// The language tag of an extended value is malformed, or the `'` after it is missing.
    #[error("invalid language tag")]
    InvalidLanguage,
    #[error("character that has to be percent-encoded")]
    InvalidValueChar,
    /// A `%` in an extended value is not followed by two hex digits. The position of this error
    /// and of the errors in decoded text is the start of the encoded text.
    #[error("invalid percent-escape")]
    InvalidEscape,
    #[error("invalid UTF-8")]
    InvalidUtf8,
}

impl SyntaxError {
    pub(crate) const fn new(kind: SyntaxErrorKind, position: usize) -> Self {
        Self { kind, position }
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
