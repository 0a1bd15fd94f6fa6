//! Looks up secrets in the files.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{HtdigestBuilder, table::Table};
use crate::{
    backend::{
        AccountLookup, DigestSecrets, DigestUser, SecretLookup,
        watched_file::{FileError, Watched},
    },
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions},
    },
};

/// Users for Digest in files, as Apache's `htdigest` writes them. Supports userhash.
///
/// The files are watched: a change takes effect within a second, once all files have been read and
/// parsed. Programs should write a new file and rename it: a file that is written in place may be
/// read before it is complete, and again when it is. Nonces stay valid across a change. A change
/// ends the access of the users whose H(A1)s it adds, changes or removes.
///
/// A user with a line that cannot be used cannot log in; see [`errors`](Self::errors) and
/// [`HtdigestBuilder::on_change`]. While a file is missing or unreadable, the last content of all
/// files stays in force for [five minutes](HtdigestBuilder::with_max_age).
///
/// Several files serve several algorithms. An algorithm is offered only if every user has an H(A1)
/// for it. If no algorithm is left, the files count as unreadable.
///
/// Names compare byte for byte. Users of other realms are unknown. Clones share everything.
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
/// Within its realm an H(A1) is as good as the password: restrict who may read the files.
#[derive(Clone)]
pub struct Htdigest(Arc<Inner>);

struct Inner {
    realm: Realm,
    /// The first file.
    path: PathBuf,
    table: Watched<Table>,
}

impl Htdigest {
    /// Reads a file with H(A1)s for `function`, and starts to watch it.
    ///
    /// # Errors
    /// As for [`HtdigestBuilder::open`].
    pub fn open(
        realm: &Realm,
        path: impl Into<PathBuf>,
        function: HashFunction,
    ) -> Result<Self, FileError> {
        Self::builder(realm, path, function).open()
    }

    /// The options for a file with H(A1)s for `function`, and for more files.
    pub fn builder(
        realm: &Realm,
        path: impl Into<PathBuf>,
        function: HashFunction,
    ) -> HtdigestBuilder {
        HtdigestBuilder::new(realm.clone(), path.into(), function)
    }

    pub(super) fn new(realm: Realm, path: PathBuf, table: Watched<Table>) -> Self {
        Self(Arc::new(Inner { realm, path, table }))
    }

    /// The number of users of the realm, including those with a line that cannot be used.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.0.table.last().len()
    }

    /// The number of lines of other realms in all files.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.0.table.last().skipped()
    }

    /// Reads the files again within a quarter of a second, even if they do not seem to have changed,
    /// on the thread that polls them. Call it when an operator asks for it, by SIGHUP for instance.
    ///
    /// Errors are reported as usual, and files that are being written are read when they are
    /// complete.
    pub fn reload(&self) {
        self.0.table.reload();
    }

    /// Returns why the files cannot be read, or else what cannot be used in them.
    #[must_use]
    pub fn errors(&self) -> Vec<FileError> {
        self.0.table.errors()
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for Htdigest {
    fn hash_functions(&self) -> HashFunctions {
        self.0.table.last().functions()
    }

    fn holds_passwords(&self) -> bool {
        false
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        if *user.realm() != self.0.realm {
            return Ok(SecretLookup::Unknown);
        }
        Ok(self.0.table.current()?.find(&user))
    }

    fn version(&self) -> u64 {
        self.0.table.version()
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        let Inner { realm: served, path, .. } = &*self.0;
        if realm == served {
            return Ok(());
        }
        let (path, realm, served) = (path.clone(), realm.to_string(), served.to_string());
        Err(ConfigError::RealmNotInFile { path, realm, served })
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        if *realm != self.0.realm {
            return Ok(AccountLookup::Unknown);
        }
        Ok(self.0.table.current()?.account(user))
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.table.attach(&revocations.for_realm(&self.0.realm));
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
