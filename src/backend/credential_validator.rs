//! The trait for checking passwords, for Basic.

use std::{fmt, future::Future, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::lookup::{AccountLookup, UnusableRecord};
use crate::{
    error::{BackendError, ConfigError},
    identity::Account,
    revocation::Revocations,
    secret::{Password, constant_time_eq},
    throttle::Ticket,
    user_id::UserId,
    wire::Realm,
};

/// User-id and password as a client sent them, borrowed during the check.
///
/// The user-id is not empty and has no colon; neither contains a control character. `Debug` shows
/// only the realm, since people type passwords into the name field.
#[derive(Clone, Copy)]
pub struct BasicCredentials<'a> {
    realm: &'a Realm,
    user_id: &'a str,
    password: &'a str,
    recheck: bool,
    ticket: Option<&'a Ticket>,
}

impl<'a> BasicCredentials<'a> {
    /// Credentials for `realm`, as a client sent them.
    #[must_use]
    pub const fn new(realm: &'a Realm, user_id: &'a str, password: &'a str) -> Self {
        Self { realm, user_id, password, recheck: false, ticket: None }
    }

    /// Adds the ticket of the attempt, if there is a throttle.
    #[must_use]
    pub const fn with_ticket(mut self, ticket: Option<&'a Ticket>) -> Self {
        self.ticket = ticket;
        self
    }

    /// Sets whether this check renews a verdict that a cache still keeps; `false` by default.
    #[must_use]
    pub const fn with_recheck(mut self, recheck: bool) -> Self {
        self.recheck = recheck;
        self
    }

    /// The protection space that they were sent for.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The user-id as sent. Compare it byte for byte, or return the canonical name in the
    /// [`Account`].
    #[must_use]
    pub const fn user_id(&self) -> &'a str {
        self.user_id
    }

    /// The password as sent. To compare it, use [`verify`](Self::verify).
    #[must_use]
    pub const fn password(&self) -> &'a str {
        self.password
    }

    /// Whether this check renews a verdict that a cache still keeps. Queues prefer such checks, so
    /// that a flood of guesses does not lock out users who are logged in.
    #[must_use]
    pub const fn is_recheck(&self) -> bool {
        self.recheck
    }

    /// The ticket of the attempt. Work that may outlive the call keeps a clone until it ends, as
    /// [`to_owned`](Self::to_owned) does.
    #[must_use]
    pub const fn ticket(&self) -> Option<&'a Ticket> {
        self.ticket
    }

    /// Whether the password is `stored`: never for `None`, which stands for an unknown user.
    ///
    /// # Security
    /// Compares hashes in constant time, and does the same work for an unknown user, so the time
    /// shows only the lengths. It is not for passwords that are stored as hashes.
    #[must_use]
    pub fn verify(&self, stored: Option<&str>) -> bool {
        let sent = Sha256::digest(self.password);
        let expected = Sha256::digest(stored.unwrap_or(self.password));
        constant_time_eq(&sent, &expected) & stored.is_some()
    }

    /// An owned copy, for a check that runs in another task or thread.
    #[must_use]
    pub fn to_owned(&self) -> OwnedCredentials {
        OwnedCredentials {
            realm: self.realm.clone(),
            user_id: Password::new(self.user_id),
            password: Password::new(self.password),
            recheck: self.recheck,
            ticket: self.ticket.cloned(),
        }
    }
}

impl fmt::Debug for BasicCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials").field("realm", self.realm).finish_non_exhaustive()
    }
}

/// Owned [`BasicCredentials`]; wiped when dropped.
#[derive(Clone)]
pub struct OwnedCredentials {
    realm: Realm,
    /// People type passwords into the name field.
    user_id: Password,
    password: Password,
    recheck: bool,
    ticket: Option<Ticket>,
}

impl OwnedCredentials {
    /// Borrows the credentials.
    #[must_use]
    pub fn as_borrowed(&self) -> BasicCredentials<'_> {
        BasicCredentials::new(&self.realm, self.user_id.expose(), self.password.expose())
            .with_recheck(self.recheck)
            .with_ticket(self.ticket.as_ref())
    }
}

impl fmt::Debug for OwnedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedCredentials").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The result of checking a password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The password is right. The request is forwarded with this account.
    Accepted(Account),
    /// The user is known and the password is wrong: 407.
    WrongPassword,
    /// Like [`WrongPassword`](Self::WrongPassword), with the canonical name of a user who can log
    /// in under several spellings, so that their failures can be counted together.
    WrongPasswordOf(UserId),
    /// The user is known, and the password is longer than the stored hash covers, so it is wrong:
    /// 407, with [its own reason](crate::Reason::PasswordTooLong), which only the log shows.
    PasswordTooLong,
    /// The validator does not know the user: 407. A chain continues with its next member.
    UnknownUser,
    /// The password is right and the account is disabled: 403.
    Disabled(Account),
    /// The password is right and the account has expired: 403.
    Expired(Account),
    /// The user has a record that cannot be used: 407, as for an unknown user, and a chain stops.
    /// The cause is for the operator's log.
    Unusable(UnusableRecord),
}

/// Checks passwords, for Basic: by an LDAP bind, an SQL query, PAM, an HTTP request.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Account, BackendError, BasicCredentials, CredentialValidator, Verdict};
///
/// struct OneUser;
///
/// impl CredentialValidator for OneUser {
///     async fn validate(
///         &self,
///         credentials: BasicCredentials<'_>,
///     ) -> Result<Verdict, BackendError> {
///         let stored = (credentials.user_id() == "alice").then_some("wonder");
///         Ok(match (credentials.verify(stored), stored) {
///             (true, _) => Verdict::Accepted(Account::new("alice")),
///             (false, Some(_)) => Verdict::WrongPassword,
///             (false, None) => Verdict::UnknownUser,
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check passwords, so it cannot serve Basic",
    label = "not a `CredentialValidator`",
    note = "implement `CredentialValidator` for it, or wrap a closure in `backend::from_fn` or \
            `backend::from_async_fn`"
)]
pub trait CredentialValidator: Send + Sync + 'static {
    /// Checks the password.
    ///
    /// # Errors
    /// The back end could not answer. The request is refused with 503.
    ///
    /// # Security
    /// An unknown user must cost as much as a wrong password. Set a timeout on every wait.
    fn validate(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> impl Future<Output = Result<Verdict, BackendError>> + Send;

    /// A number that changes whenever the stored users change, and never returns to an earlier
    /// value. Caches drop refusals when it differs.
    ///
    /// The default, always 0, is for validators that do not learn of changes.
    fn version(&self) -> u64 {
        0
    }

    /// Checks that the validator can serve `realm`. The authenticator calls it when it is built.
    ///
    /// # Errors
    /// [`ConfigError::RealmNotServed`] if all users belong to other realms.
    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        let _ = realm;
        Ok(())
    }

    /// Looks up a user without a password, by the user-id of their [`Account`].
    ///
    /// [`Authenticator::recheck`](crate::Authenticator::recheck) calls it for users who are logged
    /// in, and ends the access of those who are [`Unknown`](AccountLookup::Unknown), or whose account
    /// has another [change stamp](Account::change_stamp) than that of
    /// [`Verdict::Accepted`]. So a user who may not log in any more is unknown, and both methods set
    /// the same stamp.
    ///
    /// # Errors
    /// The back end could not answer, which says nothing about the user.
    fn account(
        &self,
        realm: &Realm,
        user: &UserId,
    ) -> impl Future<Output = Result<AccountLookup, BackendError>> + Send {
        let _ = (realm, user);
        async { Ok(AccountLookup::Unsupported) }
    }

    /// Provides a registry. If a user's record changes or is removed, the validator must revoke the
    /// user in every registry that was attached.
    ///
    /// The default is for validators that do not learn of changes.
    fn attach(&self, revocations: &Revocations) {
        let _ = revocations;
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for Arc<V> {
    fn validate(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> impl Future<Output = Result<Verdict, BackendError>> + Send {
        V::validate(self, credentials)
    }

    fn version(&self) -> u64 {
        V::version(self)
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        V::serves(self, realm)
    }

    fn account(
        &self,
        realm: &Realm,
        user: &UserId,
    ) -> impl Future<Output = Result<AccountLookup, BackendError>> + Send {
        V::account(self, realm, user)
    }

    fn attach(&self, revocations: &Revocations) {
        V::attach(self, revocations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_accepts_only_the_stored_password() {
        let realm = Realm::new("proxy").unwrap();
        let credentials = BasicCredentials::new(&realm, "alice", "wonder");
        assert!(credentials.verify(Some("wonder")));
        assert!(!credentials.verify(Some("wonderer")));
        assert!(!credentials.verify(Some("")));
        assert!(!credentials.verify(None));
        let empty = BasicCredentials::new(&realm, "alice", "");
        assert!(!empty.verify(None));
    }

    #[test]
    fn a_copy_stays_marked_as_a_recheck() {
        let realm = Realm::new("proxy").unwrap();
        let credentials = BasicCredentials::new(&realm, "alice", "wonder");
        assert!(!credentials.is_recheck());
        for recheck in [true, false] {
            let copy = credentials.with_recheck(recheck).to_owned();
            assert_eq!(copy.as_borrowed().is_recheck(), recheck);
        }
    }

    #[test]
    fn debug_shows_neither_name_nor_password() {
        let realm = Realm::new("proxy").unwrap();
        let credentials = BasicCredentials::new(&realm, "alice", "wonder");
        assert_eq!(format!("{credentials:?}"), "BasicCredentials { realm: \"proxy\", .. }");
        assert_eq!(
            format!("{:?}", credentials.to_owned()),
            "OwnedCredentials { realm: \"proxy\", .. }"
        );
    }
}
