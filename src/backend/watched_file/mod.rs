//! Reloads files when they change.
//!
//! New content takes effect as a whole, once it has been read and parsed to its end. While a file
//! is invalid, its last valid content stays in force. Files are polled four times a second, which
//! works on network file systems, with symlinks and for files that are replaced.

mod content;
mod error;
mod lines;
mod name;
mod reload;
mod watched;

pub(super) use content::Content;
pub use error::{FileError, FileEvent};
pub(super) use lines::lines;
pub(super) use name::{check_name, shown};
pub(super) use watched::{Observer, UserTable, Watched};
