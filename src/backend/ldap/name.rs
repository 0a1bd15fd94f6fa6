//! The attribute with the user's name, which becomes the user-id.

use super::lookup::LookupError;

/// The attribute of an entry with the user's name.
#[derive(Clone, Debug)]
pub(super) struct NameAttribute {
    pub(super) attribute: Box<str>,
    /// Whether the directory decides if the name that was sent is the user's.
    pub(super) is_from_directory: bool,
}

impl NameAttribute {
    /// The user-id of the entry with these values, if it is the entry of the name that was `sent`.
    ///
    /// # Errors
    /// There is no user-id, or several.
    pub(super) fn user_id(
        &self,
        values: Vec<String>,
        sent: &str,
    ) -> Result<Option<String>, LookupError> {
        let Self { attribute, is_from_directory } = self;
        let unusable =
            |problem: String| Err(LookupError::Unusable(format!("the user's entry has {problem}")));
        if values.is_empty() {
            return unusable(format!("no {attribute}"));
        }
        if !is_from_directory {
            return Ok(values.into_iter().find(|value| value == sent));
        }
        let is_only = values.len() == 1;
        let folded = sent.to_lowercase();
        let mut names = values.into_iter().filter(|it| is_only || it.to_lowercase() == folded);
        match (names.next(), names.next()) {
            (Some(name), None) if name.is_empty() || name.contains(char::is_control) => {
                unusable(format!("an invalid {attribute}"))
            }
            (Some(name), None) => Ok(Some(name)),
            // Any other value might be the name of another user.
            (None, _) => unusable(format!(
                "several values of {attribute}, and none is the name that was sent"
            )),
            (Some(_), Some(_)) => {
                unusable(format!("several values of {attribute} that differ only in case"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user-id, or the cause of an unusable record.
    fn user_id(is_from_directory: bool, values: &[&str], sent: &str) -> Option<String> {
        let name = NameAttribute { attribute: "uid".into(), is_from_directory };
        let values = values.iter().map(|&value| value.to_owned()).collect();
        match name.user_id(values, sent) {
            Ok(user) => user,
            Err(LookupError::Unusable(cause)) => Some(cause),
            Err(LookupError::Failure(failure)) => panic!("{failure}"),
        }
    }

    #[test]
    fn by_default_one_value_is_the_name_that_was_sent() {
        for (values, sent, expected) in [
            (&["alice"][..], "alice", Some("alice")),
            (&["al", "alice"], "alice", Some("alice")),
            (&["al", "alice"], "al", Some("al")),
            (&["al", "alice"], "Alice", None),
            (&["alice"], "Alice", None),
            (&["alice"], "alice ", None),
            (&["alice"], "\u{e0}lice", None),
            (&["alice"], "al\u{ad}ice", None),
            (&[""], "alice", None),
            (&[], "alice", Some("the user's entry has no uid")),
        ] {
            assert_eq!(user_id(false, values, sent).as_deref(), expected, "{values:?}, {sent}");
        }
    }

    #[test]
    fn takes_the_spelling_of_the_directory_if_it_decides() {
        const NONE: &str =
            "the user's entry has several values of uid, and none is the name that was sent";
        for (values, sent, expected) in [
            (&["alice"][..], "alice", "alice"),
            (&["alice"], "Alice", "alice"),
            (&["alice"], "alice@example.org", "alice"),
            (&["J\u{e4}son"], "j\u{c4}SON", "J\u{e4}son"),
            (&["al", "alice"], "ALICE", "alice"),
            (&["al", "alice"], "alice@example.org", NONE),
            (
                &["alice", "Alice"],
                "alice",
                "the user's entry has several values of uid that differ only in case",
            ),
            (&[], "alice", "the user's entry has no uid"),
            (&[""], "alice", "the user's entry has an invalid uid"),
            (&["a\nb"], "alice", "the user's entry has an invalid uid"),
        ] {
            assert_eq!(
                user_id(true, values, sent).as_deref(),
                Some(expected),
                "{values:?}, {sent}"
            );
        }
    }
}
