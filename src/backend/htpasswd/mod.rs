//! Users for Basic in a file, as Apache's `htpasswd` writes it: `user:hash`, line by line.
//!
//! ```text
//! # the night shift
//! alice:$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu
//! bob:$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu:Bob, third floor
//! ```
//!
//! - The text is UTF-8. A byte order mark, carriage returns, and blanks around a line are ignored.
//! - Empty lines are ignored, and so are comments, which begin with `#`.
//! - The name ends at the first colon, is not empty and has no control character. Names compare
//!   byte for byte and occur once.
//! - The hash is one that [`PasswordHash`](super::password_hash::PasswordHash) reads, of a kind and
//!   a cost that [the policy](HtpasswdBuilder::with_hash_policy) accepts.
//! - The text after a second colon is a comment, as for Apache. It is refused after a plain
//!   password, which could contain the colon itself.
//!
//! The file is a regular one of at most 256 MiB. A line that cannot be used locks out its user and
//! nobody else; so do two lines for one name.

mod builder;
mod table;
mod validator;

pub use builder::HtpasswdBuilder;
pub use validator::Htpasswd;
