//! The check of a password against a directory.

use std::{fmt, sync::Arc};

use tokio::{runtime::Handle, time};

use super::{builder::LdapBuilder, directory::Directory, server::Server};
use crate::{
    backend::{BasicCredentials, CredentialValidator, Verdict},
    error::BackendError,
};

/// Users of a directory, whose passwords it checks itself, by a bind. Serves Basic.
///
/// Feature `ldap`. It runs on tokio: it has to be asked on a runtime with time and I/O enabled, and
/// anywhere else it fails. Clones share the connections, which end with the last clone.
///
/// # How a user is found
/// - [`with_dn_template`](LdapBuilder::with_dn_template): the name has a fixed place, which is
///   bound to at once. Nobody else's account is needed. The directory does not tell an unknown user
///   from a wrong password, so neither does this: in a chain it comes last.
/// - [`with_search`](LdapBuilder::with_search): a service account searches for the entry, and that
///   is bound to. It tells unknown users, at the same number of round trips.
///
/// The name in the entry has to be the one that the client sent, byte for byte. Directories compare
/// without regard to case, blanks and more; a user whose name was sent in another spelling is
/// unknown here, so that nobody goes by two names. An entry that shows no such name, or more than
/// one, is a failure.
///
/// # What the directory says, and what is made of it
/// | answer | verdict |
/// |---|---|
/// | success | [`Accepted`](Verdict::Accepted), with the groups |
/// | success, without the required group | [`Disabled`](Verdict::Disabled) |
/// | invalidCredentials (49), inappropriateAuthentication (48) | [`WrongPassword`](Verdict::WrongPassword) |
/// | the same, and Active Directory says 533 | [`Disabled`](Verdict::Disabled) |
/// | the same, and Active Directory says 532, 701 or 773 | [`Expired`](Verdict::Expired) |
/// | the same, and a password policy says that it has expired | [`Expired`](Verdict::Expired) |
/// | success, and a password policy says that it has to be changed first | [`Expired`](Verdict::Expired) |
/// | noSuchObject (32), or no entry found | [`UnknownUser`](Verdict::UnknownUser) |
/// | more than one entry, a referral, anything else | a failure, so 503 |
///
/// Active Directory gives those numbers, and a password policy those errors, for the right password
/// alone. An account that is locked for guessing is told before its password was looked at, so it
/// is a wrong password here. With a template the account of a `Disabled` or `Expired` has the name
/// as sent, since its entry cannot be read.
///
/// # Failures
/// Each wait has a time-out, and so has the whole check. What one server cannot answer the next is
/// asked, unless it would say the same. A server that failed is asked last for two seconds; then
/// one check tries it again. No more than [`with_max_checks`](LdapBuilder::with_max_checks) are
/// under way at a time, and when [`with_queue`](LdapBuilder::with_queue) others wait the check
/// fails at once.
///
/// A bind whose answer was lost is made again, on another connection or another server. Where
/// failures are counted, it may count twice.
///
/// # Security
/// - An empty password is never sent: a directory takes it for a wish to be anonymous and grants
///   it. Neither is a name of more than 1,024 bytes, a password of more than 4,096, or one of them
///   with a control character: those are unknown or wrong as they are.
/// - The certificate of a server is always checked, name included. Without TLS nothing is sent
///   unless `insecure_plaintext` was called.
/// - Names go into filters and distinguished names escaped ([RFC 4515], [RFC 4514]).
/// - Referrals are never followed: they would take the password to whoever they name.
/// - For an unknown user the password that was sent goes into a bind to an entry that nobody has,
///   so that it takes as many round trips. How long the server itself takes for that bind is its
///   own affair: one with dear hashes may answer sooner.
///   [`with_decoy_dn`](LdapBuilder::with_decoy_dn) names an entry that costs it the same.
/// - An answer that is no LDAP makes ldap3 panic. That is caught and is a failure; a program that
///   is built to abort on panics ends there. With `ldaps://` only the server itself can send one.
/// - The password of the service account is wiped with the last clone. Copies on their way to a
///   server, within ldap3 and TLS, are not.
///
/// # Examples
/// ```no_run
/// use tower_proxy_auth::{Authenticator, Realm, backend::{ldap::{Ldap, SearchScope}}, secret::Password};
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
    /// Options, starting with the URL of a server: `ldaps://host`, or `ldap://host` for StartTLS;
    /// with `:port` if it is not 636 or 389.
    pub fn builder(url: impl Into<String>) -> LdapBuilder {
        LdapBuilder::new(url.into())
    }

    pub(super) fn new(directory: Directory) -> Self {
        Self(Arc::new(directory))
    }
}

/// A longer name is nobody's. A server may close the connection on a message that is too long,
/// which is not to be had by just anybody.
const LONGEST_NAME: usize = 1_024;
/// A longer password is wrong.
const LONGEST_PASSWORD: usize = 4_096;

/// For what is not sent to a server.
fn verdict_without_asking(credentials: &BasicCredentials<'_>) -> Option<Verdict> {
    let (user, password) = (credentials.user_id(), credentials.password());
    // A directory leaves control characters in names out, and may end a password at a NUL.
    if user.is_empty() || user.len() > LONGEST_NAME || user.contains(char::is_control) {
        return Some(Verdict::UnknownUser);
    }
    if password.is_empty()
        || password.len() > LONGEST_PASSWORD
        || password.contains(char::is_control)
    {
        return Some(Verdict::WrongPassword);
    }
    None
}

impl CredentialValidator for Ldap {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if let Some(verdict) = verdict_without_asking(&credentials) {
            return Ok(verdict);
        }
        if Handle::try_current().is_err() {
            return Err(BackendError::new("a directory is asked on a tokio runtime only"));
        }
        let limit = self.0.limits.timeout;
        let check = time::timeout(limit, self.0.check(credentials));
        check.await.unwrap_or_else(|_| {
            Err(BackendError::transient(format!("no verdict of the directory within {limit:?}")))
        })
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
