//! What a page is about.

use http::StatusCode;

use crate::reason::Reason;

macro_rules! subjects {
    ($($(#[$doc:meta])* $subject:ident = $status:ident;)*) => {
        /// What a built-in page is about.
        ///
        /// It is less detailed than [`Reason`]: a page for a wrong password cannot differ from one
        /// for an unknown user, in any language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum PageSubject {
            $($(#[$doc])* $subject,)*
        }

        impl PageSubject {
            /// All subjects, for instance to test that a language has a text for each.
            pub const ALL: &'static [Self] = &Self::EACH;

            pub(super) const EACH: [Self; [$(Self::$subject),*].len()] = [$(Self::$subject),*];

            /// Returns the status of the response.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$subject => StatusCode::$status,)*
                }
            }
        }
    };
}

subjects! {
    /// The request has no credentials.
    MissingCredentials = PROXY_AUTHENTICATION_REQUIRED;
    /// The proxy did not accept the user name and the password.
    WrongCredentials = PROXY_AUTHENTICATION_REQUIRED;
    /// The credentials are for a scheme or an algorithm that is not offered.
    SchemeNotOffered = PROXY_AUTHENTICATION_REQUIRED;
    /// The password is right, but the client must repeat the request with a new nonce.
    StaleNonce = PROXY_AUTHENTICATION_REQUIRED;
    /// The `Proxy-Authorization` field is ambiguous, malformed, or was made for another resource.
    Malformed = BAD_REQUEST;
    /// The credentials are right, and the account is disabled, or it or its password has expired.
    AccountUnavailable = FORBIDDEN;
    /// The proxy does not forward the request for this user.
    Forbidden = FORBIDDEN;
    /// There were too many failed logins from this address or with this user name.
    TooManyFailures = TOO_MANY_REQUESTS;
    /// Too many logins from this address or with this user name are being checked.
    TooManyChecks = TOO_MANY_REQUESTS;
    /// The account is in use at too many addresses.
    TooManyPeers = TOO_MANY_REQUESTS;
    /// The account has too many tunnels, or sends requests too fast.
    TooManyRequests = TOO_MANY_REQUESTS;
    /// The `Proxy-Authorization` field is too long.
    FieldTooLong = REQUEST_HEADER_FIELDS_TOO_LARGE;
    /// A back end could not answer.
    BackendFailed = SERVICE_UNAVAILABLE;
    /// The proxy is in maintenance, so no credentials were checked.
    Maintenance = SERVICE_UNAVAILABLE;
    /// Another proxy asked for credentials.
    UpstreamChallenge = BAD_GATEWAY;
}

impl From<Reason> for PageSubject {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::MissingCredentials => Self::MissingCredentials,
            Reason::SchemeNotOffered | Reason::AlgorithmNotOffered => Self::SchemeNotOffered,
            Reason::Undecodable
            | Reason::EmptyUserId
            | Reason::EmptyPassword
            | Reason::ControlCharacter
            | Reason::PasswordTooLong
            | Reason::UserParameters
            | Reason::UnknownUser
            | Reason::WrongPassword
            | Reason::UnusableRecord
            | Reason::OtherRealm => Self::WrongCredentials,
            Reason::NonceExpired
            | Reason::NonceUnknown
            | Reason::NonceForgotten
            | Reason::NonceReplayed
            | Reason::NonceOfOtherUser => Self::StaleNonce,
            Reason::SeveralFields
            | Reason::Malformed
            | Reason::DuplicateParameter
            | Reason::MissingParameter
            | Reason::ImproperParameter
            | Reason::OtherResource => Self::Malformed,
            Reason::AccountDisabled | Reason::AccountExpired => Self::AccountUnavailable,
            Reason::Forbidden => Self::Forbidden,
            Reason::TooManyFailures => Self::TooManyFailures,
            Reason::TooManyChecks => Self::TooManyChecks,
            Reason::TooManyPeers => Self::TooManyPeers,
            Reason::TooManyTunnels | Reason::TooManyRequests => Self::TooManyRequests,
            Reason::FieldTooLong => Self::FieldTooLong,
            Reason::BackendFailed => Self::BackendFailed,
            Reason::Maintenance => Self::Maintenance,
            Reason::UpstreamChallenge => Self::UpstreamChallenge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_status_of_its_reason() {
        for &reason in Reason::ALL {
            assert_eq!(PageSubject::from(reason).status(), reason.status(), "{reason}");
        }
    }

    #[test]
    fn no_page_tells_a_wrong_password_from_an_unknown_user() {
        for &reason in Reason::ALL.iter().filter(|reason| reason.is_guess()) {
            assert_eq!(PageSubject::from(reason), PageSubject::WrongCredentials, "{reason}");
        }
    }
}
