//! Sets of hash functions.

use std::fmt;

use super::HashFunction;

/// A set of hash functions.
///
/// # Examples
/// ```
/// use tower_proxy_auth::digest::{HashFunction, HashFunctions};
///
/// let held = HashFunctions::NONE.with(HashFunction::Md5);
/// assert!(held.contains(HashFunction::Md5));
/// assert!(!held.contains(HashFunction::Sha256));
/// assert_eq!(held.to_string(), "MD5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashFunctions(u8);

impl HashFunctions {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All hash functions.
    pub const ALL: Self = Self::NONE
        .with(HashFunction::Sha256)
        .with(HashFunction::Sha512_256)
        .with(HashFunction::Md5);

    /// Adds a function to the set.
    #[must_use]
    pub const fn with(self, function: HashFunction) -> Self {
        Self(self.0 | Self::bit(function))
    }

    /// Returns the functions that are in both sets.
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns whether the set contains a function.
    #[must_use]
    pub const fn contains(self, function: HashFunction) -> bool {
        self.0 & Self::bit(function) != 0
    }

    /// The functions in the set, the strongest first.
    pub(crate) fn iter(self) -> impl Iterator<Item = HashFunction> {
        HashFunction::ALL.iter().copied().filter(move |&function| self.contains(function))
    }

    const fn bit(function: HashFunction) -> u8 {
        1 << function as u8
    }
}

impl fmt::Display for HashFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for function in self.iter() {
            write!(f, "{separator}{function}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_contains_the_added_functions() {
        assert_eq!(HashFunctions::NONE.to_string(), "none");
        assert_eq!(HashFunctions::ALL.to_string(), "SHA-256, SHA-512-256, MD5");
        for &function in HashFunction::ALL {
            let single = HashFunctions::NONE.with(function);
            assert_eq!(single.to_string(), function.to_string());
            assert_eq!(single.intersection(HashFunctions::ALL), single);
            assert_eq!(single.with(function), single);
        }
        let md5 = HashFunctions::NONE.with(HashFunction::Md5);
        let sha256 = HashFunctions::NONE.with(HashFunction::Sha256);
        assert_eq!(md5.intersection(sha256), HashFunctions::NONE);
    }
}
