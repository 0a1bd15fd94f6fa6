//! Checks passwords against the file.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{HtpasswdBuilder, table::Table};
use crate::{
    backend::{
        AccountLookup, BasicCredentials, CredentialValidator, Verdict,
        password_hash::HashingPool,
        watched_file::{FileError, Watched},
    },
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::Realm,
};

/// Users for Basic in a file, as Apache's `htpasswd` writes it.
///
/// The file is watched: a change takes effect within a second, once the whole file has been read
/// and parsed. Programs should write a new file and rename it: a file that is written in place, as
/// `htpasswd` does, may be read before it is complete, and again when it is. A change ends the
/// access of the users whose hash it adds, changes or removes.
///
/// A user whose line cannot be used, such as `alice:!`, cannot log in; see [`errors`](Self::errors)
/// and [`HtpasswdBuilder::on_change`]. A file that becomes empty admits nobody. While the file is
/// missing or unreadable, its last content stays in force for
/// [five minutes](HtpasswdBuilder::with_max_age).
///
/// The file has no realms, so its users belong to every realm. Names compare byte for byte. Clones
/// share everything.
///
/// Passwords are hashed on a [`HashingPool`], which needs a tokio runtime. Wrap it in a
/// [cache](crate::backend) for more than a few requests per second.
///
/// # Examples
/// ```no_run
/// use tower_proxy_auth::{Authenticator, Realm, backend::htpasswd::Htpasswd};
///
/// let users = Htpasswd::open("/etc/proxy/users")?;
/// let auth = Authenticator::builder(Realm::new("proxy")?).with_basic(users).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
/// A check costs the same for known and unknown users: as much as the most expensive hash in the
/// file, or, with several kinds of hashes, the most expensive hash of each kind. See
/// [`HashCost`](crate::backend::password_hash::HashCost).
///
/// # Memory
/// A user takes about 100 bytes with a bcrypt hash, and up to 400 with another one. During a
/// reload, the old users, the new users and the text of the file are in memory together.
#[derive(Clone)]
pub struct Htpasswd(Arc<Inner>);

struct Inner {
    path: PathBuf,
    table: Watched<Table>,
    pool: HashingPool,
}

impl Htpasswd {
    /// Reads a file with the default options, and starts to watch it.
    ///
    /// # Errors
    /// As for [`HtpasswdBuilder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        Self::builder(path).open()
    }

    /// The options for a file.
    pub fn builder(path: impl Into<PathBuf>) -> HtpasswdBuilder {
        HtpasswdBuilder::new(path.into())
    }

    pub(super) fn new(path: PathBuf, table: Watched<Table>, pool: HashingPool) -> Self {
        Self(Arc::new(Inner { path, table, pool }))
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The number of users, including those whose line cannot be used.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.0.table.last().len()
    }

    /// Reads the file again within a quarter of a second, even if it does not seem to have changed,
    /// on the thread that polls it. Call it when an operator asks for it, by SIGHUP for instance.
    ///
    /// Errors are reported as usual, and a file that is being written is read when it is complete.
    pub fn reload(&self) {
        self.0.table.reload();
    }

    /// Returns why the file cannot be read, or else what cannot be used in it.
    #[must_use]
    pub fn errors(&self) -> Vec<FileError> {
        self.0.table.errors()
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for Htpasswd {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let (users, owned) = (self.clone(), credentials.to_owned());
        // Reads the content when the check runs, not when it is queued.
        let check = move || users.0.table.current()?.check(owned.as_borrowed());
        self.0.pool.run_for(credentials, check).await?
    }

    fn version(&self) -> u64 {
        self.0.table.version()
    }

    /// The file has no realms.
    fn serves(&self, _: &Realm) -> Result<(), ConfigError> {
        Ok(())
    }

    async fn account(&self, _: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        Ok(self.0.table.current()?.account(user))
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.table.attach(revocations);
    }
}

impl fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Htpasswd")
            .field("path", &self.0.path)
            .field("user_count", &self.user_count())
            .finish_non_exhaustive()
    }
}
