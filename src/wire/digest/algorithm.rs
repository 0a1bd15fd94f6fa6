//! Algorithms by their names in the protocol.

use std::fmt;

use super::HashFunction;

/// The value of the `algorithm` parameter, [RFC 7616, section 3.3].
///
/// Ordered by preference: SHA-256, SHA-512-256, MD5, each followed by its `-sess` variant. That is
/// the order in which they are offered, because real clients depend on it.
///
/// [RFC 7616, section 3.3]: https://www.rfc-editor.org/rfc/rfc7616#section-3.3
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `SHA-256`, mandatory to implement.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`, by option: browsers do not know it.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
    /// `MD5`, for old clients.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
}

impl Algorithm {
    const EACH: [Self; 6] = [
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512_256,
        Self::Sha512_256Sess,
        Self::Md5,
        Self::Md5Sess,
    ];

    /// All of them, the most preferred first.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::EACH.into_iter()
    }

    /// The name as it stands in a challenge, in exactly this case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
        }
    }

    /// The algorithm of that name, in whatever case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|one| one.as_str().eq_ignore_ascii_case(name))
    }

    /// The hash function.
    #[must_use]
    pub const fn hash_function(self) -> HashFunction {
        match self {
            Self::Sha256 | Self::Sha256Sess => HashFunction::Sha256,
            Self::Sha512_256 | Self::Sha512_256Sess => HashFunction::Sha512_256,
            Self::Md5 | Self::Md5Sess => HashFunction::Md5,
        }
    }

    /// Whether A1 takes in nonce and cnonce.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(self, Self::Sha256Sess | Self::Sha512_256Sess | Self::Md5Sess)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_printed_in_one() {
        for algorithm in Algorithm::all() {
            let name = algorithm.as_str();
            assert_eq!(Algorithm::from_name(&name.to_lowercase()), Some(algorithm));
            assert_eq!(algorithm.to_string(), name);
            assert_eq!(algorithm.is_session(), name.ends_with("-sess"));
            assert_eq!(
                algorithm.hash_function().to_string(),
                name.trim_end_matches("-sess"),
                "{name}"
            );
        }
        assert_eq!(Algorithm::from_name("SHA-512"), None);
        assert_eq!(Algorithm::from_name(""), None);
    }

    #[test]
    fn the_order_is_the_order_of_the_offer() {
        assert!(Algorithm::all().is_sorted());
    }
}
