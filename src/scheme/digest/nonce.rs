//! What a nonce says of itself, and the count that goes with it.

use std::fmt;

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
}

/// The nonce-count (nc) of a request: 1 to 4,294,967,295, eight hex digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceCount(std::num::NonZeroU32);

impl NonceCount {
    /// The count `value`, or `None` for zero, which no client may send.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        match std::num::NonZeroU32::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
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
