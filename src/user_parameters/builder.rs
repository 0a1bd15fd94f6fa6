//! The options of a syntax, and their validation.

use std::ops::RangeInclusive;

use super::syntax::{Key, Kind, UserParameterSyntax};
use crate::error::ConfigError;

/// The treatment of a key that the syntax does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownKeys {
    /// The name is refused with 407, before the back end is called.
    #[default]
    Refuse,
    /// Everything up to the next known key is skipped.
    Ignore,
}

/// Collects the options of a [`UserParameterSyntax`].
#[derive(Clone, Debug)]
#[must_use]
pub struct UserParameterSyntaxBuilder {
    syntax: UserParameterSyntax,
}

impl UserParameterSyntaxBuilder {
    pub(super) const fn new() -> Self {
        Self {
            syntax: UserParameterSyntax {
                prefix: None,
                separator: '-',
                keys: Vec::new(),
                unknown: UnknownKeys::Refuse,
                max_length: UserParameterSyntax::DEFAULT_MAX_LENGTH,
            },
        }
    }

    /// Splits only names that begin with `prefix` and a separator; other names have no parameters.
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.syntax.prefix = Some(prefix.into());
        self
    }

    /// Sets the character between user, keys and values; a hyphen by default.
    pub const fn with_separator(mut self, separator: char) -> Self {
        self.syntax.separator = separator;
        self
    }

    /// Adds a key whose value is a text.
    pub fn with_text(self, key: impl Into<Box<str>>) -> Self {
        self.with_key(key.into(), Kind::Text)
    }

    /// Adds a key whose value is a decimal number in `range`. Other values are refused.
    pub fn with_number(self, key: impl Into<Box<str>>, range: RangeInclusive<u64>) -> Self {
        self.with_key(key.into(), Kind::Number { from: *range.start(), to: *range.end() })
    }

    /// Adds a key without a value, which is present or absent.
    pub fn with_flag(self, key: impl Into<Box<str>>) -> Self {
        self.with_key(key.into(), Kind::Flag)
    }

    fn with_key(mut self, name: Box<str>, kind: Kind) -> Self {
        self.syntax.keys.push(Key { name, kind });
        self
    }

    /// Sets what happens to unknown keys; by default, the name is refused.
    pub const fn with_unknown_keys(mut self, unknown: UnknownKeys) -> Self {
        self.syntax.unknown = unknown;
        self
    }

    /// Limits the length of names, with their parameters; 256 bytes by default. Longer names are
    /// refused.
    pub const fn with_max_length(mut self, bytes: usize) -> Self {
        self.syntax.max_length = bytes;
        self
    }

    /// Checks the options.
    ///
    /// # Errors
    /// [`ConfigError::UserParameters`] for no key, a key that is duplicate, empty or contains the
    /// separator, an empty range, a separator or prefix that a user name cannot contain, or a
    /// length of 0.
    pub fn build(self) -> Result<UserParameterSyntax, ConfigError> {
        match self.problem() {
            Some(problem) => Err(ConfigError::UserParameters { problem }),
            None => Ok(self.syntax),
        }
    }

    fn problem(&self) -> Option<String> {
        let UserParameterSyntax { prefix, separator, keys, max_length, .. } = &self.syntax;
        if *separator == ':' || separator.is_control() {
            return Some(format!("a user name cannot contain the separator {separator:?}"));
        }
        if let Some(prefix) = prefix
            && let Some(problem) = problem_of(prefix)
        {
            return Some(format!("the prefix {prefix:?} {problem}"));
        }
        if keys.is_empty() {
            return Some("no key: add at least one".to_owned());
        }
        for (position, Key { name, kind }) in keys.iter().enumerate() {
            let problem = match kind {
                _ if name.contains(*separator) => Some("contains the separator"),
                _ if keys.iter().take(position).any(|before| before.name == *name) => {
                    Some("is a duplicate")
                }
                Kind::Number { from, to } if from > to => Some("has an empty range"),
                _ => problem_of(name),
            };
            if let Some(problem) = problem {
                return Some(format!("the key {name:?} {problem}"));
            }
        }
        (*max_length == 0).then(|| "the maximum length is 0, which refuses every name".to_owned())
    }
}

fn problem_of(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("is empty"),
        _ if text.contains(':') || text.contains(char::is_control) => {
            Some("cannot be part of a user name")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(builder: UserParameterSyntaxBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    fn syntax() -> UserParameterSyntaxBuilder {
        UserParameterSyntax::builder().with_text("country")
    }

    #[test]
    fn reports_every_mistake() {
        let table = [
            (UserParameterSyntax::builder(), "no key: add at least one"),
            (syntax().with_text(""), "the key \"\" is empty"),
            (syntax().with_text("a-b"), "the key \"a-b\" contains the separator"),
            (syntax().with_flag("country"), "the key \"country\" is a duplicate"),
            (syntax().with_text("a:b"), "the key \"a:b\" cannot be part of a user name"),
            #[expect(clippy::reversed_empty_ranges, reason = "the mistake")]
            (syntax().with_number("n", 2..=1), "the key \"n\" has an empty range"),
            (syntax().with_separator(':'), "a user name cannot contain the separator ':'"),
            (syntax().with_separator('\n'), "a user name cannot contain the separator '\\n'"),
            (syntax().with_prefix(""), "the prefix \"\" is empty"),
            (syntax().with_prefix("a\0"), "the prefix \"a\\0\" cannot be part of a user name"),
            (syntax().with_max_length(0), "the maximum length is 0, which refuses every name"),
        ];
        for (builder, expected) in table {
            assert_eq!(error(builder), format!("user parameters: {expected}"));
        }
    }
}
