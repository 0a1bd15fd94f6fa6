//! The error for unusable Digest credentials.

use crate::grammar::SyntaxError;

/// Why a field has no usable Digest credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// The field does not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A parameter occurs twice. Unknown ones are called `other`.
    #[error("the parameter {0} occurs twice")]
    Duplicate(&'static str),
    /// A parameter is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter has a value that is malformed or not allowed.
    #[error("the parameter {0} has an improper value")]
    Improper(&'static str),
    /// The user-id is neither UTF-8 nor allowed Latin-1.
    #[error("the user-id cannot be decoded")]
    UndecodableUserId,
    /// The user-id is empty.
    #[error("the user-id is empty")]
    EmptyUserId,
    /// The user-id contains a control character.
    #[error("the user-id contains a control character")]
    ControlCharacter,
}
