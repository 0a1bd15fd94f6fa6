//! The options of a syntax, and what is checked about them.

use std::ops::RangeInclusive;

use super::syntax::{Key, Kind, UserParameterSyntax};
use crate::error::ConfigError;

/// What is done about a key that the syntax does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownKeys {
    /// The name is refused: 407, and no back end is asked.
    #[default]
    Refuse,
    /// All is skipped up to the next key that the syntax has.
    Ignore,
}

/// What is done about a key that stands in a name more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DuplicateKeys {
    /// The name is refused: 407, and no back end is asked.
    #[default]
    Refuse,
    /// The first one counts.
    First,
    /// The last one counts.
    Last,
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
                duplicates: DuplicateKeys::Refuse,
                max_length: UserParameterSyntax::DEFAULT_MAX_LENGTH,
            },
        }
    }

    /// Splits only names that begin with `prefix` and a separator; others are users as they are.
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.syntax.prefix = Some(prefix.into());
        self
    }

    /// Separates user, keys and values by `separator`; a hyphen by default.
    pub const fn with_separator(mut self, separator: char) -> Self {
        self.syntax.separator = separator;
        self
    }

    /// Adds a key whose value is a text.
    pub fn with_text(self, key: impl Into<Box<str>>) -> Self {
        self.with_key(key.into(), Kind::Text)
    }

    /// Adds a key whose value is a decimal number in `range`. Anything else is refused.
    pub fn with_number(self, key: impl Into<Box<str>>, range: RangeInclusive<u64>) -> Self {
        self.with_key(key.into(), Kind::Number { from: *range.start(), to: *range.end() })
    }

    /// Adds a key that has no value: it is there, or it is not.
    pub fn with_flag(self, key: impl Into<Box<str>>) -> Self {
        self.with_key(key.into(), Kind::Flag)
    }

    fn with_key(mut self, name: Box<str>, kind: Kind) -> Self {
        self.syntax.keys.push(Key { name, kind });
        self
    }

    /// Says what is done about keys that were not added; by default the name is refused.
    pub const fn with_unknown_keys(mut self, unknown: UnknownKeys) -> Self {
        self.syntax.unknown = unknown;
        self
    }

    /// Says what is done about keys that stand there twice; by default the name is refused.
    pub const fn with_duplicate_keys(mut self, duplicates: DuplicateKeys) -> Self {
        self.syntax.duplicates = duplicates;
        self
    }

    /// Refuses names that are longer, parameters and all; 256 bytes by default.
    pub const fn with_max_length(mut self, bytes: usize) -> Self {
        self.syntax.max_length = bytes;
        self
    }

    /// Checks the options.
    ///
    /// # Errors
    /// [`ConfigError::UserParameters`]: no key, one twice, one that is empty or holds the separator,
    /// an empty range, a separator or prefix that cannot stand in a user name, a length of 0.
    pub fn build(self) -> Result<UserParameterSyntax, ConfigError> {
        match self.problem() {
            Some(problem) => Err(ConfigError::UserParameters { problem }),
            None => Ok(self.syntax),
        }
    }

    fn problem(&self) -> Option<String> {
        let UserParameterSyntax { prefix, separator, keys, max_length, .. } = &self.syntax;
        if *separator == ':' || separator.is_control() {
            return Some(format!("the separator {separator:?} cannot stand in a user name"));
        }
        if let Some(prefix) = prefix
            && let Some(problem) = problem_of(prefix)
        {
            return Some(format!("the prefix {prefix:?} {problem}"));
        }
        if keys.is_empty() {
            return Some("there is no key: add one".to_owned());
        }
        for (position, Key { name, kind }) in keys.iter().enumerate() {
            let problem = match kind {
                _ if name.contains(*separator) => Some("holds the separator"),
                _ if keys.iter().take(position).any(|before| before.name == *name) => {
                    Some("is there twice")
                }
                Kind::Number { from, to } if from > to => Some("has an empty range"),
                _ => problem_of(name),
            };
            if let Some(problem) = problem {
                return Some(format!("the key {name:?} {problem}"));
            }
        }
        (*max_length == 0).then(|| "a longest name of 0 bytes refuses everybody".to_owned())
    }
}

fn problem_of(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("is empty"),
        _ if text.contains(':') || text.contains(char::is_control) => {
            Some("cannot stand in a user name")
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
    fn every_mistake_is_named() {
        let table = [
            (UserParameterSyntax::builder(), "there is no key: add one"),
            (syntax().with_text(""), "the key \"\" is empty"),
            (syntax().with_text("a-b"), "the key \"a-b\" holds the separator"),
            (syntax().with_flag("country"), "the key \"country\" is there twice"),
            (syntax().with_text("a:b"), "the key \"a:b\" cannot stand in a user name"),
            #[expect(clippy::reversed_empty_ranges, reason = "the mistake")]
            (syntax().with_number("n", 2..=1), "the key \"n\" has an empty range"),
            (syntax().with_separator(':'), "the separator ':' cannot stand in a user name"),
            (syntax().with_separator('\n'), "the separator '\\n' cannot stand in a user name"),
            (syntax().with_prefix(""), "the prefix \"\" is empty"),
            (syntax().with_prefix("a\0"), "the prefix \"a\\0\" cannot stand in a user name"),
            (syntax().with_max_length(0), "a longest name of 0 bytes refuses everybody"),
        ];
        for (builder, expected) in table {
            assert_eq!(error(builder), format!("user parameters: {expected}"));
        }
    }
}
