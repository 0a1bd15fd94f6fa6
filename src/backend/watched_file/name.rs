//! Reads and displays user names in files.

use crate::backend::impossible::problem_of_name;

/// Reads a name. Refuses one that no client can send.
pub(in crate::backend) fn read_name(name: &[u8]) -> Result<&str, String> {
    let name = str::from_utf8(name).map_err(|_| "the user name is not UTF-8")?;
    match problem_of_name(name) {
        Some(problem) => Err(format!("the user name {} {problem}", shown(name))),
        None => Ok(name),
    }
}

/// A name for a message: escaped, and cut after 64 characters.
pub(in crate::backend) fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}
