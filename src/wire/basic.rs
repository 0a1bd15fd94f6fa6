//! The Basic scheme, [RFC 7617].
//!
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617

use std::{fmt, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderValue;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Realm, latin1::decode_latin1};

/// The name of the scheme.
pub(crate) const NAME: &str = "Basic";

/// Returns the challenge for `realm`, with `charset="UTF-8"`.
///
/// `None` cannot occur, because a [`Realm`] has only characters that a field value can have.
pub(crate) fn challenge(realm: &Realm) -> Option<HeaderValue> {
    let text = ["Basic realm=\"", realm.as_str(), "\", charset=\"UTF-8\""].concat();
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}

/// How credentials are read; the default is the strict way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Whether what is not UTF-8 is read as Latin-1, as some old clients send it.
    pub(crate) latin1: bool,
    /// Whether user-id and password are brought into Unicode normalization form C.
    pub(crate) nfc: bool,
    /// Whether the password may be empty.
    pub(crate) empty_password: bool,
    /// The longest password, in bytes of UTF-8.
    pub(crate) max_password_length: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { latin1: false, nfc: false, empty_password: false, max_password_length: 4_096 }
    }
}

/// Why a user-pass cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UserPassError {
    /// A comma follows: a second set of credentials in the same field.
    #[error("more than one set of credentials in one field")]
    SeveralCredentials,
    /// Not strict base64 with padding, nothing at all, or neither UTF-8 nor allowed Latin-1.
    #[error("the user-pass cannot be decoded")]
    Undecodable,
    /// No colon between user-id and password.
    #[error("the user-pass has no colon")]
    NoColon,
    /// Nothing before the colon.
    #[error("the user-id is empty")]
    EmptyUserId,
    /// Nothing after the colon.
    #[error("the password is empty")]
    EmptyPassword,
    /// A control character in user-id or password.
    #[error("the user-pass holds a control character")]
    ControlCharacter,
    /// A password past the limit.
    #[error("the password is too long")]
    PasswordTooLong,
}

/// The user-id and password of a client, decoded. Wiped when dropped.
pub(crate) struct UserPass {
    text: Zeroizing<String>,
    colon: usize,
}

impl UserPass {
    /// Decodes what follows the scheme in `Proxy-Authorization`.
    ///
    /// # Errors
    /// Returns why the credentials cannot be used.
    pub(crate) fn decode(encoded: &[u8], reading: &Reading) -> Result<Self, UserPassError> {
        // `decode_vec` allocates once, so no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::new());
        if STANDARD.decode_vec(encoded, &mut bytes).is_err() {
            return Err(match encoded.contains(&b',') {
                true => UserPassError::SeveralCredentials,
                false => UserPassError::Undecodable,
            });
        }
        let mut text = text_of(bytes, reading)?;
        if reading.nfc {
            text = normalized(&text);
        }
        let colon = text.find(':').ok_or(UserPassError::NoColon)?;
        let decoded = Self { text, colon };
        decoded.check(reading)?;
        Ok(decoded)
    }

    /// The user-id: not empty, without colon and control characters.
    pub(crate) fn user_id(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// The password: without control characters.
    pub(crate) fn password(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    fn check(&self, reading: &Reading) -> Result<(), UserPassError> {
        if self.user_id().is_empty() {
            return Err(UserPassError::EmptyUserId);
        }
        if self.password().is_empty() && !reading.empty_password {
            return Err(UserPassError::EmptyPassword);
        }
        if self.password().len() > reading.max_password_length {
            return Err(UserPassError::PasswordTooLong);
        }
        if self.text.contains(char::is_control) {
            return Err(UserPassError::ControlCharacter);
        }
        Ok(())
    }
}

impl fmt::Debug for UserPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPass(..)")
    }
}

/// Reads the bytes as UTF-8, or else as Latin-1 if that is allowed.
fn text_of(
    mut bytes: Zeroizing<Vec<u8>>,
    reading: &Reading,
) -> Result<Zeroizing<String>, UserPassError> {
    match String::from_utf8(mem::take(&mut bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            if !reading.latin1 {
                return Err(UserPassError::Undecodable);
            }
            Ok(Zeroizing::new(decode_latin1(&bytes)))
        }
    }
}

/// Converts to Unicode normalization form C.
fn normalized(text: &str) -> Zeroizing<String> {
    // In UTF-8, form C is at most three times as long, so the string does not grow and leaves no
    // copy behind.
    let mut normalized = Zeroizing::new(String::with_capacity(3 * text.len()));
    normalized.extend(text.nfc());
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn decode(encoded: &str) -> Result<(String, String), UserPassError> {
        decode_with(encoded.as_bytes(), &Reading::default())
    }

    fn decode_with(encoded: &[u8], reading: &Reading) -> Result<(String, String), UserPassError> {
        let pair = UserPass::decode(encoded, reading)?;
        Ok((pair.user_id().to_owned(), pair.password().to_owned()))
    }

    fn pair(user_id: &str, password: &str) -> Result<(String, String), UserPassError> {
        Ok((user_id.to_owned(), password.to_owned()))
    }

    #[test]
    fn decodes_the_examples_of_rfc_7617() {
        assert_eq!(decode("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair("Aladdin", "open sesame"));
        assert_eq!(decode("dGVzdDoxMjPCow=="), pair("test", "123\u{a3}"));
    }

    #[test]
    fn splits_at_the_first_colon() {
        assert_eq!(decode(&STANDARD.encode("alice:a:b::")), pair("alice", "a:b::"));
    }

    #[test]
    fn refuses_what_is_not_strict_base64() {
        let table = [
            ("non-canonical tail bits", "YWxpY2U6d29uZGVyMR=="),
            ("inner space", "YWxp Y2U6d29uZGVy"),
            ("missing padding", "dGVzdDoxMjPCow"),
            ("URL alphabet", "YTr_Pz8="),
            ("one letter", "Y"),
            ("only padding", "="),
            ("padding in the middle", "YQ==OmI="),
        ];
        for (name, encoded) in table {
            assert_eq!(decode(encoded), Err(UserPassError::Undecodable), "{name}");
        }
    }

    #[test]
    fn refuses_unusable_user_passes() {
        let table = [
            ("", UserPassError::NoColon),
            ("alice", UserPassError::NoColon),
            (":wonder", UserPassError::EmptyUserId),
            (":", UserPassError::EmptyUserId),
            ("alice:", UserPassError::EmptyPassword),
            ("alice:won\0der", UserPassError::ControlCharacter),
            ("alice:wonder\r\n", UserPassError::ControlCharacter),
            ("al\tice:wonder", UserPassError::ControlCharacter),
            ("alice:\u{7f}", UserPassError::ControlCharacter),
            ("alice:\u{85}", UserPassError::ControlCharacter),
        ];
        for (user_pass, error) in table {
            assert_eq!(decode(&STANDARD.encode(user_pass)), Err(error), "{user_pass:?}");
        }
        assert_eq!(decode("YTpi,YTpi"), Err(UserPassError::SeveralCredentials));
    }

    #[test]
    fn an_empty_password_is_an_option() {
        let reading = Reading { empty_password: true, ..Reading::default() };
        assert_eq!(decode_with(b"YWxpY2U6", &reading), pair("alice", ""));
        assert_eq!(decode_with(b"OndvbmRlcg==", &reading), Err(UserPassError::EmptyUserId));
    }

    #[test]
    fn the_longest_password_is_4096_bytes_unless_said_otherwise() {
        let long = |length: usize| STANDARD.encode(format!("alice:{}", "x".repeat(length)));
        assert_eq!(decode(&long(4_096)), pair("alice", &"x".repeat(4_096)));
        assert_eq!(decode(&long(4_097)), Err(UserPassError::PasswordTooLong));
        let reading = Reading { max_password_length: 1, ..Reading::default() };
        assert_eq!(decode_with(b"YWxpY2U6eA==", &reading), pair("alice", "x"));
        assert_eq!(decode_with(b"YWxpY2U6eHk=", &reading), Err(UserPassError::PasswordTooLong));
    }

    #[test]
    fn latin1_is_read_only_where_it_is_allowed_and_utf8_comes_first() {
        let latin1 = STANDARD.encode(b"J\xe4son:p\xe4ss");
        let utf8 = STANDARD.encode("J\u{e4}son:p\u{e4}ss");
        let reading = Reading { latin1: true, ..Reading::default() };
        assert_eq!(decode(&latin1), Err(UserPassError::Undecodable));
        assert_eq!(decode_with(latin1.as_bytes(), &reading), pair("J\u{e4}son", "p\u{e4}ss"));
        assert_eq!(decode_with(utf8.as_bytes(), &reading), pair("J\u{e4}son", "p\u{e4}ss"));
        let control = STANDARD.encode(b"J\x85son:p\xe4ss");
        assert_eq!(decode_with(control.as_bytes(), &reading), Err(UserPassError::ControlCharacter));
    }

    #[test]
    fn names_are_taken_as_sent_unless_nfc_is_asked_for() {
        let decomposed = STANDARD.encode("J\u{61}\u{308}son:p\u{61}\u{308}ss");
        assert_eq!(decode(&decomposed), pair("J\u{61}\u{308}son", "p\u{61}\u{308}ss"));
        let reading = Reading { nfc: true, ..Reading::default() };
        assert_eq!(decode_with(decomposed.as_bytes(), &reading), pair("J\u{e4}son", "p\u{e4}ss"));
        assert_eq!(decode_with(b"YTpi", &reading), pair("a", "b"));
    }

    #[test]
    fn nfc_never_brings_a_colon_or_a_change_of_the_split() {
        // U+003B's canonical singleton U+037E shows that NFC may yield ASCII; none yields a colon.
        let encoded = STANDARD.encode("a\u{37e}:b");
        let reading = Reading { nfc: true, ..Reading::default() };
        assert_eq!(decode_with(encoded.as_bytes(), &reading), pair("a;", "b"));
    }

    #[test]
    fn the_challenge_names_realm_and_charset() {
        let realm = Realm::new("corp proxy").unwrap();
        assert_eq!(challenge(&realm).unwrap(), "Basic realm=\"corp proxy\", charset=\"UTF-8\"");
    }

    #[test]
    fn debug_shows_neither_name_nor_password() {
        let shown = format!("{:?}", UserPass::decode(b"YWxpY2U6d29uZGVy", &Reading::default()));
        assert_eq!(shown, "Ok(UserPass(..))");
    }
}
