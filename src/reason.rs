//! Why a request was refused, in a closed list.

use std::fmt;

use http::StatusCode;

/// Why a request was refused: what an operator sees in a log, told apart as the client never is.
///
/// Its status and its name are fixed. Nothing in it comes from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No `Proxy-Authorization`.
    MissingCredentials,
    /// Credentials of a scheme that is not offered.
    SchemeNotOffered,
    /// A Digest algorithm that is not offered.
    AlgorithmNotOffered,
    /// The credentials could not be decoded.
    Undecodable,
    /// An empty user-id.
    EmptyUserId,
    /// An empty password.
    EmptyPassword,
    /// A control character in user-id or password.
    ControlCharacter,
    /// A password longer than the limit.
    PasswordTooLong,
    /// A user name whose parameters are not what they should be.
    UserParameters,
    /// A user that the back end does not know.
    UnknownUser,
    /// A user that the back end knows, without the right password.
    WrongPassword,
    /// A user whose stored record cannot be used.
    UnusableRecord,
    /// Digest credentials made for another realm.
    OtherRealm,
    /// A right digest over a nonce that has expired.
    NonceExpired,
    /// A right digest over a nonce that is not ours, or was issued by another process.
    NonceUnknown,
    /// A right digest over a nonce of which nobody knows any more what was used.
    NonceForgotten,
    /// A right digest with a nonce-count that was used before.
    NonceReplayed,
    /// A right digest over a nonce that another user used first.
    NonceOfOtherUser,
    /// Several `Proxy-Authorization` fields.
    SeveralFields,
    /// A field that does not follow the grammar.
    Malformed,
    /// A parameter that occurs twice.
    DuplicateParameter,
    /// A parameter that is missing.
    MissingParameter,
    /// A parameter with a value that it cannot have, or was not offered.
    ImproperParameter,
    /// Digest credentials whose `uri` names another resource than the request.
    OtherResource,
    /// Right credentials of an account that is disabled.
    AccountDisabled,
    /// Right credentials of an account that has expired.
    AccountExpired,
    /// A `Proxy-Authorization` field longer than the limit.
    FieldTooLong,
    /// The back end could not answer.
    BackendFailed,
    /// A proxy upstream answered with a 407 of its own, which is not the client's to answer.
    UpstreamChallenge,
}

impl Reason {
    /// The status of the response: 400, 403, 407, 429, 431, 502 or 503.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MissingCredentials
            | Self::SchemeNotOffered
            | Self::AlgorithmNotOffered
            | Self::Undecodable
            | Self::EmptyUserId
            | Self::EmptyPassword
            | Self::ControlCharacter
            | Self::PasswordTooLong
            | Self::UserParameters
            | Self::UnknownUser
            | Self::WrongPassword
            | Self::UnusableRecord
            | Self::OtherRealm
            | Self::NonceExpired
            | Self::NonceUnknown
            | Self::NonceForgotten
            | Self::NonceReplayed
            | Self::NonceOfOtherUser => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            Self::SeveralFields
            | Self::Malformed
            | Self::DuplicateParameter
            | Self::MissingParameter
            | Self::ImproperParameter
            | Self::OtherResource => StatusCode::BAD_REQUEST,
            Self::AccountDisabled | Self::AccountExpired => StatusCode::FORBIDDEN,
            Self::FieldTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BackendFailed => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamChallenge => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whether the digest was right and only its nonce cannot be used: `stale=true`, so that the
    /// client tries again without asking its user.
    #[must_use]
    pub const fn is_stale(self) -> bool {
        matches!(
            self,
            Self::NonceExpired
                | Self::NonceUnknown
                | Self::NonceForgotten
                | Self::NonceReplayed
                | Self::NonceOfOtherUser
        )
    }

    /// The name for logs and metrics: lower case, with hyphens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingCredentials => "missing-credentials",
            Self::SchemeNotOffered => "scheme-not-offered",
            Self::AlgorithmNotOffered => "algorithm-not-offered",
            Self::Undecodable => "undecodable",
            Self::EmptyUserId => "empty-user-id",
            Self::EmptyPassword => "empty-password",
            Self::ControlCharacter => "control-character",
            Self::PasswordTooLong => "password-too-long",
            Self::UserParameters => "user-parameters",
            Self::UnknownUser => "unknown-user",
            Self::WrongPassword => "wrong-password",
            Self::UnusableRecord => "unusable-record",
            Self::OtherRealm => "other-realm",
            Self::NonceExpired => "nonce-expired",
            Self::NonceUnknown => "nonce-unknown",
            Self::NonceForgotten => "nonce-forgotten",
            Self::NonceReplayed => "nonce-replayed",
            Self::NonceOfOtherUser => "nonce-of-other-user",
            Self::SeveralFields => "several-fields",
            Self::Malformed => "malformed",
            Self::DuplicateParameter => "duplicate-parameter",
            Self::MissingParameter => "missing-parameter",
            Self::ImproperParameter => "improper-parameter",
            Self::OtherResource => "other-resource",
            Self::AccountDisabled => "account-disabled",
            Self::AccountExpired => "account-expired",
            Self::FieldTooLong => "field-too-long",
            Self::BackendFailed => "backend-failed",
            Self::UpstreamChallenge => "upstream-challenge",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
