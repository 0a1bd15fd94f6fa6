//! What a file holds, and by what one sees that it has changed.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use zeroize::Zeroizing;

use super::FileError;

/// The largest file that is read: 256 MiB. A million users take a third of it.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A file with a time of change as young as this may change again and show the same time.
const YOUNG: Duration = Duration::from_secs(2);

/// A file as it was read. Wiped when dropped.
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

    /// Reads a file, and says whether it stayed as it was in the meantime.
    pub(super) fn read(path: &Path) -> Result<(Self, Fingerprint, Stayed), FileError> {
        let unreadable =
            |error: io::Error| FileError::new(path, format!("it cannot be read: {error}"));
        let file = open(path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(FileError::new(path, "it is not a regular file"));
        }
        if before.len() > LARGEST {
            return Err(FileError::new(path, format!("it is larger than {LARGEST} bytes")));
        }
        // With room for all of it, so that no copies are left behind when it grows.
        let capacity = usize::try_from(before.len()).unwrap_or_default() + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        (&file).take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
        let [before, after] = [before, file.metadata().map_err(unreadable)?]
            .map(|metadata| Fingerprint::of(&metadata));
        let stayed = if before == after { Stayed::Yes } else { Stayed::No };
        Ok((Self::new(path, bytes), after, stayed))
    }
}

/// Opens a file for reading. A pipe would wait here for somebody to write into it, unless told not
/// to.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// Whether a file stayed as it was while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stayed {
    Yes,
    No,
}

/// What tells a file from another, and from itself before it was written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    length: u64,
    modified: Option<SystemTime>,
    inode: Inode,
}

impl Fingerprint {
    /// That of the file at the end of all symlinks; `None` if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { length: metadata.len(), modified, inode: Inode::of(metadata) }
    }

    /// Whether it may be written to once more without another fingerprint, since file systems count
    /// time in steps, some of them in steps of two seconds.
    pub(super) fn is_young(&self) -> bool {
        match self.modified.map(|modified| modified.elapsed()) {
            Some(Ok(age)) => age < YOUNG,
            // From the future, or without a time: the rest has to do.
            Some(Err(_)) | None => false,
        }
    }
}

/// Device, inode and the time at which the inode changed.
#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    changed: (i64, i64),
}

#[cfg(unix)]
impl Inode {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self {
            device: metadata.dev(),
            number: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(not(unix))]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inode {
    created: Option<SystemTime>,
}

#[cfg(not(unix))]
impl Inode {
    fn of(metadata: &Metadata) -> Self {
        Self { created: metadata.created().ok() }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn a_pipe_into_which_nobody_writes_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("users");
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        let error = Content::read(&pipe).err().unwrap().to_string();
        assert!(error.ends_with(": it is not a regular file"), "{error}");
    }
}
