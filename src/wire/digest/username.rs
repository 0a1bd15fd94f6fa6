//! The user name in credentials.
//!
//! Many clients do not escape quotes and backslashes in the name: they put the raw name between the
//! quotes and hash the raw name. Others percent-encode non-ASCII characters and hash the decoded
//! name. So one `username` can be read in up to three ways, and each is tried.

use super::{
    CredentialsError, HashFunction, Userhash,
    parameters::{Name, Parameters},
};
use crate::{
    grammar::{Value, decode_ext_value, percent_decode},
    wire::latin1::decode_text,
};

/// The user that credentials name.
pub(crate) enum Username {
    /// The names that the client may have meant, in the order in which they are tried: unescaped,
    /// as sent, percent-decoded. `None` if a name is not a valid user-id or repeats another.
    Names([Option<String>; 3]),
    /// The hash of the name.
    Userhash(Userhash),
}

impl Username {
    pub(super) fn parse(
        parameters: &Parameters<'_>,
        function: HashFunction,
        latin1: bool,
    ) -> Result<Self, CredentialsError> {
        let plain = parameters.get(Name::Username);
        let extended = parameters.get(Name::UsernameExtended);
        match (plain, extended, is_hashed(parameters)?) {
            (None, None, _) => Err(CredentialsError::Missing("username")),
            (Some(_), Some(_), _) | (None, Some(_), true) => {
                Err(CredentialsError::Improper("username*"))
            }
            (Some(value), None, true) => Userhash::from_hex(function, &parameters.text(value))
                .map(Self::Userhash)
                .ok_or(CredentialsError::Improper("username")),
            (Some(value), None, false) => {
                readings(value, parameters.field(), latin1).map(Self::Names)
            }
            (None, Some(value), false) => match decode_ext_value(parameters.field(), value)? {
                name if name.is_empty() => Err(CredentialsError::Improper("username*")),
                name => Ok(Self::Names([Some(name), None, None])),
            },
        }
    }
}

fn is_hashed(parameters: &Parameters<'_>) -> Result<bool, CredentialsError> {
    let Some(value) = parameters.get(Name::Userhash) else { return Ok(false) };
    if value.eq_ignore_ascii_case("true", parameters.field()) {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false", parameters.field()) {
        Ok(false)
    } else {
        Err(CredentialsError::Improper("userhash"))
    }
}

/// Reads a `username` in every way, the first of which must be a valid user-id.
fn readings(
    value: Value,
    field: &[u8],
    latin1: bool,
) -> Result<[Option<String>; 3], CredentialsError> {
    let unescaped = value.unescaped(field).into_owned();
    let as_sent = value.has_escapes().then(|| value.raw(field).to_vec());
    let is_encoded = unescaped.contains(&b'%');
    let decoded = is_encoded.then(|| percent_decode(&unescaped)).flatten();
    Ok([
        Some(user_id(unescaped, latin1)?),
        as_sent.and_then(|name| user_id(name, latin1).ok()),
        decoded.and_then(|name| user_id(name, false).ok()),
    ])
}

/// Decodes a name and checks that it is a valid user-id.
fn user_id(bytes: Vec<u8>, latin1: bool) -> Result<String, CredentialsError> {
    let name = decode_text(bytes, latin1).ok_or(CredentialsError::UndecodableUserId)?;
    if name.is_empty() {
        return Err(CredentialsError::EmptyUserId);
    }
    if name.contains(char::is_control) {
        return Err(CredentialsError::ControlCharacter);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Credentials,
            sample::{PREFIX, Sample, is_right, realm},
        },
        *,
    };
    use crate::grammar::{SyntaxError, SyntaxErrorKind};

    #[track_caller]
    fn names(sample: &Sample) -> [Option<String>; 3] {
        match sample.clone().username() {
            Username::Names(names) => names,
            Username::Userhash(_) => panic!("a hash"),
        }
    }

    #[test]
    fn refuses_two_kinds_of_name_at_once() {
        let extended = |value: &str| Sample::new().without("username").and("username*", value);
        let both = Sample::new().and("username*", "UTF-8''Mufasa");
        assert_eq!(both.error(), CredentialsError::Improper("username*"));
        let hashed = extended("UTF-8''Mufasa").and("userhash", "true");
        assert_eq!(hashed.error(), CredentialsError::Improper("username*"));
        let all = Sample::new().and("username*", "UTF-8''Mufasa").and("userhash", "true");
        assert_eq!(all.error(), CredentialsError::Improper("username*"));
        let unnamed = Sample::new().without("username").and("userhash", "true");
        assert_eq!(unnamed.error(), CredentialsError::Missing("username"));
        let empty = extended("UTF-8''");
        assert_eq!(empty.error(), CredentialsError::Improper("username*"));

        let named = extended("utf-8'en'J%C3%A4s%c3%b8n%20100%25");
        assert_eq!(names(&named), [Some("J\u{e4}s\u{f8}n 100%".to_owned()), None, None]);
        assert!(is_right(&named.parse()));
    }

    #[test]
    fn refuses_a_malformed_extended_name() {
        let table = [
            ("ISO-8859-1''J%E4son", SyntaxErrorKind::UnknownCharset, 0),
            ("Mufasa", SyntaxErrorKind::ExpectedCharset, 6),
            ("UTF-8''%zz", SyntaxErrorKind::InvalidEscape, 7),
            ("UTF-8''a%00", SyntaxErrorKind::ControlCharacter, 7),
            ("UTF-8''%C0%AF", SyntaxErrorKind::InvalidUtf8, 7),
        ];
        for (value, kind, position) in table {
            let others = format!("realm=r, nonce=n, uri=\"/\", response={}", "0".repeat(32));
            let field = format!("{PREFIX}{others}, username*={value}");
            let start = field.len() - value.len();
            let field = field.try_into().unwrap();
            let parsed = Credentials::parse(field, PREFIX.len(), false, 32);
            let error = parsed.err().unwrap();
            let expected = SyntaxError::new(kind, start + position);
            assert_eq!(error, CredentialsError::Syntax(expected), "{value}");
        }
    }

    #[test]
    fn reads_a_userhash_of_the_right_length() {
        let hash = "4238f3a16167373febb9bc4d43db9cc4";
        let sent = |name: &str| Sample::new().with("username", name).and("userhash", "TRUE");
        for name in [format!("\"{hash}\""), hash.to_uppercase()] {
            assert!(is_right(&sent(&name).parse()));
            let Username::Userhash(read) = sent(&name).username() else { panic!("a name") };
            assert_eq!(read, Userhash::new(HashFunction::Md5, "Mufasa", &realm()));
        }
        for name in ["Mufasa", &hash[1..], &hash.repeat(2)] {
            assert_eq!(sent(name).error(), CredentialsError::Improper("username"), "{name}");
        }
    }

    #[test]
    fn reads_a_plain_name_in_every_way() {
        type Names = [Option<&'static str>; 3];
        let table: [(&str, Names); 8] = [
            ("Mufasa", [Some("Mufasa"), None, None]),
            ("J\u{e4}son Doe", [Some("J\u{e4}son Doe"), None, None]),
            (r"dom\alice", [Some("domalice"), Some(r"dom\alice"), None]),
            ("J%C3%A4son", [Some("J%C3%A4son"), None, Some("J\u{e4}son")]),
            ("J%c3%a4son", [Some("J%c3%a4son"), None, Some("J\u{e4}son")]),
            (r"a\%41", [Some("a%41"), Some(r"a\%41"), Some("aA")]),
            ("a\\\u{e9}", [Some("a\u{e9}"), Some("a\\\u{e9}"), None]),
            ("100%25", [Some("100%25"), None, Some("100%")]),
        ];
        for (value, expected) in table {
            let names = names(&Sample::new().with("username", format!("\"{value}\"")));
            assert_eq!(names.each_ref().map(Option::as_deref), expected, "{value}");
        }
    }

    #[test]
    fn skips_a_percent_decoded_name_that_is_invalid() {
        for value in ["100%", "%", "%4", "%zz", "%4z", "%E4", "a%00", "%0d%0a"] {
            let names = names(&Sample::new().with("username", format!("\"{value}\"")));
            assert_eq!(names.each_ref().map(Option::as_deref), [Some(value), None, None]);
        }
    }

    #[test]
    fn refuses_names_that_are_not_user_ids() {
        let table = [
            (b"".as_slice(), CredentialsError::EmptyUserId),
            (b"a\tb", CredentialsError::ControlCharacter),
            ("J\\\u{85}".as_bytes(), CredentialsError::ControlCharacter),
            (b"J\xe4son", CredentialsError::UndecodableUserId),
        ];
        for (name, error) in table {
            let value = [b"\"", name, b"\""].concat();
            let sample = Sample::new().with("username", value);
            assert_eq!(sample.error(), error, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn reads_latin_1_if_allowed() {
        let table = [
            (b"J\xe4son".as_slice(), ["J\u{e4}son"].as_slice()),
            ("J\u{e4}son".as_bytes(), &["J\u{e4}son"]),
            (b"a\\\xe4", &["a\u{e4}", "a\\\u{e4}"]),
            (b"%E4", &["%E4"]),
        ];
        for (name, expected) in table {
            let value = [b"\"", name, b"\""].concat();
            let parsed = Sample::new().with("username", value).try_parse(true, 32);
            let Ok((_, Username::Names(names))) = parsed else { panic!("no name") };
            assert!(names.iter().flatten().eq(expected), "{}", name.escape_ascii());
        }
    }
}
