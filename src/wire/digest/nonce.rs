//! What a nonce says of itself, and the count that goes with it.

use std::{fmt, num::NonZeroU32};

use crate::clock::Timestamp;

/// What makes a nonce of ours unique: when it was issued, by which process, and its number there.
///
/// Ordered by issue time first, so that "the oldest" is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceId {
    issued: Timestamp,
    node: u64,
    counter: u64,
}

impl NonceId {
    /// In bytes: three numbers.
    pub(super) const LENGTH: usize = 3 * size_of::<u64>();

    /// The nonce number `counter` of process `node`, issued at `issued`.
    #[must_use]
    pub const fn new(issued: Timestamp, node: u64, counter: u64) -> Self {
        Self { issued, node, counter }
    }

    /// When the nonce was issued.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// The process that issued it: a random number drawn when the process started.
    #[must_use]
    pub const fn node(&self) -> u64 {
        self.node
    }

    /// The number of the nonce within its process.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let numbers = [self.issued.as_micros(), self.node, self.counter];
        for (to, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let (numbers, _) = bytes.as_chunks();
        let mut numbers = numbers.iter().map(|&number| u64::from_be_bytes(number));
        let mut next = || numbers.next().unwrap_or_default();
        Self { issued: Timestamp::from_micros(next()), node: next(), counter: next() }
    }
}

/// The nonce-count (nc) of a request: 1 to 4,294,967,295, eight hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceCount(NonZeroU32);

impl NonceCount {
    /// The first count.
    pub const ONE: Self = Self(NonZeroU32::MIN);
    /// The last count.
    pub const MAX: Self = Self(NonZeroU32::MAX);

    /// The count `value`, or `None` for zero, which no client may send.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        match NonZeroU32::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Reads exactly eight hex digits, in either case, that are not all zero.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; 4];
        let decoded = base16ct::mixed::decode(digits, &mut bytes).ok()?;
        if decoded.len() == 4 { Self::new(u32::from_be_bytes(bytes)) } else { None }
    }

    /// The count as a number.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for NonceCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_issue_time_first() {
        let at = |micros, counter| NonceId::new(Timestamp::from_micros(micros), 1, counter);
        assert!(at(1, 9) < at(2, 0));
        assert!(at(1, 0) < at(1, 1));
    }

    #[test]
    fn a_count_is_exactly_eight_hex_digits_and_not_zero() {
        let table = [
            ("00000001", Some(1)),
            ("0000000A", Some(10)),
            ("ffffffff", Some(u32::MAX)),
            ("12abCDef", Some(0x12ab_cdef)),
            ("00000000", None),
            ("", None),
            ("01", None),
            ("000001", None),
            ("0000001", None),
            ("000000001", None),
            ("+0000001", None),
            ("-0000001", None),
            ("0x000001", None),
            (" 0000001", None),
            ("0000000g", None),
        ];
        for (digits, count) in table {
            let read = NonceCount::from_hex(digits.as_bytes());
            assert_eq!(read.map(NonceCount::as_u32), count, "{digits:?}");
        }
        assert_eq!(NonceCount::from_hex(&vec![b'0'; 1 << 20]), None);
        assert_eq!(NonceCount::ONE.to_string(), "00000001");
        assert_eq!(NonceCount::new(0), None);
    }
}
