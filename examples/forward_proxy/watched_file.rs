//! Small files that are read again when they change.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

use crate::hangup::Hangups;

/// The interval at which a file is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The interval after SIGHUP, until two reads in a row return the same.
const SHORT_INTERVAL: Duration = Duration::from_millis(200);

/// The maximum size of a file, in bytes.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// The text of a file, or why it cannot be read.
pub(crate) type Content = Result<String, ReadError>;

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadError {
    kind: io::ErrorKind,
    text: String,
}

/// A file that is read again when it changes.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    reads: Reads,
}

impl WatchedFile {
    /// Reads the file for the first time.
    pub(crate) fn open(path: PathBuf) -> Self {
        let reads = Reads::new(read(&path));
        Self { path, reads }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The content as of the first read, or as [`changed`](Self::changed) has returned it.
    pub(crate) fn content(&self) -> &Content {
        &self.reads.taken
    }

    /// Waits until the content has changed: for at most two seconds after the change, less after
    /// SIGHUP. A file that is being written is complete once two reads in a row return the same.
    pub(crate) async fn changed(&mut self, hangups: &mut Hangups) -> &Content {
        let mut interval = INTERVAL;
        loop {
            let is_requested = tokio::select! {
                () = sleep(interval) => false,
                () = hangups.next() => true,
            };
            // A slow disk must not hold up the thread, which serves requests.
            let path = self.path.clone();
            let Ok(now) = spawn_blocking(move || read(&path)).await else { continue };
            match self.reads.add(now, is_requested) {
                Step::Changed => return &self.reads.taken,
                Step::Unchanged => interval = INTERVAL,
                Step::Unstable if is_requested => interval = SHORT_INTERVAL,
                Step::Unstable => {}
            }
        }
    }
}

/// What the last reads have returned.
#[derive(Debug)]
struct Reads {
    last: Content,
    taken: Content,
}

/// The result of a read.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Changed,
    Unchanged,
    /// Only another read shows whether the file is complete.
    Unstable,
}

impl Reads {
    fn new(first: Content) -> Self {
        Self { last: first.clone(), taken: first }
    }

    /// Notes a read. A requested one may be right after the one before, so it says nothing about
    /// whether the file is complete.
    fn add(&mut self, now: Content, is_requested: bool) -> Step {
        let is_stable = !is_requested && now == self.last;
        self.last = now;
        if !is_stable {
            return Step::Unstable;
        }
        if self.last == self.taken {
            return Step::Unchanged;
        }
        self.taken.clone_from(&self.last);
        Step::Changed
    }
}

impl ReadError {
    /// Whether the file does not exist.
    pub(crate) fn is_absence(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), text: error.to_string() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read(path: &Path) -> Content {
    let size = fs::metadata(path)?;
    if !size.is_file() || size.len() > MAX_SIZE {
        return Err(io::Error::other("not a file of at most 16 MiB").into());
    }
    Ok(fs::read_to_string(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regression_sighup_takes_no_half_written_file() {
        let text = |text: &str| Ok(text.to_owned());
        let mut reads = Reads::new(text("old"));
        for (now, is_requested, step, taken) in [
            ("old", false, Step::Unchanged, "old"),
            ("ha", false, Step::Unstable, "old"),
            ("half", false, Step::Unstable, "old"),
            ("half", true, Step::Unstable, "old"),
            ("whole", false, Step::Unstable, "old"),
            ("whole", false, Step::Changed, "whole"),
            ("whole", false, Step::Unchanged, "whole"),
            ("whole", true, Step::Unstable, "whole"),
            ("whole", false, Step::Unchanged, "whole"),
            ("other", false, Step::Unstable, "whole"),
            ("whole", false, Step::Unstable, "whole"),
            ("whole", false, Step::Unchanged, "whole"),
        ] {
            assert_eq!(reads.add(text(now), is_requested), step, "{now} {is_requested}");
            assert_eq!(reads.taken, text(taken), "{now} {is_requested}");
        }
    }

    #[test]
    fn an_absent_file_is_no_other_failure() {
        let folder = tempfile::tempdir().unwrap();
        let absent = WatchedFile::open(folder.path().join("absent"));
        assert!(absent.content().as_ref().is_err_and(ReadError::is_absence));
        let unusable = WatchedFile::open(folder.path().to_owned());
        let error = unusable.content().as_ref().unwrap_err();
        assert!(!error.is_absence());
        assert_eq!(error.to_string(), "not a file of at most 16 MiB");
    }
}
