//! The kinds of stored passwords.

use std::fmt;

/// A kind of stored password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashKind {
    /// bcrypt: `$2y$`, `$2b$` or `$2a$`.
    Bcrypt,
    /// SHA-crypt with SHA-256: `$5$`.
    Sha256Crypt,
    /// SHA-crypt with SHA-512: `$6$`.
    Sha512Crypt,
    /// Argon2 as a PHC string: `$argon2id$`, `$argon2i$` or `$argon2d$`.
    Argon2,
    /// yescrypt: `$y$`, the default of Debian, Fedora and others.
    Yescrypt,
    /// Apache's thousand rounds of MD5: `$apr1$`. Weak.
    Apr1,
    /// A thousand rounds of MD5, as in crypt(3): `$1$`. Weak.
    Md5Crypt,
    /// One round of SHA-1 without a salt: `{SHA}`. Very weak.
    Sha1,
    /// One round of SHA-1 with a salt: `{SSHA}`. Very weak.
    SaltedSha1,
    /// One round of SHA-256 with a salt: `{SSHA256}`. Very weak.
    SaltedSha256,
    /// One round of SHA-512 with a salt: `{SSHA512}`. Very weak.
    SaltedSha512,
    /// The password itself, also after `{PLAIN}`. No protection at all.
    PlainText,
}

impl HashKind {
    pub(super) const EACH: [Self; 12] = [
        Self::Bcrypt,
        Self::Sha256Crypt,
        Self::Sha512Crypt,
        Self::Argon2,
        Self::Yescrypt,
        Self::Apr1,
        Self::Md5Crypt,
        Self::Sha1,
        Self::SaltedSha1,
        Self::SaltedSha256,
        Self::SaltedSha512,
        Self::PlainText,
    ];

    /// The name, for options and messages: `bcrypt`, `sha256-crypt`, `sha512-crypt`, `argon2`,
    /// `yescrypt`, `apr1`, `md5-crypt`, `sha`, `ssha`, `ssha256`, `ssha512` or `plain`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bcrypt => "bcrypt",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::Argon2 => "argon2",
            Self::Yescrypt => "yescrypt",
            Self::Apr1 => "apr1",
            Self::Md5Crypt => "md5-crypt",
            Self::Sha1 => "sha",
            Self::SaltedSha1 => "ssha",
            Self::SaltedSha256 => "ssha256",
            Self::SaltedSha512 => "ssha512",
            Self::PlainText => "plain",
        }
    }

    /// The kind of that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a stolen hash of this kind reveals most passwords within hours, or at once. Weak
    /// kinds are read only if [the policy allows them](super::HashPolicy::allow_kind).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        match self {
            Self::Bcrypt
            | Self::Sha256Crypt
            | Self::Sha512Crypt
            | Self::Argon2
            | Self::Yescrypt => false,
            Self::Apr1
            | Self::Md5Crypt
            | Self::Sha1
            | Self::SaltedSha1
            | Self::SaltedSha256
            | Self::SaltedSha512
            | Self::PlainText => true,
        }
    }

    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in HashKind::EACH {
            assert_eq!(HashKind::from_name(&kind.to_string()), Some(kind));
        }
        assert_eq!(HashKind::from_name("des"), None);
        assert_eq!(HashKind::from_name(""), None);
    }
}
