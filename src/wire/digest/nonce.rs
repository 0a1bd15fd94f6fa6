//! The identity of a nonce, and the nonce-count.

use std::{fmt, num::NonZeroU32};

use crate::{clock::Timestamp, error::BackendError};

/// Identifies the records of a nonce store: 16 opaque bytes.
///
/// A [`NonceStore`](crate::nonce_store::NonceStore) has one epoch at a time, and gets a new one
/// when it may have lost records. Nonces that were issued in another epoch are stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch([u8; Self::LENGTH]);

impl Epoch {
    /// The length in bytes.
    pub const LENGTH: usize = 16;

    /// An epoch that a shared store has recorded.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// A new epoch, from the operating system's random bytes.
    ///
    /// # Errors
    /// The operating system provides no random bytes.
    pub fn random() -> Result<Self, BackendError> {
        let mut bytes = [0; Self::LENGTH];
        getrandom::fill(&mut bytes).map_err(BackendError::new)?;
        Ok(Self(bytes))
    }

    /// The bytes, for a shared store to record.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

/// Identifies a nonce by the time of issue, the epoch of the store, and a number.
///
/// Ordered by the time of issue, so the smallest one is the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceId {
    issued: Timestamp,
    counter: u64,
    epoch: Epoch,
}

impl NonceId {
    /// The length in bytes.
    pub(super) const LENGTH: usize = 2 * size_of::<u64>() + Epoch::LENGTH;

    /// The nonce with the number `counter` that was issued at `issued` in `epoch`.
    #[must_use]
    pub const fn new(issued: Timestamp, epoch: Epoch, counter: u64) -> Self {
        Self { issued, counter, epoch }
    }

    /// When the nonce was issued.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// The epoch in which it was issued.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The number of the nonce. Each process starts at a random number.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let numbers = [self.issued.as_micros(), self.counter].map(u64::to_be_bytes);
        let parts = numbers.as_flattened().iter().chain(self.epoch.as_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, byte)| *to = *byte);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let (&issued, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let (&counter, rest) = rest.split_first_chunk().unwrap_or((&[0; 8], &[]));
        Self {
            issued: Timestamp::from_micros(u64::from_be_bytes(issued)),
            counter: u64::from_be_bytes(counter),
            epoch: Epoch(rest.try_into().unwrap_or([0; Epoch::LENGTH])),
        }
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
    fn orders_nonces_by_time_of_issue() {
        let epoch = Epoch::new([1; 16]);
        let at = |micros, counter| NonceId::new(Timestamp::from_micros(micros), epoch, counter);
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
