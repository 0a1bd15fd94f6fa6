//! The options of a user file.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use super::{Htpasswd, table::Table};
use crate::backend::{
    password_hash::{HashPolicy, HashingPool},
    watched_file::{Content, DEFAULT_MAX_AGE, FileError, FileEvent, Observer, Watched},
};

/// Options of an [`Htpasswd`], from [`Htpasswd::builder`].
#[must_use]
pub struct HtpasswdBuilder {
    path: PathBuf,
    policy: HashPolicy,
    pool: HashingPool,
    max_age: Duration,
    observer: Observer,
}

impl HtpasswdBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        let (policy, pool) = (HashPolicy::new(), HashingPool::new());
        Self { path, policy, pool, max_age: DEFAULT_MAX_AGE, observer: Arc::new(|_| ()) }
    }

    /// Sets the allowed kinds and costs of hashes; [`HashPolicy::new`] by default, which accepts no
    /// weak kinds. A user with another hash cannot log in.
    pub const fn with_hash_policy(mut self, policy: HashPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the pool on which hashes are checked; by default its own [`HashingPool::new`].
    pub fn with_hashing_pool(mut self, pool: HashingPool) -> Self {
        self.pool = pool;
        self
    }

    /// Sets how long the last content stays in force while the file cannot be read; 5 minutes by
    /// default. After that, each check fails, and the client gets 503.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Calls `observer` with each [event](crate::backend::watched_file::FileEvent), for example to
    /// log it: a change of the file, a line that cannot be used, or hashes that differ in cost. It
    /// runs in [`open`](Self::open), and then on the thread that polls the file, which waits for
    /// it.
    pub fn on_change(mut self, observer: impl Fn(FileEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the file, and starts to watch it. It blocks, so call it before requests are served.
    ///
    /// # Errors
    /// The file cannot be read, has no user, or there is no thread to watch it.
    pub fn open(self) -> Result<Htpasswd, FileError> {
        let Self { path, policy, pool, max_age, observer } = self;
        let parse = move |contents: &[Content]| Ok(Table::parse(contents, &policy));
        let table = Watched::open(vec![path.clone()], max_age, parse, observer)?;
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
