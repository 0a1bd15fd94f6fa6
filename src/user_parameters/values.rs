//! The parameters of one name.

use std::fmt;

/// The parameters of a user name.
///
/// They are requests of the client: the password authenticates the user, but authorizes none of
/// them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserParameters(Vec<(Box<str>, Value)>);

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Box<str>),
    Number(u64),
    Flag,
}

impl UserParameters {
    pub(crate) const NONE: &'static Self = &Self(Vec::new());

    /// The text of `key`; `None` if it is absent or not a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of `key`; `None` if it is absent or not a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether the flag `key` is present.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Flag))
    }

    /// The keys, in the order of the name.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// The number of parameters.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no parameters.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| **own == *key).map(|(_, value)| value)
    }

    /// Adds a parameter. Returns `false` if it has a value already.
    pub(super) fn add(&mut self, key: &str, value: Value) -> bool {
        let is_new = self.value(key).is_none();
        if is_new {
            self.0.push((key.into(), value));
        }
        is_new
    }
}

/// Shows the keys, which the operator chose, but not the values, which the client sent.
impl fmt::Debug for UserParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}
