//! Where and why a field is not what the grammar asks for.

use std::{error::Error, fmt};

/// A field, or a part of one, that does not follow the grammar.
///
/// It holds a reason and a place, never a byte of what the peer sent: it can go to a log, or into
/// an answer, as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyntaxError {
    kind: SyntaxErrorKind,
    position: usize,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A scheme should stand here, and what stands here is not a token.
    ExpectedScheme,
    /// The scheme is followed by something other than a space or the end.
    AfterScheme,
    /// A parameter's name should stand here, and what stands here is not a token.
    ExpectedName,
    /// A parameter's name is not followed by `=`. Two credentials in one field show themselves
    /// this way.
    ExpectedEquals,
    /// There is neither a token nor a quoted-string after `=`.
    ExpectedValue,
    /// A value is followed by something other than a comma or the end.
    AfterValue,
    /// The quoted-string that begins here has no end.
    UnclosedQuote,
    /// A control character where text should be.
    ControlCharacter,
    /// There are more parameters than the limit allows.
    TooManyParameters,
    /// An extended value does not begin with a charset and its `'`.
    ExpectedCharset,
    /// The charset of an extended value is not UTF-8.
    UnknownCharset,
    /// What stands between the two `'` of an extended value is no language tag, or the second
    /// one is missing.
    InvalidLanguage,
    /// A byte that should have been percent-encoded in an extended value.
    InvalidValueChar,
    /// A `%` that is not followed by two hex digits.
    InvalidEscape,
    /// The decoded bytes of an extended value are not UTF-8.
    InvalidUtf8,
}

impl SyntaxError {
    /// The error `kind` at `position`, for parsers of further schemes that are built on this
    /// grammar.
    #[must_use]
    pub const fn new(kind: SyntaxErrorKind, position: usize) -> Self {
        Self { kind, position }
    }

    /// What was wrong.
    #[must_use]
    pub const fn kind(&self) -> SyntaxErrorKind {
        self.kind
    }

    /// Where it was: an offset in bytes from the beginning of the field (or of the text, for what
    /// is printed). It is never larger than the field's length.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
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
    fn an_error_says_what_and_where() {
        let error = SyntaxError::new(SyntaxErrorKind::ExpectedEquals, 17);
        assert_eq!(error.kind(), SyntaxErrorKind::ExpectedEquals);
        assert_eq!(error.position(), 17);
        assert_eq!(error.to_string(), "expected `=` after a parameter name at byte 17");
    }
}
