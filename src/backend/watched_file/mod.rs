//! Files that are read again whenever they change.
//!
//! What a file says is replaced as a whole, once it has been read to its end and understood; until
//! then, and where it cannot be understood, what it said before stays in force. Changes are told by
//! the operating system where it does that, and looked for four times a second where it does not:
//! on network file systems, behind symlinks, and after what was watched has been replaced.

mod content;
mod error;
mod lines;
mod name;
mod reload;
mod watched;

pub(super) use content::Content;
pub use error::{FileError, FileEvent, OpenError};
pub(super) use lines::lines;
pub(super) use name::{check_name, shown};
pub(super) use watched::{Observer, Watched};

/// A number that no other content has, in this process.
pub(super) fn next_version() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};

    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}
