//! The `algorithm` parameter.

use std::fmt;

use super::HashFunction;

/// The value of the `algorithm` parameter, [RFC 7616, section 3.3].
///
/// Ordered by preference: SHA-256, SHA-512-256, MD5, each followed by its `-sess` variant. Most
/// clients need challenges in this order.
///
/// # Security
/// Prefer algorithms without `-sess`: the key of a session equals a response without `qop`. An
/// attacker who changes a challenge so that the client sends such a response can compute responses
/// for other requests from it.
///
/// [RFC 7616, section 3.3]: https://www.rfc-editor.org/rfc/rfc7616#section-3.3
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `SHA-256`, mandatory to implement.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`, which browsers do not support.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
    /// `MD5`, for old clients.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
}

impl Algorithm {
    /// All algorithms, the most preferred first.
    pub const ALL: &'static [Self] = &[
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512_256,
        Self::Sha512_256Sess,
        Self::Md5,
        Self::Md5Sess,
    ];

    /// Returns the name, in the case in which it is sent in challenges.
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

    /// Returns the algorithm with this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(name))
    }

    /// Returns the hash function.
    #[must_use]
    pub const fn hash_function(self) -> HashFunction {
        match self {
            Self::Sha256 | Self::Sha256Sess => HashFunction::Sha256,
            Self::Sha512_256 | Self::Sha512_256Sess => HashFunction::Sha512_256,
            Self::Md5 | Self::Md5Sess => HashFunction::Md5,
        }
    }

    /// Returns whether nonce and cnonce are part of A1, as in the `-sess` variants.
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
    fn reads_names_in_any_case_and_prints_one() {
        for &algorithm in Algorithm::ALL {
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
    fn lists_algorithms_in_the_order_of_the_offer() {
        assert!(Algorithm::ALL.is_sorted());
    }
}
