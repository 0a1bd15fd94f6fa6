//! The options of the example for users in files and in a directory.

mod directory;
mod files;
mod flood;
