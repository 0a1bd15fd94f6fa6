//! The two types of answers that a cache keeps.

use crate::{
    backend::{AccountStatus, SecretLookup, Verdict},
    identity::Account,
};

/// An answer of a back end.
pub(super) trait Answer: Clone + Send + Sync + 'static {
    fn kind(&self) -> AnswerKind<'_>;
}

/// The kind of an answer, which decides whether and how long it is kept.
pub(super) enum AnswerKind<'a> {
    /// A user who may log in.
    Active(&'a Account),
    /// A user whose account is disabled or has expired.
    Inactive(&'a Account),
    /// A wrong or too long password, or an unknown user.
    Refused,
    /// A record that cannot be used.
    Unusable,
}

impl Answer for Verdict {
    fn kind(&self) -> AnswerKind<'_> {
        match self {
            Self::Accepted(account) => AnswerKind::Active(account),
            Self::Disabled(account) | Self::Expired(account) => AnswerKind::Inactive(account),
            Self::WrongPassword
            | Self::WrongPasswordOf(_)
            | Self::PasswordTooLong
            | Self::UnknownUser => AnswerKind::Refused,
            Self::Unusable(_) => AnswerKind::Unusable,
        }
    }
}

impl Answer for SecretLookup {
    fn kind(&self) -> AnswerKind<'_> {
        match self {
            Self::Found(found) if found.status() == AccountStatus::Active => {
                AnswerKind::Active(found.account())
            }
            Self::Found(found) => AnswerKind::Inactive(found.account()),
            Self::Unknown => AnswerKind::Refused,
            Self::Unusable(_) => AnswerKind::Unusable,
        }
    }
}
