//! Users for Basic in a file, as Apache's `htpasswd` writes it: `user:hash`, line by line.
//!
//! Empty lines and those that begin with `#` are left out. What follows a second colon is a comment,
//! as it is to Apache. Blanks round a line, a byte order mark and line ends with a carriage return
//! do no harm.

mod builder;
mod table;
mod validator;

pub use builder::HtpasswdBuilder;
pub use validator::Htpasswd;
