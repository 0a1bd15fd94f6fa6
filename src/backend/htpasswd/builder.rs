//! The options of a file of users.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Htpasswd, table::Table};
use crate::backend::{
    password_hash::{HashPolicy, HashingPool},
    watched_file::{Content, FileError, FileEvent, Observer, OpenError, Watched},
};

/// Options of an [`Htpasswd`], from [`Htpasswd::builder`].
#[must_use]
pub struct HtpasswdBuilder {
    path: PathBuf,
    policy: HashPolicy,
    pool: Option<HashingPool>,
    observer: Observer,
}

impl HtpasswdBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, policy: HashPolicy::new(), pool: None, observer: Arc::new(|_| ()) }
    }

    /// Which kinds of hashes the file may hold, and how dear they may be; [`HashPolicy::new`] by
    /// default, which takes no weak ones. A file with another one is refused as a whole.
    pub const fn with_hash_policy(mut self, policy: HashPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The pool on which hashes are checked; by default a [`HashingPool::new`] of its own.
    pub fn with_hashing_pool(mut self, pool: HashingPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Whom to tell what became of a file that has changed: the log, say. By default nobody is
    /// told.
    ///
    /// It is called on the thread that looks at the file, which waits for it.
    pub fn on_change(mut self, observer: impl Fn(FileEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the file, and goes on to watch it. Waits for the disk, so call it before requests are
    /// served.
    ///
    /// # Errors
    /// A file that cannot be read, has no user or a bad line: [`OpenError::File`]. No thread to be
    /// had: [`OpenError::Config`].
    pub fn open(self) -> Result<Htpasswd, OpenError> {
        let Self { path, policy, pool, observer } = self;
        let parse = move |contents: &[Content]| {
            let content = contents.first();
            let content = content.ok_or_else(|| FileError::new("".as_ref(), "it is not there"))?;
            Table::parse(content, &policy)
        };
        let table = Watched::open(vec![path.clone()], parse, observer)?;
        Ok(Htpasswd::new(path, table, pool.unwrap_or_default()))
    }
}

impl fmt::Debug for HtpasswdBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtpasswdBuilder")
            .field("path", &self.path)
            .field("policy", &self.policy)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
