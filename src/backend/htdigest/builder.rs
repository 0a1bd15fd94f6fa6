//! The options of user files.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use super::{Htdigest, table::Table};
use crate::{
    backend::watched_file::{Content, DEFAULT_MAX_AGE, FileError, FileEvent, Observer, Watched},
    wire::{Realm, digest::HashFunction},
};

/// Options of an [`Htdigest`], from [`Htdigest::builder`].
#[must_use]
pub struct HtdigestBuilder {
    realm: Realm,
    first: PathBuf,
    files: Vec<(PathBuf, HashFunction)>,
    max_age: Duration,
    observer: Observer,
}

impl HtdigestBuilder {
    pub(super) fn new(realm: Realm, path: PathBuf, function: HashFunction) -> Self {
        Self {
            realm,
            first: path.clone(),
            files: vec![(path, function)],
            max_age: DEFAULT_MAX_AGE,
            observer: Arc::new(|_| ()),
        }
    }

    /// Adds a file with H(A1)s for `function`.
    pub fn with_file(mut self, path: impl Into<PathBuf>, function: HashFunction) -> Self {
        self.files.push((path.into(), function));
        self
    }

    /// Sets how long the last content stays in force while a file cannot be read; 5 minutes by
    /// default. After that, each look-up fails, and the client gets 503.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Calls `observer` when the files have changed, and for each line that cannot be used, to log
    /// it for instance. It runs in [`open`](Self::open), and then on the thread that polls the
    /// files, which waits for it.
    pub fn on_change(mut self, observer: impl Fn(FileEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the files, and starts to watch them. It blocks, so call it before requests are served.
    ///
    /// # Errors
    /// A file cannot be read or has no user of the realm, there is no hash function that every user
    /// has, or there is no thread to watch the files.
    pub fn open(self) -> Result<Htdigest, FileError> {
        let Self { realm, first, files, max_age, observer } = self;
        let (paths, functions): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let parse = {
            let realm = realm.clone();
            move |contents: &[Content]| {
                let files: Vec<_> = contents.iter().zip(functions.iter().copied()).collect();
                Table::parse(&realm, &files)
            }
        };
        let table = Watched::open(paths, max_age, parse, observer)?;
        Ok(Htdigest::new(realm, first, table))
    }
}

impl fmt::Debug for HtdigestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtdigestBuilder")
            .field("realm", &self.realm)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
