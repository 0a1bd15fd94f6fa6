//! The options of a directory.

use std::{path::PathBuf, time::Duration};

use super::{
    address::{Address, Security},
    config_error::LdapConfigError,
    connection::Route,
    directory::Directory,
    limits::Limits,
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
    servers: Vec<Hidden>,
    start_tls: bool,
    plaintext: bool,
    ca_files: Vec<PathBuf>,
    pub(super) dn_template: Option<String>,
    pub(super) search: Option<Search>,
    pub(super) scope: Option<SearchScope>,
    pub(super) account: Option<ServiceAccount>,
    pub(super) decoy_dn: Option<String>,
    allows_references: bool,
    pub(super) group_attribute: Option<String>,
    pub(super) group_search: Option<Search>,
    pub(super) required_group: Option<String>,
    limits: Limits,
}

/// A URL before anybody has looked whether there is a password in it.
#[derive(Clone)]
struct Hidden(String);

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) filter: String,
    pub(super) name_attribute: String,
}

/// How far below its base a search goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchScope {
    /// The entries right below the base.
    OneLevel,
    /// The base and everything below it.
    #[default]
    Subtree,
}

impl LdapBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            servers: vec![Hidden(url)],
            start_tls: false,
            plaintext: false,
            ca_files: Vec::new(),
            dn_template: None,
            search: None,
            scope: None,
            account: None,
            decoy_dn: None,
            allows_references: false,
            group_attribute: None,
            group_search: None,
            required_group: None,
            limits: Limits::default(),
        }
    }

    /// Adds a server, which is asked when those before it cannot answer.
    pub fn with_server(mut self, url: impl Into<String>) -> Self {
        self.servers.push(Hidden(url.into()));
        self
    }

    /// Makes every `ldap://` connection safe by StartTLS before anything else is sent; if a server
    /// does not take part in that, nothing is.
    pub const fn with_start_tls(mut self) -> Self {
        self.start_tls = true;
        self
    }

    /// Sends passwords over `ldap://` without TLS, also to the loopback address. Everybody on the
    /// way can then read them, and answer for the directory. Not by default.
    pub const fn insecure_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Trusts the authorities in this PEM file, and in others that are added, instead of those that
    /// the system trusts. It is read by [`build`](Self::build).
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Finds the entry of a user at a fixed place, such as
    /// `uid={user},ou=people,dc=example,dc=org`.
    ///
    /// The first part has to be an attribute with `{user}` as its whole value. After a right bind
    /// the entry is read with the user's own rights, which the directory has to allow.
    pub fn with_dn_template(mut self, template: impl Into<String>) -> Self {
        self.dn_template = Some(template.into());
        self
    }

    /// Finds the entry of a user by a search below `base` with a filter that has `{user}` for the
    /// name, such as `(uid={user})`, by the service account.
    ///
    /// The value of `name_attribute` in the entry is the name of the user. Where it is not what the
    /// client sent, byte for byte, the user is unknown; it must have a single value. For Active
    /// Directory that is `sAMAccountName`.
    pub fn with_search(
        mut self,
        base: impl Into<String>,
        filter: impl Into<String>,
        name_attribute: impl Into<String>,
    ) -> Self {
        self.search = Some(Search::new(base, filter, name_attribute));
        self
    }

    /// How far below its base the search for a user goes; everything below by default.
    pub const fn with_scope(mut self, scope: SearchScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The account that searches.
    pub fn with_service_account(mut self, dn: impl Into<String>, password: Password) -> Self {
        self.account = Some(ServiceAccount { dn: dn.into().into(), password });
        self
    }

    /// The entry that is bound to for unknown users; a random name below the base by default, which
    /// nobody has.
    ///
    /// A server takes its time for a password whose hash is dear, and none where there is no entry.
    /// Make an entry with a random password that is hashed like those of the users, exempt it from
    /// locking, and name it here; then both take equally long. Whatever its bind comes to, the user
    /// stays unknown.
    pub fn with_decoy_dn(mut self, dn: impl Into<String>) -> Self {
        self.decoy_dn = Some(dn.into());
        self
    }

    /// Takes what one server finds, though it says that others may hold more; else that is a
    /// failure. Those others are not asked in any case. Active Directory says so of every search
    /// from the root of a domain.
    pub const fn allow_unfollowed_references(mut self) -> Self {
        self.allows_references = true;
        self
    }

    /// Takes the values of this attribute of the user's entry, such as `memberOf`, for the user's
    /// groups.
    pub fn with_group_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.group_attribute = Some(attribute.into());
        self
    }

    /// Takes the entries that a search below `base` finds for the user's groups: the values of
    /// `name_attribute`, such as `cn`. The filter has `{dn}` for the user's entry, as in
    /// `(member={dn})`, or `{user}` for the name, as in `(memberUid={user})`. More than 1,000
    /// groups are a failure.
    pub fn with_group_search(
        mut self,
        base: impl Into<String>,
        filter: impl Into<String>,
        name_attribute: impl Into<String>,
    ) -> Self {
        self.group_search = Some(Search::new(base, filter, name_attribute));
        self
    }

    /// Lets in members of this group alone, with 403 for others whose password is right. Its name
    /// is compared byte for byte with those that the directory gives.
    pub fn with_required_group(mut self, group: impl Into<String>) -> Self {
        self.required_group = Some(group.into());
        self
    }

    /// How long it may take to connect, TLS included; 2 s by default.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect_timeout = limit;
        self
    }

    /// How long a server may take for each bind or search; 3 s by default.
    pub const fn with_operation_timeout(mut self, limit: Duration) -> Self {
        self.limits.operation_timeout = limit;
        self
    }

    /// How long a check may take as a whole, with waiting and with all servers that are asked; 10 s
    /// by default. It may not be shorter than either of the other two, or a server that hangs would
    /// never be given up for the next one.
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.limits.timeout = limit;
        self
    }

    /// How many checks may be under way at a time; 16 by default. Each holds one connection to a
    /// server, and one more while it searches.
    pub const fn with_max_checks(mut self, checks: usize) -> Self {
        self.limits.max_checks = checks;
        self
    }

    /// How many checks may wait for others to end; 1,000 by default, and 0 for none. Past it, 503.
    pub const fn with_queue(mut self, checks: usize) -> Self {
        self.limits.queue = checks;
        self
    }

    /// Makes the validator. It connects when it is first asked.
    ///
    /// # Errors
    /// [`LdapConfigError`] for every mistake that can be told without a server.
    pub fn build(self) -> Result<Ldap, LdapConfigError> {
        self.limits.check()?;
        let addresses: Vec<_> = self
            .servers
            .iter()
            .map(|url| Address::parse(&url.0, self.start_tls, self.plaintext))
            .collect::<Result<_, _>>()?;
        let lookup = self.lookup()?;
        let groups = self.groups()?;
        let needs_tls = addresses.iter().any(|one| one.security() != Security::Plaintext);
        let tls = needs_tls.then(|| tls::config(&self.ca_files)).transpose()?;
        let server = |address| {
            Server::new(Route {
                address,
                tls: tls.clone(),
                connect_timeout: self.limits.connect_timeout,
                operation_timeout: self.limits.operation_timeout,
                allows_references: self.allows_references,
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

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}
