//! The options of files of users.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Htdigest, table::Table};
use crate::{
    backend::watched_file::{Content, FileEvent, Observer, OpenError, Watched},
    wire::{Realm, digest::HashFunction},
};

/// Options of an [`Htdigest`], from [`Htdigest::builder`].
#[must_use]
pub struct HtdigestBuilder {
    realm: Realm,
    files: Vec<(PathBuf, HashFunction)>,
    observer: Observer,
}

impl HtdigestBuilder {
    pub(super) fn new(realm: Realm, path: PathBuf, function: HashFunction) -> Self {
        Self { realm, files: vec![(path, function)], observer: Arc::new(|_| ()) }
    }

    /// Adds a file with values of `function`.
    pub fn with_file(mut self, path: impl Into<PathBuf>, function: HashFunction) -> Self {
        self.files.push((path.into(), function));
        self
    }

    /// Whom to tell what became of a file that has changed: the log, say. By default nobody is
    /// told.
    ///
    /// It is called on the thread that looks at the files, which waits for it.
    pub fn on_change(mut self, observer: impl Fn(FileEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the files, and goes on to watch them. Waits for the disk, so call it before requests
    /// are served.
    ///
    /// # Errors
    /// A file that cannot be read, has a bad line or no user of the realm, or files of which no
    /// function is left that every user has: [`OpenError::File`]. No thread to be had:
    /// [`OpenError::Config`].
    pub fn open(self) -> Result<Htdigest, OpenError> {
        let Self { realm, files, observer } = self;
        let (paths, functions): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let parse = {
            let realm = realm.clone();
            move |contents: &[Content]| {
                let files: Vec<_> = contents.iter().zip(functions.iter().copied()).collect();
                Table::parse(&realm, &files)
            }
        };
        Ok(Htdigest::new(realm, Watched::open(paths, parse, observer)?))
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
