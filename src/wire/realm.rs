//! The name of a protection space.

use std::{fmt, sync::Arc};

use crate::error::ConfigError;

/// The name of a protection space, [RFC 9110, section 11.5]: what the user is shown, and part of
/// every Digest secret.
///
/// 1 to 512 characters of printable ASCII, without quote and backslash: real clients disagree on
/// the escaping of the rest. Cloning is cheap.
///
/// # Examples
/// ```
/// use tower_proxy_auth::Realm;
///
/// assert_eq!(Realm::new("corp proxy")?.as_str(), "corp proxy");
/// assert!(Realm::new("caf\u{e9}").is_err());
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
///
/// [RFC 9110, section 11.5]: https://www.rfc-editor.org/rfc/rfc9110#section-11.5
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Realm(Text);

impl Realm {
    /// The longest realm, in bytes.
    pub const MAX_LENGTH: usize = 512;

    /// Checks the name and takes it.
    ///
    /// # Errors
    /// [`ConfigError::EmptyRealm`], [`ConfigError::InvalidRealm`], [`ConfigError::RealmTooLong`].
    pub fn new(realm: impl Into<Arc<str>>) -> Result<Self, ConfigError> {
        let realm = realm.into();
        if realm.is_empty() {
            return Err(ConfigError::EmptyRealm);
        }
        let refused = |c: char| !(c == ' ' || c.is_ascii_graphic()) || c == '"' || c == '\\';
        if let Some((position, character)) = realm.char_indices().find(|&(_, c)| refused(c)) {
            return Err(ConfigError::InvalidRealm {
                realm: realm.chars().take(64).collect(),
                character,
                position,
            });
        }
        if realm.len() > Self::MAX_LENGTH {
            return Err(ConfigError::RealmTooLong {
                length: realm.len(),
                maximum: Self::MAX_LENGTH,
            });
        }
        Ok(Self(Text::new(realm)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It is ASCII.
            Text::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Text::Long(text) => text,
        }
    }

    /// The name in bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many bytes are kept in place: with them an `Option<Realm>` takes 24.
const SHORT: usize = 22;

/// Every request that is forwarded gets a copy. Were they counted, all threads would count in the
/// same place, and wait for one another there; so short names, as most are, are copied whole.
///
/// There is one way to keep each text, so what is derived compares texts.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    /// As many bytes as `length` says, and zeros.
    Short {
        length: u8,
        bytes: [u8; SHORT],
    },
    Long(Arc<str>),
}

impl Text {
    fn new(text: Arc<str>) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(text.len()), bytes.get_mut(..text.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(text) => text.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_real_clients_break_on_and_names_it() {
        let table = [
            ("", "the realm is empty: give the protection space a name that users recognise"),
            (
                "a\"b",
                "the realm \"a\\\"b\" holds '\"' at byte 1: use printable ASCII without quote and \
                 backslash, since real clients break on the rest",
            ),
            (
                "a\\",
                "the realm \"a\\\\\" holds '\\\\' at byte 1: use printable ASCII without quote and \
                 backslash, since real clients break on the rest",
            ),
            (
                "\u{7f}",
                "the realm \"\\u{7f}\" holds '\\u{7f}' at byte 0: use printable ASCII without \
                 quote and backslash, since real clients break on the rest",
            ),
            (
                "caf\u{e9}",
                "the realm \"caf\u{e9}\" holds '\u{e9}' at byte 3: use printable ASCII without \
                 quote and backslash, since real clients break on the rest",
            ),
        ];
        for (realm, message) in table {
            assert_eq!(Realm::new(realm).unwrap_err().to_string(), message);
        }
        assert!(Realm::new("a\tb").is_err());
    }

    #[test]
    fn is_shown_in_quotes_by_debug_alone() {
        let realm = Realm::new("corp proxy").unwrap();
        assert_eq!(format!("{realm} {realm:?}"), "corp proxy \"corp proxy\"");
    }

    #[test]
    fn equals_only_the_same_name_however_long() {
        let realms: Vec<_> = (1..=2 * SHORT).map(|length| "a".repeat(length)).collect();
        for one in &realms {
            let realm = Realm::new(one.as_str()).unwrap();
            assert_eq!((realm.as_str(), realm.as_bytes()), (one.as_str(), one.as_bytes()));
            for other in &realms {
                let copy = Realm::new(other.as_str()).unwrap().clone();
                assert_eq!(realm == copy, one == other, "{one} {other}");
            }
        }
    }

    #[test]
    fn takes_three_words() {
        assert_eq!(size_of::<Option<Realm>>(), 24);
    }

    #[test]
    fn is_between_one_and_512_bytes_long() {
        assert!(Realm::new(" ").is_ok());
        assert!(Realm::new("~".repeat(512)).is_ok());
        assert_eq!(
            Realm::new("~".repeat(513)).unwrap_err().to_string(),
            "the realm is 513 bytes long: use at most 512"
        );
    }
}
