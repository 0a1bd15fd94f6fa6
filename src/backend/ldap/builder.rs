//! The options of a directory.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    address::{Address, Security},
    changes,
    config_error::LdapConfigError,
    connection::Route,
    directory::Directory,
    limits::Limits,
    references::{LdapWarning, Observer, References},
    server::{Server, ServiceAccount},
    tls,
    validator::Ldap,
};
use crate::secret::Password;
use ldap3::Scope;

/// Options of an [`Ldap`], from [`Ldap::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LdapBuilder {
    /// Their URLs, which have not been checked and may contain a password.
    servers: Vec<Password>,
    start_tls: bool,
    plaintext: bool,
    ca_files: Vec<PathBuf>,
    pub(super) dn_template: Option<String>,
    pub(super) search: Option<Search>,
    pub(super) scope: Option<SearchScope>,
    pub(super) is_name_from_directory: bool,
    pub(super) account: Option<ServiceAccount>,
    pub(super) change_attributes: Vec<String>,
    pub(super) decoy_dn: Option<String>,
    strict_references: bool,
    observer: Observer,
    pub(super) group_attribute: Option<String>,
    pub(super) group_search: Option<Search>,
    pub(super) required_group: Option<String>,
    limits: Limits,
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) filter: String,
    pub(super) name_attribute: String,
}

/// The depth of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchScope {
    /// The entries directly below the base.
    OneLevel,
    /// The base and everything below it.
    #[default]
    Subtree,
}

impl LdapBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            servers: vec![Password::new(url)],
            start_tls: false,
            plaintext: false,
            ca_files: Vec::new(),
            dn_template: None,
            search: None,
            scope: None,
            is_name_from_directory: false,
            account: None,
            change_attributes: changes::DEFAULT.map(Into::into).into(),
            decoy_dn: None,
            strict_references: false,
            observer: Observer::default(),
            group_attribute: None,
            group_search: None,
            required_group: None,
            limits: Limits::default(),
        }
    }

    /// Adds a server, which is tried if the previous ones cannot answer.
    pub fn with_server(mut self, url: impl Into<String>) -> Self {
        self.servers.push(Password::new(url));
        self
    }

    /// Sets whether `ldap://` connections use StartTLS before anything else is sent; `false` by
    /// default. Nothing is sent to a server that refuses it.
    pub const fn with_start_tls(mut self, start_tls: bool) -> Self {
        self.start_tls = start_tls;
        self
    }

    /// Sets whether passwords are sent over `ldap://` without TLS; `false` by default, also for the
    /// loopback address.
    ///
    /// # Security
    /// Anyone on the network path can then read passwords, and impersonate the directory.
    pub const fn insecure_plaintext(mut self, plaintext: bool) -> Self {
        self.plaintext = plaintext;
        self
    }

    /// Adds a PEM file with certificate authorities, which replace those of the operating system.
    /// [`build`](Self::build) reads it.
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Finds users by their distinguished name, such as `uid={user},ou=people,dc=example,dc=org`.
    ///
    /// The first part must be an attribute with `{user}` as its whole value. After a successful
    /// bind, the validator reads the entry with the user's own rights, which the directory must
    /// allow. A value of that attribute must equal the name that the client sent, unless
    /// [`with_name_from_directory`](Self::with_name_from_directory) is set.
    pub fn with_dn_template(mut self, template: impl Into<String>) -> Self {
        self.dn_template = Some(template.into());
        self
    }

    /// Finds users by a search below `base`, as the service account, with a filter that has
    /// `{user}` as a placeholder for the name, such as `(uid={user})`.
    ///
    /// `name_attribute` is the attribute with the user's name, such as `uid` or, in Active
    /// Directory, `sAMAccountName`. If no value of it equals the name that the client sent, byte
    /// for byte, the user is unknown, unless
    /// [`with_name_from_directory`](Self::with_name_from_directory) is set.
    pub fn with_search(
        mut self,
        base: impl Into<String>,
        filter: impl Into<String>,
        name_attribute: impl Into<String>,
    ) -> Self {
        self.search = Some(Search::new(base, filter, name_attribute));
        self
    }

    /// Sets whether the directory decides if a name matches; `false` by default. The user-id of the
    /// account is then the value of the name attribute as the directory spells it.
    ///
    /// Directories ignore case, so `Alice` logs in as `alice`. With a filter such as
    /// `(|(uid={user})(mail={user}))` and the name attribute `uid`, `alice@example.org` does too.
    ///
    /// If the attribute has several values, the user-id is the one that equals the sent name,
    /// ignoring case. If none does, or several do, the record is
    /// [`Unusable`](crate::Verdict::Unusable).
    ///
    /// # Security
    /// A user can log in under every name for which the filter finds the entry, so it must not
    /// compare attributes that other users may share. If users can change an attribute that it
    /// compares, make the directory keep its values unique: a user could otherwise take the name of
    /// another, and neither could log in.
    pub const fn with_name_from_directory(mut self, from_directory: bool) -> Self {
        self.is_name_from_directory = from_directory;
        self
    }

    /// Sets the depth of the search for a user; [`SearchScope::Subtree`] by default.
    pub const fn with_scope(mut self, scope: SearchScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets the account for searches.
    pub fn with_service_account(mut self, dn: impl Into<String>, password: Password) -> Self {
        self.account = Some(ServiceAccount { dn: dn.into().into(), password });
        self
    }

    /// Sets the distinguished name of the bind for unknown users; by default a random name below
    /// the base, which does not exist.
    ///
    /// A server answers faster if it has no expensive hash to check. To make the times equal,
    /// create an entry with a random password that is hashed like those of the users, exempt it
    /// from locking, and name it here. The result of its bind is ignored.
    pub fn with_decoy_dn(mut self, dn: impl Into<String>) -> Self {
        self.decoy_dn = Some(dn.into());
        self
    }

    /// Sets the attributes that show that the password or the standing of a user has changed, for
    /// the [change stamp](crate::Account::change_stamp); it always covers the groups and the
    /// distinguished name. The search requests them. By default:
    ///
    /// | attribute | changes | needs |
    /// |---|---|---|
    /// | `userPassword` | with the password | that the service account may read it |
    /// | `pwdChangedTime` | with the password | a password policy |
    /// | `pwdAccountLockedTime` | when an administrator locks the account; other values are ignored, since guesses cause them | a password policy |
    /// | `pwdLastSet`, `userAccountControl` | with the password, and when the account is disabled | Active Directory |
    /// | `nsAccountLock` | when the account is locked | 389 Directory Server |
    ///
    /// If a directory has none of them, a new password does not end the access of its user.
    /// `entryCSN` or `modifyTimestamp` change with it, but also with every other change of the
    /// entry.
    ///
    /// # Security
    /// The directory then sends stored passwords to this process, which hashes and wipes them, but
    /// not the buffers of ldap3. Do not let the service account read `userPassword` if it need not.
    pub fn with_change_attributes<A: Into<String>>(
        mut self,
        attributes: impl IntoIterator<Item = A>,
    ) -> Self {
        self.change_attributes = attributes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether a search fails if it finds nothing but references to other servers; `false` by
    /// default: the references are ignored, and [`on_warning`](Self::on_warning) reports the first
    /// ones. They are never followed. Active Directory sends them for every search from the root of
    /// a domain.
    pub const fn with_strict_references(mut self, strict: bool) -> Self {
        self.strict_references = strict;
        self
    }

    /// Calls `observer` with each warning for the operator, for example to log it. The check that
    /// causes the warning waits for it, so it must not block.
    pub fn on_warning(
        mut self,
        observer: impl Fn(LdapWarning<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// Sets the attribute of a user's entry with the names of the groups, such as `memberOf`.
    pub fn with_group_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.group_attribute = Some(attribute.into());
        self
    }

    /// Finds the groups of a user by a search below `base`; `name_attribute`, such as `cn`, has the
    /// name of a group. The filter has `{dn}` as a placeholder for the distinguished name of the
    /// user, as in `(member={dn})`, or `{user}` for the name, as in `(memberUid={user})`. A user in
    /// more than 1,000 groups cannot log in.
    pub fn with_group_search(
        mut self,
        base: impl Into<String>,
        filter: impl Into<String>,
        name_attribute: impl Into<String>,
    ) -> Self {
        self.group_search = Some(Search::new(base, filter, name_attribute));
        self
    }

    /// Refuses users outside this group with 403 after a right password. The group is a value of
    /// the group attribute, such as `cn=staff,ou=groups,dc=example,dc=org`. For a group search, it
    /// is the distinguished name of the group, or the value of its `name_attribute`, such as
    /// `staff`.
    ///
    /// The directory compares it by the matching rule of the attribute. Most rules ignore case, and
    /// blanks after commas.
    pub fn with_required_group(mut self, group: impl Into<String>) -> Self {
        self.required_group = Some(group.into());
        self
    }

    /// Limits the time to connect, including TLS; 2 s by default.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect_timeout = limit;
        self
    }

    /// Limits the time of a bind or a search; 3 s by default.
    pub const fn with_operation_timeout(mut self, limit: Duration) -> Self {
        self.limits.operation_timeout = limit;
        self
    }

    /// Limits the total time of a check, with attempts on all servers, and separately the wait in
    /// the queue before it; 10 s each by default. It must not be shorter than the other two
    /// timeouts, so that the next server can be tried if one hangs.
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.limits.timeout = limit;
        self
    }

    /// Sets the maximum number of concurrent checks; 16 by default. Each uses one connection to a
    /// server, and one more while it searches.
    pub const fn with_max_checks(mut self, checks: usize) -> Self {
        self.limits.max_checks = checks;
        self
    }

    /// Sets the maximum number of queued checks, and also of queued
    /// [re-checks](crate::BasicCredentials::is_recheck); 1,000 by default, and 0 for none. The next
    /// one fails with 503.
    pub const fn with_queue(mut self, checks: usize) -> Self {
        self.limits.queue = checks;
        self
    }

    /// Makes the validator, which connects at the first request or at [`Ldap::check`].
    ///
    /// # Errors
    /// [`LdapConfigError`] for every mistake that can be found without a server.
    pub fn build(self) -> Result<Ldap, LdapConfigError> {
        self.limits.check()?;
        let addresses: Vec<_> = self
            .servers
            .iter()
            .map(|url| Address::parse(url.expose(), self.start_tls, self.plaintext))
            .collect::<Result<_, _>>()?;
        let lookup = self.lookup()?;
        let groups = self.groups()?;
        let needs_tls = addresses.iter().any(|one| one.security() != Security::Plaintext);
        let tls = needs_tls.then(|| tls::config(&self.ca_files)).transpose()?;
        let references = Arc::new(References::new(self.strict_references, self.observer));
        let server = |address| {
            Server::new(Route {
                address,
                tls: tls.clone(),
                connect_timeout: self.limits.connect_timeout,
                operation_timeout: self.limits.operation_timeout,
                references: Arc::clone(&references),
            })
        };
        let servers = addresses.into_iter().map(server).collect();
        Ok(Ldap::new(Directory::new(servers, lookup, groups, self.limits)))
    }
}

impl Search {
    fn new(
        base: impl Into<String>,
        filter: impl Into<String>,
        name_attribute: impl Into<String>,
    ) -> Self {
        let (base, filter, name_attribute) = (base.into(), filter.into(), name_attribute.into());
        Self { base, filter, name_attribute }
    }
}

impl From<SearchScope> for Scope {
    fn from(scope: SearchScope) -> Self {
        match scope {
            SearchScope::OneLevel => Self::OneLevel,
            SearchScope::Subtree => Self::Subtree,
        }
    }
}
