//! The reference of a request, by which people find it in a log.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher,
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering},
};

/// The digits of a reference, which is a number with a fixed number of digits. They are those of
/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The reference of a request: 12 characters, each a digit or a lower-case letter other than `i`,
/// `l`, `o` and `u`, which people take for others.
///
/// A user can quote it, and an operator finds the request in the log. Clients cannot predict it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReferenceId(NonZeroU64);

impl ReferenceId {
    /// The number of characters.
    pub(crate) const LENGTH: usize = 12;
    const BASE: u64 = DIGITS.len() as u64;

    fn from_number(number: u64) -> Self {
        let number = number % Self::BASE.pow(Self::LENGTH as u32);
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// The characters, which are ASCII.
    pub(crate) fn digits(self) -> [u8; Self::LENGTH] {
        let mut rest = self.0.get();
        let mut digits = [b'0'; Self::LENGTH];
        for place in digits.iter_mut().rev() {
            let digit = usize::try_from(rest % Self::BASE).ok();
            *place = digit.and_then(|digit| DIGITS.get(digit)).copied().unwrap_or_default();
            rest /= Self::BASE;
        }
        digits
    }
}

impl fmt::Display for ReferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for ReferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceId({self})")
    }
}

/// Makes references: a keyed hash of a counter, without a lock and without a system call.
///
/// The hash is the keyed one of the standard library. References are not secrets; it is enough that
/// they differ, and that they do not show how many requests there are.
#[derive(Default)]
pub(crate) struct ReferenceIds {
    key: RandomState,
    next: AtomicU64,
}

impl ReferenceIds {
    pub(crate) fn make(&self) -> ReferenceId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        ReferenceId::from_number(self.key.hash_one(number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn has_twelve_characters() {
        for (number, text) in [
            (0, "000000000001"),
            (17, "00000000000h"),
            (18, "00000000000j"),
            (31, "00000000000z"),
            (32, "000000000010"),
            (32_u64.pow(12) - 1, "zzzzzzzzzzzz"),
            (32_u64.pow(12) + 31, "00000000000z"),
        ] {
            assert_eq!(ReferenceId::from_number(number).to_string(), text);
        }
    }

    #[test]
    fn references_differ_within_a_process_and_between_processes() {
        let (one, other) = (ReferenceIds::default(), ReferenceIds::default());
        let made: HashSet<_> = (0..10_000).map(|_| one.make()).collect();
        assert_eq!(made.len(), 10_000);
        assert!((0..10_000).all(|_| !made.contains(&other.make())));
    }
}
