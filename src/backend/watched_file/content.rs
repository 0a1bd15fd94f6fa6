//! Reads a file, and detects changes.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use zeroize::Zeroizing;

use super::FileError;

/// The maximum size of a file: 256 MiB. A million users take a third of it.
const MAX_SIZE: u64 = 256 * 1024 * 1024;

/// File systems round times, some to two seconds. A file that was modified within this time may
/// change again without a new time.
const TIME_STEP: Duration = Duration::from_secs(2);

/// The bytes of a file. Wiped when dropped.
pub(in crate::backend) struct Content {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
}

impl Content {
    pub(in crate::backend) fn new(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), bytes }
    }

    pub(in crate::backend) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::backend) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a file; `None` if it changed while it was read.
    pub(super) fn read(path: &Path) -> Result<Option<(Self, Fingerprint)>, FileError> {
        let unreadable =
            |error: io::Error| FileError::new(path, format!("it cannot be read: {error}"));
        let not_a_file = || FileError::new(path, "it is not a regular file");
        if !fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(not_a_file());
        }
        let file = open(path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(not_a_file());
        }
        if before.len() > MAX_SIZE {
            return Err(FileError::new(path, format!("it is larger than {MAX_SIZE} bytes")));
        }
        // Large enough for the whole file, since a buffer that grows leaves copies behind.
        let capacity = usize::try_from(before.len()).unwrap_or_default() + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        (&file).take(MAX_SIZE).read_to_end(&mut bytes).map_err(unreadable)?;
        let after = Fingerprint::of(&file.metadata().map_err(unreadable)?);
        let is_whole = Fingerprint::of(&before) == after;
        Ok(is_whole.then(|| (Self::new(path, bytes), after)))
    }
}

/// Opens a file for reading, without blocking if a pipe has just replaced it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        // The value of the flag differs between platforms; the standard library has no name for it.
        options.custom_flags(libc::O_NONBLOCK);
    }
    options.read(true).open(path)
}

/// Identifies a file and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: Inode,
    #[cfg(not(unix))]
    created: Option<SystemTime>,
}

#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    changed: (i64, i64),
}

impl Fingerprint {
    /// The fingerprint of the file at `path`; `None` if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        let inode = Inode {
            device: metadata.dev(),
            number: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        Self { length: metadata.len(), modified: metadata.modified().ok(), inode }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let [modified, created] = [metadata.modified(), metadata.created()].map(Result::ok);
        Self { length: metadata.len(), modified, created }
    }

    /// Whether the file may change again and keep its fingerprint.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self.modified.map(|modified| modified.elapsed()) {
            Some(Ok(age)) => age < TIME_STEP,
            // In the future, or unknown.
            Some(Err(_)) | None => false,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn does_not_wait_for_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("users");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = Content::read(&pipe).err().unwrap().to_string();
        assert!(error.ends_with(": it is not a regular file"), "{error}");
        // As if it had taken the place of a file after the first look.
        assert!(!open(&pipe).unwrap().metadata().unwrap().is_file());
    }
}
