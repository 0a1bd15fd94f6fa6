//! Users for Digest in files, as Apache's `htdigest` writes them: `user:realm:H(A1)`, line by line.
//!
//! ```text
//! # of RFC 2617
//! Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9
//! ```
//!
//! - The text is UTF-8. A byte order mark, carriage returns, and blanks around a line are ignored.
//! - Empty lines are ignored, and so are comments, which begin with `#`.
//! - The name ends at the first colon, is not empty and has no control character. Names compare
//!   byte for byte and occur once for each hash function, also across files.
//! - The realm ends at the last colon, and may contain colons. Lines of other realms are skipped
//!   and counted: [`Htdigest::skipped`].
//! - H(A1) is the hash of `user:realm:password` in hex: 32 digits for MD5, and 64 for the others.
//!
//! Apache's program supports only MD5. Hashes with SHA-256 and SHA-512-256 both have 64 digits, so
//! the caller names the hash function of each file. A function can have several files, and is
//! offered if every user has an H(A1) for it.
//!
//! A file is a regular one of at most 256 MiB. A line that cannot be used locks out its user and
//! nobody else; so do two lines for one name and function.

mod builder;
mod secrets;
mod table;

pub use builder::HtdigestBuilder;
pub use secrets::Htdigest;
