//! Names and passwords of users who could never log in.

/// What is wrong with a user name, as the end of a sentence. In Basic, a colon ends the name.
pub(super) fn problem_of_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        _ if name.contains(':') => Some("contains a colon"),
        _ if name.contains(char::is_control) => Some("contains a control character"),
        _ => None,
    }
}

/// What is wrong with a password, as the end of a sentence.
pub(super) fn problem_of_password(password: &str) -> Option<&'static str> {
    match password {
        "" => Some("is empty"),
        _ if password.contains(char::is_control) => Some("contains a control character"),
        _ => None,
    }
}
