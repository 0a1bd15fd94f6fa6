//! The reasons for refusals.

use std::fmt;

use http::StatusCode;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $status:ident, $name:literal;)*) => {
        /// Why a request was refused, for logs and metrics.
        ///
        /// It is more detailed than the response. Each reason has a fixed status and a fixed name,
        /// and contains nothing that the client sent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $reason,)*
        }

        impl Reason {
            /// All reasons, for instance to register a counter for each.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)*];

            /// Returns the status of the response: 400, 403, 407, 429, 431, 502 or 503.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$reason => StatusCode::$status,)*
                }
            }

            /// Returns the name for logs and metrics, in lower case with hyphens.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// The request has no `Proxy-Authorization`.
    MissingCredentials = PROXY_AUTHENTICATION_REQUIRED, "missing-credentials";
    /// The credentials use a scheme that is not offered.
    SchemeNotOffered = PROXY_AUTHENTICATION_REQUIRED, "scheme-not-offered";
    /// The Digest algorithm is not offered.
    AlgorithmNotOffered = PROXY_AUTHENTICATION_REQUIRED, "algorithm-not-offered";
    /// The credentials cannot be decoded.
    Undecodable = PROXY_AUTHENTICATION_REQUIRED, "undecodable";
    /// The user-id is empty.
    EmptyUserId = PROXY_AUTHENTICATION_REQUIRED, "empty-user-id";
    /// The password is empty.
    EmptyPassword = PROXY_AUTHENTICATION_REQUIRED, "empty-password";
    /// The user-id or the password contains a control character.
    ControlCharacter = PROXY_AUTHENTICATION_REQUIRED, "control-character";
    /// The password is longer than the limit of the scheme, or of the user's stored hash, such as
    /// 72 bytes for bcrypt.
    PasswordTooLong = PROXY_AUTHENTICATION_REQUIRED, "password-too-long";
    /// The parameters in the user name are malformed.
    UserParameters = PROXY_AUTHENTICATION_REQUIRED, "user-parameters";
    /// The back end does not know the user.
    UnknownUser = PROXY_AUTHENTICATION_REQUIRED, "unknown-user";
    /// The password, or the Digest response, is wrong.
    WrongPassword = PROXY_AUTHENTICATION_REQUIRED, "wrong-password";
    /// The user's stored record cannot be used.
    UnusableRecord = PROXY_AUTHENTICATION_REQUIRED, "unusable-record";
    /// The Digest credentials are for another realm.
    OtherRealm = PROXY_AUTHENTICATION_REQUIRED, "other-realm";
    /// The Digest response is right and its nonce has expired.
    NonceExpired = PROXY_AUTHENTICATION_REQUIRED, "nonce-expired";
    /// The Digest response is right and its nonce was not issued here.
    NonceUnknown = PROXY_AUTHENTICATION_REQUIRED, "nonce-unknown";
    /// The Digest response is right and the store has dropped the record of its nonce.
    NonceForgotten = PROXY_AUTHENTICATION_REQUIRED, "nonce-forgotten";
    /// The Digest response is right and its nonce-count was used before.
    NonceReplayed = PROXY_AUTHENTICATION_REQUIRED, "nonce-replayed";
    /// The Digest response is right and another user used its nonce first.
    NonceOfOtherUser = PROXY_AUTHENTICATION_REQUIRED, "nonce-of-other-user";
    /// The request has several `Proxy-Authorization` fields.
    SeveralFields = BAD_REQUEST, "several-fields";
    /// The field does not follow the grammar.
    Malformed = BAD_REQUEST, "malformed";
    /// A parameter occurs twice.
    DuplicateParameter = BAD_REQUEST, "duplicate-parameter";
    /// A parameter is missing.
    MissingParameter = BAD_REQUEST, "missing-parameter";
    /// A parameter has an invalid value, or one that was not offered.
    ImproperParameter = BAD_REQUEST, "improper-parameter";
    /// The `uri` of the Digest credentials names another resource.
    OtherResource = BAD_REQUEST, "other-resource";
    /// The credentials are right and the account is disabled.
    AccountDisabled = FORBIDDEN, "account-disabled";
    /// The credentials are right and the account, or its password, has expired.
    AccountExpired = FORBIDDEN, "account-expired";
    /// The user may not reach the target.
    Forbidden = FORBIDDEN, "forbidden";
    /// There were too many failed attempts from this address or for this user, so the credentials
    /// were not checked.
    TooManyFailures = TOO_MANY_REQUESTS, "too-many-failures";
    /// Too many checks from this address or for this user are running, so the credentials were not
    /// checked.
    TooManyChecks = TOO_MANY_REQUESTS, "too-many-checks";
    /// The credentials are right, and the user has sent requests from too many addresses.
    TooManyPeers = TOO_MANY_REQUESTS, "too-many-peers";
    /// The credentials are right, and the user has too many open tunnels.
    TooManyTunnels = TOO_MANY_REQUESTS, "too-many-tunnels";
    /// The credentials are right, and the user sends requests too fast.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests";
    /// The `Proxy-Authorization` field is longer than the limit.
    FieldTooLong = REQUEST_HEADER_FIELDS_TOO_LARGE, "field-too-long";
    /// A back end could not answer.
    BackendFailed = SERVICE_UNAVAILABLE, "backend-failed";
    /// The proxy is in [maintenance](crate::Authenticator::set_maintenance), so the credentials were
    /// not looked at.
    Maintenance = SERVICE_UNAVAILABLE, "maintenance";
    /// An upstream proxy answered with a 407.
    UpstreamChallenge = BAD_GATEWAY, "upstream-challenge";
}

impl Reason {
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

    /// Whether it occurs in normal operation: most clients send no credentials before the first 407,
    /// need a new nonce from time to time, and then repeat the request by themselves; and during
    /// maintenance, which is the operator's own doing, every request is refused. A log has such
    /// refusals at level `DEBUG`, because one line for each would bury the others.
    #[must_use]
    pub const fn is_routine(self) -> bool {
        matches!(self, Self::MissingCredentials | Self::Maintenance) || self.is_stale()
    }

    /// Whether the request may have been an attempt to guess a password: the password was wrong, or
    /// the user unknown or without a usable record.
    #[must_use]
    pub const fn is_guess(self) -> bool {
        matches!(
            self,
            Self::WrongPassword | Self::PasswordTooLong | Self::UnknownUser | Self::UnusableRecord
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
