//! The validator.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{HtpasswdBuilder, table::Table};
use crate::{
    backend::{
        BasicCredentials, CredentialValidator, Verdict,
        password_hash::HashingPool,
        watched_file::{FileError, OpenError, Watched},
    },
    error::BackendError,
};

/// Users for Basic in a file, as Apache's `htpasswd` writes it.
///
/// The file is watched. A change is in force within a second, unless a network file system hides it
/// for longer: the whole file is read and understood aside, and then takes the place of what it
/// said before. While it is bad or gone, what it said before stays in force; see
/// [`last_error`](Self::last_error) and [`HtpasswdBuilder::on_change`]. Better than to write in it
/// is to write another one and to rename that: a file that is written in place, as `htpasswd` does
/// it, may be read before it is complete, and once more when it is.
///
/// The file names no realm, so its users are those of whatever realm the credentials are for.
/// Names compare byte for byte. Clones share everything.
///
/// Passwords are hashed on a [`HashingPool`]. Where its queue is full, a request is answered with
/// 503. Put a cache in front for more than a few log-ins a second.
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
/// Every check takes the same work, whether the user is known or not: that of the dearest hash in
/// the file, and where kinds of hashes are mixed, that of the dearest of each kind; see
/// [`Effort`](crate::backend::password_hash::HashCost).
///
/// # Memory
/// A user takes 64 bytes and the name where the hash is one of bcrypt, and up to 350 where it is
/// another: 100,000 users of bcrypt take 7 to 8 MB. While a file is read, what it held before, what
/// it holds now and the file itself are in memory together, which is three to four times as much.
#[derive(Clone)]
pub struct Htpasswd(Arc<Inner>);

struct Inner {
    path: PathBuf,
    table: Watched<Table>,
    pool: HashingPool,
}

impl Htpasswd {
    /// Reads a file with the default options, and goes on to watch it.
    ///
    /// # Errors
    /// As for [`HtpasswdBuilder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::builder(path).open()
    }

    /// The options for a file.
    pub fn builder(path: impl Into<PathBuf>) -> HtpasswdBuilder {
        HtpasswdBuilder::new(path.into())
    }

    pub(super) fn new(path: PathBuf, table: Watched<Table>, pool: HashingPool) -> Self {
        Self(Arc::new(Inner { path, table, pool }))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many users there are, 1 or more.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.0.table.with(Table::len)
    }

    /// What is wrong with the file as it is now, so that an earlier state of it is in force.
    #[must_use]
    pub fn last_error(&self) -> Option<FileError> {
        self.0.table.last_error()
    }
}

impl CredentialValidator for Htpasswd {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let (users, recheck) = (self.clone(), credentials.is_recheck());
        let credentials = credentials.to_owned();
        // What the file says when it is checked, not when it had to wait for that.
        let check = move || users.0.table.current().check(credentials.as_borrowed());
        self.0.pool.run(recheck, check).await?
    }

    /// Changes at every reload.
    fn version(&self) -> u64 {
        self.0.table.with(Table::version)
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
