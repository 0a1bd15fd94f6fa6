//! Users for Digest in files, as Apache's `htdigest` writes them: `user:realm:H(A1)`, line by line.
//!
//! ```text
//! # of RFC 2617
//! Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9
//! ```
//!
//! - The text is UTF-8. A byte order mark and line ends with a carriage return do no harm, nor do
//!   blanks round a line.
//! - Empty lines and those that begin with `#` are left out, so no name begins with `#`.
//! - The name ends at the first colon, is not empty and holds no control character. Names compare
//!   byte for byte, and one that is there twice for one function, be it in two files, is refused.
//! - The realm ends at the last colon, and may itself hold colons. Lines of other realms are
//!   skipped and counted: [`Htdigest::skipped`].
//! - H(A1) is the hash of `user:realm:password` in hex: 32 digits for MD5, else 64. There is no
//!   comment behind it.
//!
//! Apache's program knows MD5 alone. A file with values of SHA-256 or SHA-512-256 looks the same,
//! and since both have 64 hex digits, whoever opens a file says which function it is of. Each
//! function has a file of its own, or several; what is offered is what every user has.
//!
//! A file is a regular one of at most 256 MiB, with one user of the realm or more. Where any line
//! is bad, all files are refused, with the number of the line: [`FileError`].

mod builder;
mod secrets;
mod table;

pub use builder::HtdigestBuilder;
pub use secrets::Htdigest;

pub use super::watched_file::{FileError, FileEvent, OpenError};
