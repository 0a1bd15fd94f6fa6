//! Users for Digest in files, as Apache's `htdigest` writes them: `user:realm:H(A1)`, line by line.
//!
//! Apache's program knows MD5 alone. A file with values of SHA-256 or SHA-512-256 looks the same, and
//! since both have 64 hex digits, whoever opens a file says which function it is of. Each function
//! has a file of its own, or several; what is offered is what every user has.
//!
//! Empty lines and those that begin with `#` are left out. Lines of other realms are skipped and
//! counted. Blanks round a line, a byte order mark and line ends with a carriage return do no harm.

mod builder;
mod secrets;
mod table;

pub use builder::HtdigestBuilder;
pub use secrets::Htdigest;
