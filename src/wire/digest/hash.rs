//! The output of a hash function, in bytes and in hex.

use std::fmt;

use zeroize::Zeroize;

use super::HashFunction;

/// The longest hash, in bytes.
const MAX_LENGTH: usize = 32;

/// A hash of 16 or 32 bytes. If it is as sensitive as a password, it is wrapped in
/// [`Zeroizing`](zeroize::Zeroizing).
pub(crate) struct Hash {
    bytes: [u8; MAX_LENGTH],
    length: usize,
}

/// A hash in lower-case hex.
#[derive(Clone)]
pub(crate) struct HexHash {
    digits: [u8; 2 * MAX_LENGTH],
    length: usize,
}

impl Hash {
    /// Copies the output of a hash function, of at most 32 bytes.
    pub(super) fn new(output: &[u8]) -> Self {
        let mut bytes = [0; MAX_LENGTH];
        for (byte, &computed) in bytes.iter_mut().zip(output) {
            *byte = computed;
        }
        Self { bytes, length: output.len() }
    }

    /// Reads the hex digits of one hash of `function`, in either case.
    pub(crate) fn from_hex(function: HashFunction, digits: &[u8]) -> Option<Self> {
        let length = function.length();
        let mut bytes = [0; MAX_LENGTH];
        let decoded = base16ct::mixed::decode(digits, &mut bytes).ok()?;
        (decoded.len() == length).then_some(Self { bytes, length })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn to_hex(&self) -> HexHash {
        let mut digits = [0; 2 * MAX_LENGTH];
        let length = base16ct::lower::encode(self.as_bytes(), &mut digits).map_or(0, <[u8]>::len);
        HexHash { digits, length }
    }
}

impl HexHash {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
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

impl Zeroize for HexHash {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    fn read(digits: &str) -> Option<Hash> {
        Hash::from_hex(HashFunction::Md5, digits.as_bytes())
    }

    #[test]
    fn reads_hex_in_either_case() {
        for digits in [MD5.to_owned(), MD5.to_uppercase()] {
            assert_eq!(read(&digits).unwrap().to_hex().as_str(), MD5);
        }
    }

    #[test]
    fn refuses_another_length_and_other_characters() {
        let table = [
            ("empty", String::new()),
            ("one digit less", MD5[1..].to_owned()),
            ("two digits less", MD5[2..].to_owned()),
            ("one digit more", format!("{MD5}0")),
            ("two digits more", format!("{MD5}00")),
            ("twice as long", MD5.repeat(2)),
            ("longer than any hash", MD5.repeat(5)),
            ("a letter past f", MD5.replace('9', "g")),
            ("a space", MD5.replace('9', " ")),
        ];
        for (name, digits) in table {
            assert!(read(&digits).is_none(), "{name}");
        }
        assert!(Hash::from_hex(HashFunction::Sha256, MD5.as_bytes()).is_none());
    }

    #[test]
    fn debug_shows_no_hash() {
        assert_eq!(format!("{:?}", read(MD5).unwrap()), "Hash(..)");
    }
}
