//! Checks and displays user names in files.

use crate::backend::impossible::problem_of_name;

/// Refuses a name that no client can send.
pub(in crate::backend) fn check_name(name: &str) -> Result<(), String> {
    match problem_of_name(name) {
        Some(problem) => Err(format!("the user name {} {problem}", shown(name))),
        None => Ok(()),
    }
}

/// A name for a message: escaped, and cut after 64 characters.
pub(in crate::backend) fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}
