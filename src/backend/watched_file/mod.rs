//! Reloads files when they change.
//!
//! New content takes effect as a whole, once it has been read to its end. A line that cannot be
//! used locks out its user; the other lines are in force. While a file cannot be read, its last
//! content stays in force for five minutes by default, and then all checks fail. Files are polled
//! four times a second, which works on network file systems, with symlinks and for files that are
//! replaced.

mod content;
mod error;
mod lines;
mod name;
mod reload;
mod watched;

pub(super) use content::Content;
pub use error::{FileError, FileEvent};
pub(super) use lines::lines;
pub(super) use name::{read_name, shown};
pub(super) use reload::Parsed;
pub(super) use watched::{DEFAULT_MAX_AGE, Observer, UserTable, Watched};
