//! Checks passwords against a directory.

use std::{fmt, sync::Arc};

use super::{builder::LdapBuilder, directory::Directory, server::Server};
use crate::{
    backend::{AccountLookup, BasicCredentials, CredentialValidator, Verdict},
    error::BackendError,
    user_id::UserId,
    wire::Realm,
};

/// Users of an LDAP directory, whose passwords are checked by a bind. Serves Basic.
///
/// Clones share the connections, which are closed with the last clone. It needs a tokio runtime;
/// without one, checks fail.
///
/// # How users are found
/// - [`with_dn_template`](LdapBuilder::with_dn_template): the distinguished name contains the
///   user's name, and needs no search and no service account. A directory does not distinguish an
///   unknown user from a wrong password, so use it as the last member of a chain.
/// - [`with_search`](LdapBuilder::with_search): a service account searches for the entry, and the
///   password is then checked by a bind to it. It distinguishes unknown users, in the same number
///   of round trips.
///
/// A name in the entry must equal the one that the client sent, byte for byte. Directories ignore
/// case, blanks and more, but a user whose name is sent in another spelling is unknown here, so
/// that no user has two names. With
/// [`with_name_from_directory`](LdapBuilder::with_name_from_directory), the directory decides
/// whether the name matches, and its spelling becomes the user-id.
///
/// # Verdicts
/// | answer of the directory | verdict |
/// |---|---|
/// | success | [`Accepted`](Verdict::Accepted), with the groups |
/// | success, without the required group | [`Disabled`](Verdict::Disabled) |
/// | invalidCredentials (49), inappropriateAuthentication (48), constraintViolation (19) | [`WrongPassword`](Verdict::WrongPassword), or [`WrongPasswordOf`](Verdict::WrongPasswordOf) with a search and `with_name_from_directory` |
/// | invalidCredentials with number 533 of Active Directory | [`Disabled`](Verdict::Disabled) |
/// | invalidCredentials with number 532, 701 or 773 of Active Directory | [`Expired`](Verdict::Expired) |
/// | invalidCredentials, and a password policy reports that it has expired | [`Expired`](Verdict::Expired) |
/// | success, and a password policy requires a change of the password | [`Expired`](Verdict::Expired) |
/// | noSuchObject (32), or no entry found | [`UnknownUser`](Verdict::UnknownUser) |
/// | more than one entry, no name in it, more than 1,000 groups | [`Unusable`](Verdict::Unusable) |
/// | a referral or any other result | a [`BackendError`], so 503 |
///
/// Active Directory sends those numbers, and a password policy those errors, only for the right
/// password. A server reports the lock of an account before it checks the password, some with
/// constraintViolation, so a locked account is a wrong password here. With a template, the account
/// of a `Disabled` or `Expired` has the name as sent, since its entry cannot be read.
///
/// # Look-ups
/// With a search, [`account`](CredentialValidator::account) finds a user without a password:
/// [`Known`](AccountLookup::Known) if there is one usable entry, in the required group. It does not
/// detect by itself that an account is locked or has expired, but its
/// [change stamp](crate::Account::change_stamp) then differs from that of the login, as it does after
/// a change of the password or the groups, if the directory has
/// [attributes](LdapBuilder::with_change_attributes) that show it. The result is
/// [`Unsupported`](AccountLookup::Unsupported) with a template, and with `with_name_from_directory`
/// if the filter does not compare the name attribute.
///
/// # Failures
/// Each operation, the wait in the queue and the whole check have timeouts. If one server cannot
/// answer, the next one is tried, unless it would give the same answer. A server that failed is
/// tried last for two seconds; then one check tries it again. At most
/// [`with_max_checks`](LdapBuilder::with_max_checks) run at once, and
/// [`with_queue`](LdapBuilder::with_queue) more may wait.
///
/// A bind whose answer was lost is repeated, on another connection or another server, so that a
/// directory may count one wrong password twice.
///
/// # Security
/// - An empty password is never sent: a directory would treat it as an anonymous bind, which
///   succeeds. Names of more than 1,024 bytes, passwords of more than 4,096 and control characters
///   are never sent either: the user is unknown, or the password is wrong.
/// - The certificate of a server and its name are always checked. Nothing is sent without TLS,
///   unless `insecure_plaintext` allows it.
/// - Names are escaped in filters and distinguished names ([RFC 4515], [RFC 4514]).
/// - Referrals and references are never followed, since they would send the password to another
///   server.
/// - For an unknown user, the validator binds to an entry that does not exist, which takes as many
///   round trips. The server may answer that bind faster;
///   [`with_decoy_dn`](LdapBuilder::with_decoy_dn) prevents it.
/// - ldap3 panics on an answer that is not LDAP. The panic is caught and is a failure, except in a
///   program that aborts on panics. With `ldaps://`, only the server itself can send such an
///   answer.
/// - The password of the service account is wiped with the last clone. Copies in buffers of ldap3
///   and TLS are not.
///
/// # Panics
/// A check panics on a runtime without a timer or I/O.
///
/// # Examples
/// ```no_run
/// use tower_proxy_auth::{Authenticator, Realm, backend::ldap::{Ldap, SearchScope}, secret::Password};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let password = Password::new(std::fs::read_to_string("/etc/proxy/ldap-password")?.trim_end());
/// let people = Ldap::builder("ldaps://ldap1.example.org")
///     .with_server("ldaps://ldap2.example.org")
///     .with_ca_file("/etc/proxy/corp-ca.pem")
///     .with_service_account("cn=proxy,ou=services,dc=example,dc=org", password)
///     .with_search("ou=people,dc=example,dc=org", "(&(uid={user})(objectClass=person))", "uid")
///     .with_scope(SearchScope::OneLevel)
///     .with_group_attribute("memberOf")
///     .build()?;
/// let auth = Authenticator::builder(Realm::new("corp proxy")?).with_basic(people).build()?;
/// # let _ = auth;
/// # Ok(())
/// # }
/// ```
///
/// [RFC 4514]: https://www.rfc-editor.org/rfc/rfc4514
/// [RFC 4515]: https://www.rfc-editor.org/rfc/rfc4515
#[derive(Clone)]
pub struct Ldap(Arc<Directory>);

impl Ldap {
    /// The options, with the URL of a server: `ldaps://host`, or `ldap://host` for StartTLS, with
    /// `:port` unless that is 636 or 389.
    pub fn builder(url: impl Into<String>) -> LdapBuilder {
        LdapBuilder::new(url.into())
    }

    /// Tests every server, to find an unreachable one, a refused service account or a missing base
    /// before the first login. With a template, it only connects.
    ///
    /// Call it when the program starts, and log the error: the servers may recover.
    ///
    /// # Errors
    /// The failures, with the addresses of the servers. The error is
    /// [transient](BackendError::is_transient) if all of them are.
    pub async fn check(&self) -> Result<(), BackendError> {
        self.0.test().await
    }

    pub(super) fn new(directory: Directory) -> Self {
        Self(Arc::new(directory))
    }
}

/// Users with longer names do not exist. A server may close the connection on a long message, which
/// clients must not be able to cause.
const MAX_NAME: usize = 1_024;
/// Longer passwords are wrong.
const MAX_PASSWORD: usize = 4_096;

/// Whether a name may be sent to a server. A directory ignores control characters in names.
fn is_possible_name(user: &str) -> bool {
    !user.is_empty() && user.len() <= MAX_NAME && !user.contains(char::is_control)
}

/// The verdict for credentials that are not sent to a server.
fn verdict_without_server(credentials: &BasicCredentials<'_>) -> Option<Verdict> {
    let (user, password) = (credentials.user_id(), credentials.password());
    if !is_possible_name(user) {
        return Some(Verdict::UnknownUser);
    }
    // A directory may end a password at a NUL.
    if password.is_empty() || password.len() > MAX_PASSWORD || password.contains(char::is_control) {
        return Some(Verdict::WrongPassword);
    }
    None
}

impl CredentialValidator for Ldap {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if let Some(verdict) = verdict_without_server(&credentials) {
            return Ok(verdict);
        }
        self.0.check(credentials).await
    }

    async fn account(&self, _: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        if !is_possible_name(user.as_str()) {
            return Ok(AccountLookup::Unknown);
        }
        self.0.account(user).await
    }
}

impl fmt::Debug for Ldap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.0.servers.iter().map(Server::address).collect();
        f.debug_struct("Ldap")
            .field("servers", &servers)
            .field("lookup", &self.0.lookup)
            .field("groups", &self.0.groups)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}
