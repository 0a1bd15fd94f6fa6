//! The users who are logged in, for re-checks.

use std::sync::Weak;

use super::RevocationHandle;
use crate::{change_stamp::ChangeStamp, user_id::UserId, wire::Realm};

/// The token of the logins of one user by one scheme. Every identity of them holds it, so they are
/// alive as long as it is.
#[derive(Debug)]
pub(crate) struct Login;

/// A user who is logged in by one scheme.
pub(crate) struct LiveUser {
    pub(crate) realm: Realm,
    pub(crate) user: UserId,
    pub(crate) scheme: &'static str,
    /// One for each change stamp.
    pub(crate) logins: Vec<LiveLogin>,
}

/// The logins with one change stamp. It does not keep them alive.
pub(crate) struct LiveLogin {
    pub(crate) stamp: Option<ChangeStamp>,
    pub(super) handle: RevocationHandle,
    pub(super) login: Weak<Login>,
}

impl LiveLogin {
    /// Whether an identity of the login is in use and has not been revoked.
    pub(crate) fn is_live(&self) -> bool {
        self.login.strong_count() > 0 && !self.handle.is_revoked()
    }
}
