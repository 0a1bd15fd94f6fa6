//! What the parameters of one name say.

use std::fmt;

/// The parameters that stood in a user name.
///
/// They are what the client wished for: its password proves who it is, and that it wrote this, not
/// that it may have it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserParameters(Vec<(Box<str>, Value)>);

/// What a key stands for in one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Box<str>),
    Number(u64),
    Flag,
}

impl UserParameters {
    pub(crate) const NONE: &'static Self = &Self(Vec::new());

    /// The text of `key`; `None` if it is not there, or is no text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of `key`; `None` if it is not there, or is no number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether the flag `key` is there.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Flag))
    }

    /// The keys that are there, in the order in which they were first written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// How many parameters there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| **own == *key).map(|(_, value)| value)
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Adds a parameter, or changes its value.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(own, _)| **own == *key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.into(), value)),
        }
    }
}

/// Shows the keys, which the operator chose, and no value, which a client did.
impl fmt::Debug for UserParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}
