//! Checks and displays user names in files.

/// Refuses a name that no client can send.
pub(in crate::backend) fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("the user name is empty".to_owned());
    }
    if name.contains(char::is_control) {
        return Err(format!("the user name {} contains a control character", shown(name)));
    }
    Ok(())
}

/// A name for a message: escaped, and cut after 64 characters.
pub(in crate::backend) fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}
