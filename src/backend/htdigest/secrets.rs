//! The source of Digest secrets.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{HtdigestBuilder, table::Table};
use crate::{
    backend::{
        DigestAccount, DigestSecrets, DigestUser, SecretLookup,
        watched_file::{FileError, OpenError, Watched},
    },
    error::BackendError,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions},
    },
};

/// Users for Digest in files, as Apache's `htdigest` writes them. Serves userhash by an index.
///
/// The files are watched. A change is in force within a second, unless a network file system hides
/// it for longer: all of them are read and understood aside, and then take the place of what they
/// said before. While one is bad or gone, what they said before stays in force; see
/// [`last_error`](Self::last_error) and [`HtdigestBuilder::on_change`]. Better than to write in a
/// file is to write another one and to rename that: a file that is written in place may be read
/// before it is complete, and once more when it is. Nonces outlive a change.
///
/// Several files make several algorithms. While a user is in one and not in the others, the
/// algorithms of those are not offered to anybody.
///
/// Names compare byte for byte. Credentials for another realm are those of nobody. Clones share
/// everything.
///
/// # Examples
/// ```no_run
/// use tower_proxy_auth::{Authenticator, Realm, backend::htdigest::Htdigest, digest::HashFunction};
///
/// let realm = Realm::new("proxy")?;
/// let users = Htdigest::builder(&realm, "/etc/proxy/users.sha256", HashFunction::Sha256)
///     .with_file("/etc/proxy/users.md5", HashFunction::Md5)
///     .open()?;
/// let auth = Authenticator::builder(realm).with_digest(users).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
/// Within its realm an H(A1) is as good as the password: let nobody else read the files.
#[derive(Clone)]
pub struct Htdigest(Arc<Inner>);

struct Inner {
    realm: Realm,
    table: Watched<Table>,
}

impl Htdigest {
    /// Reads a file with values of `function`, and goes on to watch it.
    ///
    /// # Errors
    /// As for [`HtdigestBuilder::open`].
    pub fn open(
        realm: &Realm,
        path: impl Into<PathBuf>,
        function: HashFunction,
    ) -> Result<Self, OpenError> {
        Self::builder(realm, path, function).open()
    }

    /// The options for a file with values of `function`, and for more files.
    pub fn builder(
        realm: &Realm,
        path: impl Into<PathBuf>,
        function: HashFunction,
    ) -> HtdigestBuilder {
        HtdigestBuilder::new(realm.clone(), path.into(), function)
    }

    pub(super) fn new(realm: Realm, table: Watched<Table>) -> Self {
        Self(Arc::new(Inner { realm, table }))
    }

    /// How many users of the realm there are, 1 or more.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.0.table.with(Table::len)
    }

    /// How many lines of other realms there are in all files.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.0.table.with(Table::skipped)
    }

    /// What is wrong with the files as they are now, so that an earlier state of them is in force.
    #[must_use]
    pub fn last_error(&self) -> Option<FileError> {
        self.0.table.last_error()
    }

    fn find(&self, user: &DigestUser<'_>) -> Option<DigestAccount> {
        if *user.realm() != self.0.realm {
            return None;
        }
        self.0.table.with(|table| table.find(user))
    }
}

impl DigestSecrets for Htdigest {
    fn hash_functions(&self) -> HashFunctions {
        self.0.table.with(Table::functions)
    }

    fn holds_passwords(&self) -> bool {
        false
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        Ok(self.find(&user).into())
    }

    /// Changes at every reload.
    fn version(&self) -> u64 {
        self.0.table.with(Table::version)
    }
}

impl fmt::Debug for Htdigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Htdigest")
            .field("realm", &self.0.realm)
            .field("user_count", &self.user_count())
            .field("functions", &self.hash_functions())
            .finish_non_exhaustive()
    }
}
