//! The example `forward_proxy` with users from files, a directory, a database: curl gets through it
//! with the right password and not with a wrong one.

mod directory;
mod files;
