//! The name of a protection space.

use std::{fmt, sync::Arc};

use crate::error::ConfigError;

/// The name of a protection space, [RFC 9110, section 11.5]: clients show it to users, and it is
/// part of every Digest secret.
///
/// It has 1 to 512 printable ASCII characters other than quote and backslash, because some clients
/// fail on all others. Cloning is cheap.
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
pub struct Realm(Arc<str>);

impl Realm {
    /// The maximum length in bytes.
    pub const MAX_LENGTH: usize = 512;

    /// Creates a realm from its name.
    ///
    /// # Errors
    /// [`ConfigError::EmptyRealm`], [`ConfigError::InvalidRealm`], [`ConfigError::RealmTooLong`].
    pub fn new(realm: impl Into<Arc<str>>) -> Result<Self, ConfigError> {
        let realm = realm.into();
        if realm.is_empty() {
            return Err(ConfigError::EmptyRealm);
        }
        let is_refused = |c: char| !(c == ' ' || c.is_ascii_graphic()) || c == '"' || c == '\\';
        if let Some((position, character)) = realm.char_indices().find(|&(_, c)| is_refused(c)) {
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
        Ok(Self(realm))
    }

    /// Creates a realm from a name in the source code.
    ///
    /// # Panics
    /// If [`new`](Self::new) refuses the name.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::Realm;
    ///
    /// assert_eq!(Realm::from_static("corp proxy").as_str(), "corp proxy");
    /// ```
    #[must_use]
    pub fn from_static(realm: &'static str) -> Self {
        match Self::new(realm) {
            Ok(realm) => realm,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grammar::AuthParams;

    #[test]
    fn refuses_characters_that_clients_break_on() {
        let table = [
            ("", "the realm is empty: give the protection space a name that users recognize"),
            (
                "a\"b",
                "the realm \"a\\\"b\" contains '\"' at byte 1: use printable ASCII without quote and \
                 backslash, since some clients fail on the rest",
            ),
            (
                "a\\",
                "the realm \"a\\\\\" contains '\\\\' at byte 1: use printable ASCII without quote and \
                 backslash, since some clients fail on the rest",
            ),
            (
                "\u{7f}",
                "the realm \"\\u{7f}\" contains '\\u{7f}' at byte 0: use printable ASCII without \
                 quote and backslash, since some clients fail on the rest",
            ),
            (
                "caf\u{e9}",
                "the realm \"caf\u{e9}\" contains '\u{e9}' at byte 3: use printable ASCII without \
                 quote and backslash, since some clients fail on the rest",
            ),
        ];
        for (realm, message) in table {
            assert_eq!(Realm::new(realm).unwrap_err().to_string(), message);
        }
        assert!(Realm::new("a\tb").is_err());
    }

    #[test]
    fn debug_adds_quotes_and_display_does_not() {
        let realm = Realm::new("corp proxy").unwrap();
        assert_eq!(format!("{realm} {realm:?}"), "corp proxy \"corp proxy\"");
    }

    proptest! {
        #[test]
        fn needs_no_escape_in_a_quoted_string(name in prop_oneof!["[ -~]{1,12}", ".{1,4}"]) {
            let Ok(realm) = Realm::new(name.as_str()) else { return Ok(()) };
            let quoted = format!("realm=\"{realm}\"");
            let mut params = AuthParams::new(quoted.as_bytes(), 0, 2);
            let value = params.next().expect("one").expect("well-formed").value;
            prop_assert_eq!(&*value.unescaped(quoted.as_bytes()), name.as_bytes());
            prop_assert!(params.next().is_none());
        }
    }

    #[test]
    #[should_panic = "the realm is empty: give the protection space a name that users recognize"]
    fn from_static_panics_on_an_invalid_name() {
        let _ = Realm::from_static("");
    }

    #[test]
    fn has_1_to_512_bytes() {
        assert!(Realm::new(" ").is_ok());
        assert!(Realm::new("~".repeat(512)).is_ok());
        assert_eq!(
            Realm::new("~".repeat(513)).unwrap_err().to_string(),
            "the realm is 513 bytes long: use at most 512"
        );
    }
}
