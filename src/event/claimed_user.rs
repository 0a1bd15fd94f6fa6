//! The user name of a refused request.

use std::{fmt, sync::Arc};

use super::escaped::{Escaped, MAX_NAME};
use crate::{claim::Claimant, error::ConfigError, secret::MacKey};

/// The bytes of a fingerprint; each is two digits.
const FINGERPRINT_LENGTH: usize = 6;

/// The user name that a refused client sent, or a fingerprint of it.
///
/// `Display` and [`as_str`](Self::as_str) show it [`Escaped`], and cut after 64 characters: it is
/// text for logs and people, and must not be compared with user-ids.
///
/// # Security
/// Nobody has proved to be this user. People also type passwords where names are expected, so
/// `Debug` does not show it, and [`ClaimedUsers`] can keep it out of logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClaimedUser(Arc<str>);

impl ClaimedUser {
    /// Escapes and cuts a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let shown = Escaped::new(name, MAX_NAME);
        // Most names are plain, and need one allocation only.
        Self(if shown.is_plain() { name.into() } else { shown.to_string().into() })
    }

    /// The fingerprint of a name: 12 hexadecimal digits, which without the key can neither be
    /// computed nor be compared with a list of names.
    fn fingerprint(name: &str, key: &MacKey) -> Self {
        let mac = key.mac(&[name.as_bytes()]);
        let digits = base16ct::lower::encode_string(mac.get(..FINGERPRINT_LENGTH).unwrap_or(&mac));
        Self(digits.into())
    }

    /// The escaped text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClaimedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimedUser(..)")
    }
}

/// What a [`Refusal`](crate::Refusal) and the logs contain of the user name that a refused client
/// sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimedUsers {
    /// The name, escaped and cut after 64 characters.
    #[default]
    Name,
    /// 12 hexadecimal digits of a MAC of the name. Its key is random, so that only equal names
    /// within one run of the process can be recognized.
    Fingerprint,
    /// Nothing.
    Omitted,
}

/// Makes the texts that [`ClaimedUsers`] requires.
#[derive(Debug)]
pub(crate) enum ClaimedUserMaker {
    Name,
    Fingerprint(MacKey),
    Omitted,
}

impl ClaimedUserMaker {
    /// # Errors
    /// [`ConfigError::Randomness`] if a key is needed and there are no random bytes.
    pub(crate) fn new(users: ClaimedUsers) -> Result<Self, ConfigError> {
        Ok(match users {
            ClaimedUsers::Name => Self::Name,
            ClaimedUsers::Fingerprint => Self::Fingerprint(MacKey::random()?),
            ClaimedUsers::Omitted => Self::Omitted,
        })
    }

    /// The text for a claimant, of whose hash it has the digits.
    pub(crate) fn make(&self, claimant: Claimant<'_>) -> Option<ClaimedUser> {
        let digits;
        let name = match claimant {
            Claimant::Name(name) => name,
            Claimant::Userhash(hash) => {
                digits = base16ct::lower::encode_string(hash.as_bytes());
                &digits
            }
            Claimant::Unnamed => return None,
        };
        match self {
            Self::Name => Some(ClaimedUser::new(name)),
            Self::Fingerprint(key) => Some(ClaimedUser::fingerprint(name, key)),
            Self::Omitted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_cuts_names() {
        for (name, shown) in [
            ("alice", "alice".to_owned()),
            ("a\u{2028}b\u{202e}c d\n\"", r#"a\u{2028}b\u{202e}c\u{20}d\n\""#.to_owned()),
            (&"x".repeat(10_000), "x".repeat(64) + "..."),
        ] {
            let claimed = ClaimedUser::new(name);
            assert_eq!((claimed.as_str(), claimed.to_string()), (&*shown, shown.clone()));
        }
    }

    #[test]
    fn a_fingerprint_depends_on_name_and_key() {
        let key = MacKey::random().unwrap();
        let of = |name: &str| ClaimedUser::fingerprint(name, &key);
        let digits = of("alice").to_string();
        assert_eq!(digits.len(), 12);
        assert!(digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{digits}");
        assert_eq!(of("alice"), of("alice"));
        // Only the display of names is cut.
        let long = "x".repeat(100);
        assert_ne!(of(&format!("{long}1")), of(&format!("{long}2")));
        assert_ne!(of("alice"), of("Alice"));
        assert_ne!(of("alice"), ClaimedUser::fingerprint("alice", &MacKey::random().unwrap()));
    }

    #[test]
    fn debug_shows_no_name() {
        assert_eq!(format!("{:?}", ClaimedUser::new("alice")), "ClaimedUser(..)");
    }
}
