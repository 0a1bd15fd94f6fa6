//! Secrets in memory: hidden by `Debug`, wiped when dropped, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Compares two byte strings in a time that depends only on their lengths.
///
/// # Examples
/// ```
/// use tower_proxy_auth::secret::constant_time_eq;
///
/// assert!(constant_time_eq(b"token", b"token"));
/// assert!(!constant_time_eq(b"token", b"tokens"));
/// ```
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// An owned password. `Debug` does not show it, and it is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes ownership of a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// Returns the password itself.
    ///
    /// # Security
    /// Keep it out of logs and error messages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_content_and_length() {
        let table: [(&[u8], &[u8], bool); 5] = [
            (b"", b"", true),
            (b"wonder", b"wonder", true),
            (b"wonder", b"wondeR", false),
            (b"Wonder", b"wonder", false),
            (b"wonder", b"wonde", false),
        ];
        for (left, right, expected) in table {
            assert_eq!(constant_time_eq(left, right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        assert_eq!(format!("{:?}", Password::new("wonder")), "Password(..)");
    }
}
