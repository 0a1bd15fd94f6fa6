//! The Basic scheme, [RFC 7617].
//!
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617

use bytes::Bytes;
use http::HeaderValue;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use zeroize::Zeroizing;

use super::{Realm, base64};
use crate::{
    grammar::chars::{has_control_character, is_printable_ascii},
    secret::SecretBytes,
};

/// The name of the scheme.
pub const NAME: &str = "Basic";

/// The challenge for `realm`, always with `charset="UTF-8"`.
///
/// `None` cannot come of a [`Realm`], which holds printable ASCII alone.
#[must_use]
pub fn challenge(realm: &Realm) -> Option<HeaderValue> {
    let text = format!("{NAME} realm=\"{realm}\", charset=\"UTF-8\"");
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}

/// How credentials are read; the default is the strict way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// Whether what is not UTF-8 is read as Latin-1, as some old clients send it.
    pub latin1: bool,
    /// Whether user-id and password are brought into Unicode normalization form C.
    pub nfc: bool,
    /// Whether the password may be empty.
    pub empty_password: bool,
    /// The longest password, in bytes of UTF-8.
    pub max_password_length: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { latin1: false, nfc: false, empty_password: false, max_password_length: 4_096 }
    }
}

/// Why a user-pass cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserPassError {
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

/// A user-id and a password as the client sent them, decoded. Wiped when dropped.
#[derive(Debug)]
pub struct UserPass {
    text: SecretBytes,
    colon: usize,
}

impl UserPass {
    /// Decodes what follows the scheme in `Proxy-Authorization`.
    ///
    /// # Errors
    /// Whatever makes the credentials unusable, see [`UserPassError`].
    pub fn decode(encoded: &[u8], reading: &Reading) -> Result<Self, UserPassError> {
        let mut decoded = Self::empty();
        decoded.read(encoded, reading)?;
        Ok(decoded)
    }

    /// What [`read`](Self::read) fills.
    #[inline]
    pub(crate) const fn empty() -> Self {
        Self { text: SecretBytes::new(), colon: 0 }
    }

    /// Decodes in place: so large a value is costly to move.
    ///
    /// # Errors
    /// As [`decode`](Self::decode); what is left then is of no use.
    #[inline]
    pub(crate) fn read(&mut self, encoded: &[u8], reading: &Reading) -> Result<(), UserPassError> {
        // Room for three bytes in place of each four characters.
        let room = self.text.room(3 * encoded.len().div_ceil(4));
        match base64::STANDARD.decode_padded(encoded, room) {
            Some(length) => self.text.truncate(length),
            None if encoded.contains(&b',') => return Err(UserPassError::SeveralCredentials),
            None => return Err(UserPassError::Undecodable),
        }
        let bytes = self.text.as_slice();
        // That is UTF-8 in form C and without control characters, as nearly all of them are.
        if is_printable_ascii(bytes) {
            self.colon = colon_of(bytes, reading)?;
            return Ok(());
        }
        match str::from_utf8(bytes) {
            Ok(text) if !reading.nfc || is_nfc_quick(text.chars()) == IsNormalized::Yes => {
                self.colon = colon_of_text(text, reading)?;
            }
            text => {
                let text = rewritten(text.ok(), bytes, reading)?;
                self.colon = colon_of_text(&text, reading)?;
                self.text = SecretBytes::copy_of(text.as_bytes());
            }
        }
        Ok(())
    }

    /// The user-id: not empty, without colon and control characters.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.parts().0
    }

    /// The password: without control characters.
    #[must_use]
    pub fn password(&self) -> &str {
        self.parts().1
    }

    /// User-id and password.
    pub(crate) fn parts(&self) -> (&str, &str) {
        let text = str_of(self.text.as_slice());
        let (user_id, rest) = text.split_at_checked(self.colon).unwrap_or_default();
        (user_id, rest.get(1..).unwrap_or_default())
    }
}

/// Text that has been checked before; anything else is the empty text, which no user-id is.
fn str_of(checked: &[u8]) -> &str {
    str::from_utf8(checked).unwrap_or_default()
}

/// Where the first colon is, in a text that can be used.
fn colon_of_text(text: &str, reading: &Reading) -> Result<usize, UserPassError> {
    let colon = colon_of(text.as_bytes(), reading)?;
    if has_control_character(text) {
        return Err(UserPassError::ControlCharacter);
    }
    Ok(colon)
}

/// Where the first colon is, in what can be used unless it holds control characters.
fn colon_of(text: &[u8], reading: &Reading) -> Result<usize, UserPassError> {
    let Some(colon) = text.iter().position(|&byte| byte == b':') else {
        return Err(UserPassError::NoColon);
    };
    let password_length = text.len() - colon - 1;
    if colon == 0 {
        return Err(UserPassError::EmptyUserId);
    }
    if password_length == 0 && !reading.empty_password {
        return Err(UserPassError::EmptyPassword);
    }
    if password_length > reading.max_password_length {
        return Err(UserPassError::PasswordTooLong);
    }
    Ok(colon)
}

/// What `bytes` say, of which `text` is the reading as UTF-8, in the form that is asked for.
#[cold]
fn rewritten(
    text: Option<&str>,
    bytes: &[u8],
    reading: &Reading,
) -> Result<Zeroizing<String>, UserPassError> {
    let latin1;
    let text = match text {
        Some(text) => text,
        None if reading.latin1 => {
            latin1 = Zeroizing::new(latin1_text(bytes));
            latin1.as_str()
        }
        None => return Err(UserPassError::Undecodable),
    };
    let rewritten = if reading.nfc { text.nfc().collect() } else { text.to_owned() };
    Ok(Zeroizing::new(rewritten))
}

/// Latin-1 is the first 256 code points of Unicode. The room is reserved first, so that no copy
/// is left behind by a growing string.
fn latin1_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().map(|&byte| char::from(byte)));
    text
}

#[cfg(test)]
mod tests {
    use ::base64::{Engine as _, engine::general_purpose::STANDARD};

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
        assert_eq!(shown, "Ok(UserPass { text: SecretBytes(..), colon: 5 })");
    }
}
