//! The options of a user file.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Htpasswd, table::Table};
use crate::backend::{
    password_hash::{HashPolicy, HashingPool},
    watched_file::{Content, FileError, FileEvent, Observer, Watched},
};

/// Options of an [`Htpasswd`], from [`Htpasswd::builder`].
#[must_use]
pub struct HtpasswdBuilder {
    path: PathBuf,
    policy: HashPolicy,
    pool: HashingPool,
    observer: Observer,
}

impl HtpasswdBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        let (policy, pool) = (HashPolicy::new(), HashingPool::new());
        Self { path, policy, pool, observer: Arc::new(|_| ()) }
    }

    /// Sets the allowed kinds and costs of hashes; [`HashPolicy::new`] by default, which accepts no
    /// weak kinds. A file with another hash is refused as a whole.
    pub const fn with_hash_policy(mut self, policy: HashPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the pool on which hashes are checked; by default its own [`HashingPool::new`].
    pub fn with_hashing_pool(mut self, pool: HashingPool) -> Self {
        self.pool = pool;
        self
    }

    /// Calls `observer` when the file has changed, to log it for instance. It runs on the thread
    /// that polls the file, which waits for it.
    pub fn on_change(mut self, observer: impl Fn(FileEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the file, and starts to watch it. It blocks, so call it before requests are served.
    ///
    /// # Errors
    /// The file cannot be read, has no user or an invalid line, or there is no thread to watch it.
    pub fn open(self) -> Result<Htpasswd, FileError> {
        let Self { path, policy, pool, observer } = self;
        let parse = move |contents: &[Content]| Table::parse(contents, &policy);
        let table = Watched::open(vec![path.clone()], parse, observer)?;
        Ok(Htpasswd::new(path, table, pool))
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
