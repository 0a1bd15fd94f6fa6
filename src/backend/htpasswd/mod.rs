//! Users for Basic in a file, as Apache's `htpasswd` writes it: `user:hash`, line by line.
//!
//! ```text
//! # the night shift
//! alice:$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu
//! bob:$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu:Bob, third floor
//! ```
//!
//! - The text is UTF-8. A byte order mark and line ends with a carriage return do no harm, nor do
//!   blanks round a line.
//! - Empty lines and those that begin with `#` are left out, so no name begins with `#`.
//! - The name ends at the first colon, is not empty and holds no control character. Names compare
//!   byte for byte, and one that is there twice is refused.
//! - The hash is what [`PasswordHash`](super::password_hash::PasswordHash) reads, of a kind and a
//!   cost that the policy allows; see [`HtpasswdBuilder::with_hash_policy`].
//! - What follows a second colon is a comment, as it is to Apache. Behind a plain password it is
//!   refused, since the password itself may hold a colon.
//!
//! The file is a regular one of at most 256 MiB, with one user or more. Where any line is bad, the
//! file is refused as a whole, with the number of the line: [`FileError`].

mod builder;
mod table;
mod validator;

pub use builder::HtpasswdBuilder;
pub use validator::Htpasswd;

pub use super::watched_file::{FileError, FileEvent, OpenError};
