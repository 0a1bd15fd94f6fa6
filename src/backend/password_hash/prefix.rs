//! The prefix of a stored password, which determines its kind.

use super::{HashKind, PasswordHashError};

/// Prefixes that belong to a hash.
const OWN: [(&str, HashKind); 9] = [
    ("$2y$", HashKind::Bcrypt),
    ("$2b$", HashKind::Bcrypt),
    ("$2a$", HashKind::Bcrypt),
    ("$5$", HashKind::Sha256Crypt),
    ("$6$", HashKind::Sha512Crypt),
    ("$argon2", HashKind::Argon2),
    ("$y$", HashKind::Yescrypt),
    ("$apr1$", HashKind::Apr1),
    ("$1$", HashKind::Md5Crypt),
];

/// Prefixes in braces that belong to a hash. Their case is ignored.
const OWN_IN_BRACES: [(&str, HashKind); 5] = [
    ("{SHA}", HashKind::Sha1),
    ("{SSHA}", HashKind::SaltedSha1),
    ("{SSHA256}", HashKind::SaltedSha256),
    ("{SSHA512}", HashKind::SaltedSha512),
    ("{PLAIN}", HashKind::PlainText),
];

/// Prefixes that Dovecot and OpenLDAP put before a hash with its own prefix, and the own prefixes
/// that may follow. The case of names in braces is ignored.
const BEFORE_OTHERS: [(&str, &[&str]); 8] = [
    ("{BLF-CRYPT}", &["$2y$", "$2b$", "$2a$"]),
    ("{SHA256-CRYPT}", &["$5$"]),
    ("{SHA512-CRYPT}", &["$6$"]),
    ("{MD5-CRYPT}", &["$1$"]),
    ("{ARGON2ID}", &["$argon2id$"]),
    ("{ARGON2I}", &["$argon2i$"]),
    ("{ARGON2}", &["$argon2id$", "$argon2i$", "$argon2d$"]),
    ("{CRYPT}", &["$2y$", "$2b$", "$2a$", "$5$", "$6$", "$y$", "$1$"]),
];

/// The kind of a stored password, and the text after its prefixes.
///
/// # Errors
/// No text, a kind that no policy accepts, or a prefix before a hash of another kind.
pub(super) fn split(text: &str) -> Result<(HashKind, &str), PasswordHashError> {
    let Some((prefix, fitting, rest)) = find(&BEFORE_OTHERS, text, strip_ignoring_case) else {
        return split_own(text);
    };
    let inner = split_own(rest)?;
    let fits = fitting.iter().any(|own| rest.starts_with(own));
    fits.then_some(inner).ok_or(PasswordHashError::OtherPrefix { prefix })
}

/// The same for a text without a prefix of [`BEFORE_OTHERS`].
fn split_own(text: &str) -> Result<(HashKind, &str), PasswordHashError> {
    if let Some(what) = never_accepted(text) {
        return Err(PasswordHashError::Unsupported { what });
    }
    if text.is_empty() {
        return Err(PasswordHashError::Empty);
    }
    if let Some((_, kind, rest)) = find(&OWN, text, |text, own| text.strip_prefix(own)) {
        return Ok((kind, rest));
    }
    if let Some((_, kind, rest)) = find(&OWN_IN_BRACES, text, strip_ignoring_case) {
        return if rest.is_empty() { Err(PasswordHashError::Empty) } else { Ok((kind, rest)) };
    }
    // A truncated or mistyped hash must not become a plain password.
    if text.starts_with(['$', '{']) {
        return Err(PasswordHashError::Unsupported { what: "of an unknown kind" });
    }
    Ok((HashKind::PlainText, text))
}

/// The first prefix that `strip` finds, its value in the table, and the rest of the text.
fn find<'a, T: Copy>(
    table: &[(&'static str, T)],
    text: &'a str,
    strip: impl Fn(&'a str, &str) -> Option<&'a str>,
) -> Option<(&'static str, T, &'a str)> {
    table.iter().find_map(|&(prefix, value)| Some((prefix, value, strip(text, prefix)?)))
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Names the kind of a stored password that no policy accepts.
fn never_accepted(text: &str) -> Option<&'static str> {
    const NEVER: [(&str, &str); 7] = [
        // The rest is not a password.
        ("!", "the mark of a locked account"),
        ("*", "the mark of a locked account"),
        ("$2x$", "bcrypt of the broken kind $2x$"),
        ("$2$", "bcrypt of the first kind $2$"),
        ("$3$", "NT hash"),
        ("$7$", "scrypt"),
        ("$gy$", "gost-yescrypt"),
    ];
    if is_des_crypt(text) {
        return Some("DES crypt");
    }
    NEVER.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|&(_, what)| what)
}

/// Two characters of salt and eleven of hash; or an underscore, eight and eleven.
fn is_des_crypt(text: &str) -> bool {
    let characters = text.strip_prefix('_').unwrap_or(text);
    let length = if text.starts_with('_') { 19 } else { 13 };
    let of_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    characters.len() == length && characters.bytes().all(of_alphabet)
}
