//! The Basic scheme, [RFC 7617].
//!
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617

use std::{fmt, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderValue;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Realm, latin1::decode_text};
use crate::reason::Reason;

/// The name of the scheme.
pub(crate) const NAME: &str = "Basic";

/// Returns the challenge for `realm`, with `charset="UTF-8"`.
///
/// `None` cannot occur, because every character of a [`Realm`] is valid in a field value.
pub(crate) fn challenge(realm: &Realm) -> Option<HeaderValue> {
    let text = ["Basic realm=\"", realm.as_str(), "\", charset=\"UTF-8\""].concat();
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}

/// Options of decoding. The default is the strictest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeOptions {
    /// Whether user-id and password are normalized to Unicode NFC.
    pub(crate) nfc: bool,
    /// Whether the password may be empty.
    pub(crate) empty_password: bool,
    /// The maximum length of a password in bytes of UTF-8.
    pub(crate) max_password_length: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { nfc: false, empty_password: false, max_password_length: 4_096 }
    }
}

/// The user-id and password of a client, decoded. Wiped when dropped.
pub(crate) struct UserPass {
    text: Zeroizing<String>,
    colon: usize,
}

impl UserPass {
    /// Decodes the credentials that follow the scheme in `Proxy-Authorization`. With `latin1`,
    /// text that is not UTF-8 is read as Latin-1.
    ///
    /// # Errors
    /// Returns why the credentials cannot be used.
    pub(crate) fn decode(
        encoded: &[u8],
        latin1: bool,
        options: &DecodeOptions,
    ) -> Result<Self, Reason> {
        // `decode_vec` allocates once, so no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::new());
        if STANDARD.decode_vec(encoded, &mut bytes).is_err() {
            return Err(match encoded.contains(&b',') {
                // A second set of credentials follows.
                true => Reason::Malformed,
                false => Reason::Undecodable,
            });
        }
        let text = decode_text(mem::take(&mut bytes), latin1);
        let mut text = Zeroizing::new(text.ok_or(Reason::Undecodable)?);
        if options.nfc {
            text = normalize(&text);
        }
        let colon = text.find(':').ok_or(Reason::Undecodable)?;
        let decoded = Self { text, colon };
        decoded.check(options)?;
        Ok(decoded)
    }

    /// Returns the user-id, which is not empty and has neither colon nor control characters.
    pub(crate) fn user_id(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// Returns the password, which has no control characters.
    pub(crate) fn password(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    fn check(&self, options: &DecodeOptions) -> Result<(), Reason> {
        if self.user_id().is_empty() {
            return Err(Reason::EmptyUserId);
        }
        if self.password().is_empty() && !options.empty_password {
            return Err(Reason::EmptyPassword);
        }
        if self.password().len() > options.max_password_length {
            return Err(Reason::PasswordTooLong);
        }
        if self.text.contains(char::is_control) {
            return Err(Reason::ControlCharacter);
        }
        Ok(())
    }
}

impl fmt::Debug for UserPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPass(..)")
    }
}

fn normalize(text: &str) -> Zeroizing<String> {
    // In UTF-8, NFC is at most three times as long, so the string does not grow and leaves no copy
    // behind.
    let mut normalized = Zeroizing::new(String::with_capacity(3 * text.len()));
    normalized.extend(text.nfc());
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn decode(encoded: &str) -> Result<(String, String), Reason> {
        decode_with(encoded.as_bytes(), &DecodeOptions::default())
    }

    fn decode_with(encoded: &[u8], options: &DecodeOptions) -> Result<(String, String), Reason> {
        owned(UserPass::decode(encoded, false, options)?)
    }

    fn owned(pair: UserPass) -> Result<(String, String), Reason> {
        Ok((pair.user_id().to_owned(), pair.password().to_owned()))
    }

    fn pair(user_id: &str, password: &str) -> Result<(String, String), Reason> {
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
    fn requires_strict_base64() {
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
            assert_eq!(decode(encoded), Err(Reason::Undecodable), "{name}");
        }
    }

    #[test]
    fn refuses_unusable_credentials() {
        let table = [
            ("", Reason::Undecodable),
            ("alice", Reason::Undecodable),
            (":wonder", Reason::EmptyUserId),
            (":", Reason::EmptyUserId),
            ("alice:", Reason::EmptyPassword),
            ("alice:won\0der", Reason::ControlCharacter),
            ("alice:wonder\r\n", Reason::ControlCharacter),
            ("al\tice:wonder", Reason::ControlCharacter),
            ("alice:\u{7f}", Reason::ControlCharacter),
            ("alice:\u{85}", Reason::ControlCharacter),
        ];
        for (user_pass, error) in table {
            assert_eq!(decode(&STANDARD.encode(user_pass)), Err(error), "{user_pass:?}");
        }
        assert_eq!(decode("YTpi,YTpi"), Err(Reason::Malformed));
    }

    #[test]
    fn accepts_an_empty_password_by_option() {
        let options = DecodeOptions { empty_password: true, ..DecodeOptions::default() };
        assert_eq!(decode_with(b"YWxpY2U6", &options), pair("alice", ""));
        assert_eq!(decode_with(b"OndvbmRlcg==", &options), Err(Reason::EmptyUserId));
    }

    #[test]
    fn limits_the_length_of_the_password() {
        let long = |length: usize| STANDARD.encode(format!("alice:{}", "x".repeat(length)));
        assert_eq!(decode(&long(4_096)), pair("alice", &"x".repeat(4_096)));
        assert_eq!(decode(&long(4_097)), Err(Reason::PasswordTooLong));
        let options = DecodeOptions { max_password_length: 1, ..DecodeOptions::default() };
        assert_eq!(decode_with(b"YWxpY2U6eA==", &options), pair("alice", "x"));
        assert_eq!(decode_with(b"YWxpY2U6eHk=", &options), Err(Reason::PasswordTooLong));
    }

    #[test]
    fn reads_latin_1_by_option_and_utf_8_first() {
        let latin1 = STANDARD.encode(b"J\xe4son:p\xe4ss");
        let utf8 = STANDARD.encode("J\u{e4}son:p\u{e4}ss");
        let decode_latin1 = |encoded: &str| {
            let pair = UserPass::decode(encoded.as_bytes(), true, &DecodeOptions::default());
            pair.and_then(owned)
        };
        assert_eq!(decode(&latin1), Err(Reason::Undecodable));
        assert_eq!(decode_latin1(&latin1), pair("J\u{e4}son", "p\u{e4}ss"));
        assert_eq!(decode_latin1(&utf8), pair("J\u{e4}son", "p\u{e4}ss"));
        let control = STANDARD.encode(b"J\x85son:p\xe4ss");
        assert_eq!(decode_latin1(&control), Err(Reason::ControlCharacter));
    }

    #[test]
    fn normalizes_to_nfc_by_option() {
        let decomposed = STANDARD.encode("J\u{61}\u{308}son:p\u{61}\u{308}ss");
        assert_eq!(decode(&decomposed), pair("J\u{61}\u{308}son", "p\u{61}\u{308}ss"));
        let options = DecodeOptions { nfc: true, ..DecodeOptions::default() };
        assert_eq!(decode_with(decomposed.as_bytes(), &options), pair("J\u{e4}son", "p\u{e4}ss"));
        assert_eq!(decode_with(b"YTpi", &options), pair("a", "b"));
    }

    #[test]
    fn splits_after_normalization() {
        // U+037E shows that NFC can yield ASCII; no character yields a colon.
        let encoded = STANDARD.encode("a\u{37e}:b");
        let options = DecodeOptions { nfc: true, ..DecodeOptions::default() };
        assert_eq!(decode_with(encoded.as_bytes(), &options), pair("a;", "b"));
    }

    #[test]
    fn challenges_with_realm_and_charset() {
        let realm = Realm::new("corp proxy").unwrap();
        assert_eq!(challenge(&realm).unwrap(), "Basic realm=\"corp proxy\", charset=\"UTF-8\"");
    }

    #[test]
    fn debug_shows_no_credentials() {
        let shown = format!(
            "{:?}",
            UserPass::decode(b"YWxpY2U6d29uZGVy", false, &DecodeOptions::default())
        );
        assert_eq!(shown, "Ok(UserPass(..))");
    }
}
