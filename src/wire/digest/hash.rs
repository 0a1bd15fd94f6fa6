//! The hash functions that Digest is computed with.

use std::fmt;

use zeroize::Zeroize;

use super::{
    compression::{Compression, Md5, Sha256, Sha512_256},
    message::Message,
};
use crate::hex;

/// A hash function that Digest is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashFunction {
    /// SHA-256.
    Sha256,
    /// SHA-512/256: SHA-512 with its own initial values, cut to 256 bits.
    Sha512_256,
    /// MD5, for clients that know nothing better.
    Md5,
}

impl HashFunction {
    pub(crate) const EACH: [Self; 3] = [Self::Sha256, Self::Sha512_256, Self::Md5];

    /// All of them, the most preferred first.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::EACH.into_iter()
    }

    /// The length of a hash: 16 or 32 bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 | Self::Sha512_256 => 32,
        }
    }

    /// The hash of fields, with colons between them.
    pub(crate) fn hash(self, first: &[u8], others: &[&[u8]]) -> Hash {
        fn run<C: Compression>(first: &[u8], others: &[&[u8]]) -> Hash {
            let mut message = Message::<C>::new();
            message.begin(first);
            others.iter().for_each(|field| message.add(field));
            message.hash()
        }
        match self {
            Self::Md5 => run::<Md5>(first, others),
            Self::Sha256 => run::<Sha256>(first, others),
            Self::Sha512_256 => run::<Sha512_256>(first, others),
        }
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

/// A set of hash functions.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{digest::{HashFunction, HashFunctions}};
///
/// let held = HashFunctions::NONE.with(HashFunction::Md5);
/// assert!(held.contains(HashFunction::Md5));
/// assert!(!held.contains(HashFunction::Sha256));
/// assert_eq!(held.to_string(), "MD5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashFunctions(u8);

impl HashFunctions {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self::NONE
        .with(HashFunction::Sha256)
        .with(HashFunction::Sha512_256)
        .with(HashFunction::Md5);

    /// The set with one more member.
    #[must_use]
    pub const fn with(self, function: HashFunction) -> Self {
        Self(self.0 | Self::bit(function))
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the function is a member.
    #[must_use]
    pub const fn contains(self, function: HashFunction) -> bool {
        self.0 & Self::bit(function) != 0
    }

    const fn bit(function: HashFunction) -> u8 {
        match function {
            HashFunction::Sha256 => 1,
            HashFunction::Sha512_256 => 2,
            HashFunction::Md5 => 4,
        }
    }
}

impl fmt::Display for HashFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for function in HashFunction::all().filter(|&one| self.contains(one)) {
            write!(f, "{separator}{function}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// A hash: 16 or 32 bytes. Where it is as good as a password it is kept in [`Zeroizing`], but
/// copies that the hash functions make on their stacks are out of reach.
///
/// [`Zeroizing`]: zeroize::Zeroizing
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl Hash {
    const MAX: usize = 32;

    /// What the state of a hash function comes to.
    pub(super) fn of_state<C: Compression>(state: &C::State) -> Self {
        let mut hash = Self { bytes: [0; Self::MAX], length: C::HASH };
        C::write(state, &mut hash.bytes);
        hash
    }

    /// Reads as many hex digits as a hash of `function` has, in either case.
    pub(crate) fn from_hex(function: HashFunction, digits: &[u8]) -> Option<Self> {
        let mut hash = Self { bytes: [0; Self::MAX], length: function.length() };
        let bytes = hash.bytes.get_mut(..hash.length)?;
        hex::decode(digits, bytes).then_some(hash)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// In lower-case hex, as it goes into another hash or over the wire.
    pub(crate) fn to_hex(self) -> Hex {
        let mut hex = Hex { digits: [0; Hex::WORDS], length: 2 * self.length };
        hex::encode(&self.bytes, bytemuck::bytes_of_mut(&mut hex.digits));
        hex
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

/// A hash in lower-case hex.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    /// As words, which are wiped in an eighth of the time that bytes take.
    digits: [u64; Self::WORDS],
    length: usize,
}

impl Hex {
    const WORDS: usize = 2 * Hash::MAX / size_of::<u64>();

    pub(crate) fn as_bytes(&self) -> &[u8] {
        bytemuck::bytes_of(&self.digits).get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Zeroize for Hash {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
    }
}

impl Zeroize for Hex {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Hash) -> String {
        hash.to_hex().as_str().to_owned()
    }

    #[test]
    fn the_order_is_the_order_of_the_offer() {
        assert!(HashFunction::all().is_sorted());
    }

    #[test]
    fn hashes_are_those_of_the_standards() {
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
            let hash = function.hash(b"abc", &[]);
            assert_eq!(hash.as_bytes().len(), function.length());
            assert_eq!(hex(hash), expected, "{function}");
            let joined = function.hash(b"a", &[b"", b"bc"]);
            assert_eq!(hex(joined), hex(function.hash(b"a::bc", &[])), "{function}");
        }
    }

    #[test]
    fn reads_hex_of_either_case_and_of_the_right_length_only() {
        let lower = "900150983cd24fb0d6963f7d28e17f72";
        let read = |text: &str| Hash::from_hex(HashFunction::Md5, text.as_bytes());
        assert_eq!(hex(read(lower).unwrap()), lower);
        assert_eq!(hex(read(&lower.to_uppercase()).unwrap()), lower);
        assert!(read(&lower[1..]).is_none());
        assert!(read(&format!("{lower}0")).is_none());
        assert!(read(&format!("{lower}00")).is_none());
        assert!(read(&lower.replace('9', "g")).is_none());
        assert!(read(&lower.replace('2', "g")).is_none());
        assert!(read("").is_none());
        assert!(Hash::from_hex(HashFunction::Sha256, lower.as_bytes()).is_none());
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        assert_eq!(HashFunctions::NONE.to_string(), "none");
        assert_eq!(HashFunctions::ALL.to_string(), "SHA-256, SHA-512-256, MD5");
        for function in HashFunction::all() {
            let alone = HashFunctions::NONE.with(function);
            assert_eq!(alone.to_string(), function.to_string());
            assert_eq!(alone.intersection(HashFunctions::ALL), alone);
            assert_eq!(alone.with(function), alone);
        }
        let (md5, sha) = (
            HashFunctions::NONE.with(HashFunction::Md5),
            HashFunctions::NONE.with(HashFunction::Sha256),
        );
        assert_eq!(md5.intersection(sha), HashFunctions::NONE);
    }

    #[test]
    fn debug_shows_no_hash() {
        assert_eq!(format!("{:?}", HashFunction::Md5.hash(b"", &[])), "Hash(..)");
    }
}
