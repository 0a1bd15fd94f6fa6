//! The reasons for refusals.

use std::fmt;

use http::StatusCode;

/// Why a request was refused, for logs and metrics.
///
/// It is more detailed than the response. Each reason has a fixed status and a fixed name, and
/// contains nothing that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The request has no `Proxy-Authorization`.
    MissingCredentials,
    /// The credentials use a scheme that is not offered.
    SchemeNotOffered,
    /// The Digest algorithm is not offered.
    AlgorithmNotOffered,
    /// The credentials cannot be decoded.
    Undecodable,
    /// The user-id is empty.
    EmptyUserId,
    /// The password is empty.
    EmptyPassword,
    /// The user-id or the password contains a control character.
    ControlCharacter,
    /// The password is longer than the limit.
    PasswordTooLong,
    /// The parameters in the user name are malformed.
    UserParameters,
    /// The back end does not know the user.
    UnknownUser,
    /// The password, or the Digest response, is wrong.
    WrongPassword,
    /// The user's stored record cannot be used.
    UnusableRecord,
    /// The Digest credentials are for another realm.
    OtherRealm,
    /// The Digest response is right and its nonce has expired.
    NonceExpired,
    /// The Digest response is right and its nonce was not issued here.
    NonceUnknown,
    /// The Digest response is right and the store has dropped the record of its nonce.
    NonceForgotten,
    /// The Digest response is right and its nonce-count was used before.
    NonceReplayed,
    /// The Digest response is right and another user used its nonce first.
    NonceOfOtherUser,
    /// The request has several `Proxy-Authorization` fields.
    SeveralFields,
    /// The field does not follow the grammar.
    Malformed,
    /// A parameter occurs twice.
    DuplicateParameter,
    /// A parameter is missing.
    MissingParameter,
    /// A parameter has an invalid value, or one that was not offered.
    ImproperParameter,
    /// The `uri` of the Digest credentials names another resource.
    OtherResource,
    /// The credentials are right and the account is disabled.
    AccountDisabled,
    /// The credentials are right and the account has expired.
    AccountExpired,
    /// The `Proxy-Authorization` field is longer than the limit.
    FieldTooLong,
    /// A back end could not answer.
    BackendFailed,
    /// An upstream proxy answered with a 407.
    UpstreamChallenge,
}

impl Reason {
    /// All reasons, for instance to register a counter for each.
    pub const ALL: &'static [Self] = &[
        Self::MissingCredentials,
        Self::SchemeNotOffered,
        Self::AlgorithmNotOffered,
        Self::Undecodable,
        Self::EmptyUserId,
        Self::EmptyPassword,
        Self::ControlCharacter,
        Self::PasswordTooLong,
        Self::UserParameters,
        Self::UnknownUser,
        Self::WrongPassword,
        Self::UnusableRecord,
        Self::OtherRealm,
        Self::NonceExpired,
        Self::NonceUnknown,
        Self::NonceForgotten,
        Self::NonceReplayed,
        Self::NonceOfOtherUser,
        Self::SeveralFields,
        Self::Malformed,
        Self::DuplicateParameter,
        Self::MissingParameter,
        Self::ImproperParameter,
        Self::OtherResource,
        Self::AccountDisabled,
        Self::AccountExpired,
        Self::FieldTooLong,
        Self::BackendFailed,
        Self::UpstreamChallenge,
    ];

    /// The status of the response: 400, 403, 407, 431, 502 or 503.
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

    /// Whether the Digest response is right and only its nonce cannot be used. The 407 then says
    /// `stale=true`, so that the client repeats the request without asking its user.
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

    /// The name for logs and metrics, in lower case with hyphens.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_reason_once() {
        for (number, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, number, "{reason}");
        }
        // The last variant: a new one has to be added to the list.
        assert_eq!(Reason::ALL.len(), Reason::UpstreamChallenge as usize + 1);
    }
}
