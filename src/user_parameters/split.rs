//! Splits a name into user and parameters.

use std::{str::Split, sync::Arc};

use super::{
    UnknownKeys, UserParameterSyntax, UserParameters,
    syntax::{Key, Kind},
    values::Value,
};
use crate::secret::Password;

/// The reason why a name cannot be split. The messages do not contain the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserParameterError {
    /// The name is longer than the limit.
    #[error("the user name is too long")]
    TooLong,
    /// The text between two separators, or at an end, is empty.
    #[error("a part of the user name is empty")]
    EmptyPart,
    /// The syntax does not have this key.
    #[error("the user name has an unknown parameter")]
    UnknownKey,
    /// A key occurs twice.
    #[error("the user name has a duplicate parameter")]
    DuplicateKey,
    /// The last key has no value.
    #[error("a parameter in the user name has no value")]
    MissingValue,
    /// A value is not a number in the range of its key.
    #[error("a parameter in the user name is not a number in its range")]
    NotInRange,
}

/// The result of splitting a name: the position of the user in it, and the parameters.
#[derive(Clone, Debug)]
pub struct SplitName {
    /// People type passwords into the name field.
    user: Password,
    parameters: Arc<UserParameters>,
}

impl SplitName {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.expose()
    }

    /// The parameters.
    #[must_use]
    pub const fn parameters(&self) -> &Arc<UserParameters> {
        &self.parameters
    }
}

impl UserParameterSyntax {
    /// Splits a name into the user and the parameters.
    ///
    /// # Errors
    /// [`UserParameterError`]: the first problem.
    pub fn split(&self, name: &str) -> Result<SplitName, UserParameterError> {
        if name.len() > self.max_length {
            return Err(UserParameterError::TooLong);
        }
        let Some(rest) = self.without_prefix(name) else {
            return Ok(SplitName { user: Password::new(name), parameters: Arc::default() });
        };
        let mut parts = rest.split(self.separator);
        let user = parts.next().unwrap_or_default();
        if user.is_empty() {
            return Err(UserParameterError::EmptyPart);
        }
        let parameters = self.read(&mut parts)?;
        Ok(SplitName { user: Password::new(user), parameters: Arc::new(parameters) })
    }

    /// Returns the name after the prefix, if one is configured; `None` if the name lacks it.
    fn without_prefix<'a>(&self, name: &'a str) -> Option<&'a str> {
        let Some(prefix) = &self.prefix else { return Some(name) };
        name.strip_prefix(&**prefix)?.strip_prefix(self.separator)
    }

    fn read(&self, parts: &mut Split<'_, char>) -> Result<UserParameters, UserParameterError> {
        let mut parameters = UserParameters::default();
        while let Some(part) = parts.next() {
            if part.is_empty() {
                return Err(UserParameterError::EmptyPart);
            }
            let Some(Key { name, kind }) = self.key(part) else {
                match self.unknown {
                    UnknownKeys::Refuse => return Err(UserParameterError::UnknownKey),
                    UnknownKeys::Ignore => continue,
                }
            };
            let value = kind.read(parts)?;
            if !parameters.add(name, value) {
                return Err(UserParameterError::DuplicateKey);
            }
        }
        Ok(parameters)
    }
}

impl Kind {
    fn read(self, parts: &mut Split<'_, char>) -> Result<Value, UserParameterError> {
        let mut text = || match parts.next() {
            None => Err(UserParameterError::MissingValue),
            Some("") => Err(UserParameterError::EmptyPart),
            Some(text) => Ok(text),
        };
        match self {
            Self::Flag => Ok(Value::Flag),
            Self::Text => Ok(Value::Text(text()?.into())),
            Self::Number { from, to } => {
                let digits = text()?;
                let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.parse().ok().filter(|_| is_plain);
                number
                    .filter(|number| (from..=to).contains(number))
                    .map(Value::Number)
                    .ok_or(UserParameterError::NotInRange)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::user_parameters::UserParameterSyntaxBuilder;

    fn syntax() -> UserParameterSyntaxBuilder {
        UserParameterSyntax::builder()
            .with_prefix("customer")
            .with_text("country")
            .with_text("session")
            .with_number("minutes", 1..=1_440)
            .with_flag("sticky")
    }

    #[track_caller]
    fn split(
        builder: UserParameterSyntaxBuilder,
        name: &str,
    ) -> Result<(String, UserParameters), UserParameterError> {
        let split = builder.build().unwrap().split(name)?;
        Ok((split.user().to_owned(), UserParameters::clone(split.parameters())))
    }

    #[test]
    fn splits_a_name_into_user_and_parameters() {
        let (user, parameters) =
            split(syntax(), "customer-alice-country-jp-session-x1-sticky-minutes-1440").unwrap();
        assert_eq!(user, "alice");
        assert_eq!(parameters.text("country"), Some("jp"));
        assert_eq!(parameters.text("session"), Some("x1"));
        assert_eq!(parameters.number("minutes"), Some(1_440));
        assert!(parameters.flag("sticky"));
        assert_eq!(parameters.len(), 4);
        let keys: Vec<&str> = parameters.keys().collect();
        assert_eq!(keys, ["country", "session", "sticky", "minutes"]);
        // A value has only the type that was declared.
        assert_eq!((parameters.text("minutes"), parameters.number("country")), (None, None));
        assert!(!parameters.flag("country") && !parameters.flag("other"));
        assert_eq!(parameters.text("other"), None);
        assert_eq!(
            format!("{parameters:?}"),
            r#"{"country", "session", "sticky", "minutes"}"#,
            "values may be secret"
        );
    }

    #[test]
    fn a_name_without_the_prefix_is_a_user() {
        for name in ["alice", "alice-country-jp", "customer", "customers-alice", "Customer-alice"] {
            let (user, parameters) = split(syntax(), name).unwrap();
            assert_eq!(user, name);
            assert!(parameters.is_empty());
        }
    }

    #[test]
    fn accepts_users_without_parameters_or_named_like_a_key() {
        assert_eq!(split(syntax(), "customer-alice").unwrap().0, "alice");
        let (user, parameters) = split(syntax(), "customer-country-country-jp").unwrap();
        assert_eq!((user.as_str(), parameters.text("country")), ("country", Some("jp")));
        let (_, parameters) = split(syntax(), "customer-alice-session-sticky").unwrap();
        assert_eq!(parameters.text("session"), Some("sticky"));
        assert!(!parameters.flag("sticky"));
    }

    #[test]
    fn refuses_malformed_names() {
        use UserParameterError::*;

        let table = [
            ("customer-", EmptyPart),
            ("customer--country-jp", EmptyPart),
            ("customer-alice-", EmptyPart),
            ("customer-alice--country-jp", EmptyPart),
            ("customer-alice-country-", EmptyPart),
            ("customer-alice-country--sticky", EmptyPart),
            ("customer-alice-smith", UnknownKey),
            ("customer-alice-Country-jp", UnknownKey),
            ("customer-alice-country-jp-jp", UnknownKey),
            ("customer-alice-country-jp-country-jp", DuplicateKey),
            ("customer-alice-sticky-sticky", DuplicateKey),
            ("customer-alice-country", MissingValue),
            ("customer-alice-minutes", MissingValue),
            ("customer-alice-minutes-0", NotInRange),
            ("customer-alice-minutes-1441", NotInRange),
            ("customer-alice-minutes-+1", NotInRange),
            ("customer-alice-minutes-18446744073709551616", NotInRange),
            ("customer-alice-minutes-x", NotInRange),
        ];
        for (name, expected) in table {
            assert_eq!(split(syntax(), name).unwrap_err(), expected, "{name}");
        }
    }

    #[test]
    fn accepts_a_name_as_long_as_the_limit() {
        let name = format!("customer-alice-session-{}", "x".repeat(256 - 23));
        assert_eq!(name.len(), 256);
        assert!(split(syntax(), &name).is_ok());
        let longer = format!("{name}x");
        assert_eq!(split(syntax(), &longer).unwrap_err(), UserParameterError::TooLong);
        assert!(split(syntax().with_max_length(257), &longer).is_ok());
        let plain = "x".repeat(257);
        assert_eq!(split(syntax(), &plain).unwrap_err(), UserParameterError::TooLong);
    }

    #[test]
    fn ignores_unknown_keys_by_option() {
        let syntax = syntax().with_unknown_keys(UnknownKeys::Ignore);
        let (user, parameters) =
            split(syntax, "customer-alice-city-kyoto-country-jp-fast").unwrap();
        assert_eq!(user, "alice");
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["country"]);
    }

    #[test]
    fn uses_the_configured_separator_and_prefix() {
        let syntax = UserParameterSyntax::builder().with_separator('+').with_text("city");
        let (user, parameters) = split(syntax.clone(), "mary-ann+city+a-b").unwrap();
        assert_eq!((user.as_str(), parameters.text("city")), ("mary-ann", Some("a-b")));
        let (user, _) = split(syntax.with_prefix("x+y"), "x+y+mary+city+z").unwrap();
        assert_eq!(user, "mary");
        let umlaut = UserParameterSyntax::builder().with_separator('\u{e4}').with_text("k");
        let (user, parameters) = split(umlaut, "j\u{e4}k\u{e4}v").unwrap();
        assert_eq!((user.as_str(), parameters.text("k")), ("j", Some("v")));
    }

    proptest! {
        #[test]
        fn returns_a_part_of_any_name_as_the_user(name in "(customer)?[a\u{e4}-]{0,9}(-country|-jp|-sticky|-minutes|-7){0,6}") {
            let syntax = syntax().build().unwrap();
            if let Ok(split) = syntax.split(&name) {
                let user = split.user();
                prop_assert!(name.is_empty() || !user.is_empty());
                prop_assert!(user == name || !user.contains('-'));
                prop_assert!(split.parameters().len() <= 4);
            }
        }
    }
}
