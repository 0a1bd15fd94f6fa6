//! The hash functions of Digest.

use std::{fmt, str::FromStr};

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use super::hash::Hash;

/// A hash function of Digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashFunction {
    /// SHA-256.
    Sha256,
    /// SHA-512/256: SHA-512 with its own initial values, truncated to 256 bits.
    Sha512_256,
    /// MD5, for clients that support nothing better.
    Md5,
}

/// A text that does not name a hash function of Digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected md5, sha-256 or sha-512-256")]
pub struct UnknownHashFunction;

impl HashFunction {
    /// All hash functions, the most preferred first.
    pub const ALL: &'static [Self] = &[Self::Sha256, Self::Sha512_256, Self::Md5];

    /// Returns the length of a hash in bytes: 16 or 32.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 | Self::Sha512_256 => 32,
        }
    }

    /// Hashes `fields`, joined by colons.
    pub(crate) fn hash(self, fields: &[&[u8]]) -> Hash {
        match self {
            Self::Md5 => hash_joined::<Md5>(fields),
            Self::Sha256 => hash_joined::<Sha256>(fields),
            Self::Sha512_256 => hash_joined::<Sha512_256>(fields),
        }
    }
}

fn hash_joined<D: Digest>(fields: &[&[u8]]) -> Hash {
    let mut hasher = D::new();
    let mut separator: &[u8] = b"";
    for field in fields {
        hasher.update(separator);
        hasher.update(field);
        separator = b":";
    }
    Hash::new(&hasher.finalize())
}

/// Reads a name as `Display` writes it, ignoring case.
impl FromStr for HashFunction {
    type Err = UnknownHashFunction;

    fn from_str(name: &str) -> Result<Self, UnknownHashFunction> {
        let mut all = Self::ALL.iter().copied();
        all.find(|one| one.to_string().eq_ignore_ascii_case(name)).ok_or(UnknownHashFunction)
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_that_it_shows() {
        for &function in HashFunction::ALL {
            let name = function.to_string();
            assert_eq!(name.parse(), Ok(function));
            assert_eq!(name.to_lowercase().parse(), Ok(function));
        }
        for name in ["", "sha", "sha256", "md5 "] {
            assert_eq!(name.parse::<HashFunction>(), Err(UnknownHashFunction), "{name}");
        }
    }

    #[test]
    fn lists_functions_in_the_order_of_the_offer() {
        assert!(HashFunction::ALL.is_sorted());
    }

    #[test]
    fn hashes_the_test_vectors_of_the_standards() {
        let table = [
            (HashFunction::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (
                HashFunction::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashFunction::Sha512_256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ];
        for (function, expected) in table {
            let hash = function.hash(&[b"abc"]);
            assert_eq!(hash.as_bytes().len(), function.length());
            assert_eq!(hash.to_hex().as_str(), expected, "{function}");
        }
    }

    #[test]
    fn joins_fields_with_colons() {
        for &function in HashFunction::ALL {
            let joined = function.hash(&[b"a", b"", b"bc"]);
            assert_eq!(joined.as_bytes(), function.hash(&[b"a::bc"]).as_bytes(), "{function}");
        }
    }
}
