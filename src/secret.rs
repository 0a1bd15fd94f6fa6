//! Secrets in memory: never shown, wiped when dropped, compared in constant time.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
///
/// Every comparison of a secret in the crate ends here.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    // Eight bytes at a time: a hash then takes four comparisons, not thirty-two.
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks(), right.as_chunks());
    let words = left
        .iter()
        .zip(right)
        .map(|(&left, &right)| u64::from_ne_bytes(left).ct_eq(&u64::from_ne_bytes(right)));
    words.fold(left_rest.ct_eq(right_rest), |equal: Choice, word| equal & word).into()
}

/// A password that the holder owns. `Debug` shows nothing of it; it is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes over a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// The password itself, to be shown to nobody.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Bytes of up to this length are kept without an allocation.
const INLINE: usize = 64;

/// A byte buffer for decoded credentials: inline while it is short, wiped when dropped.
pub(crate) struct SecretBytes {
    inline: [u8; INLINE],
    heap: Vec<u8>,
    len: usize,
    /// How many bytes of `inline` have ever been lent out, and must be wiped.
    inline_used: usize,
}

impl SecretBytes {
    /// Nothing.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { inline: [0; INLINE], heap: Vec::new(), len: 0, inline_used: 0 }
    }

    /// Room for so many bytes in place of what was there, to be filled and then cut with
    /// [`truncate`](Self::truncate).
    #[inline]
    pub(crate) fn room(&mut self, length: usize) -> &mut [u8] {
        if !self.heap.is_empty() {
            self.heap.zeroize();
        }
        self.len = length;
        if length > INLINE {
            self.heap = vec![0; length];
        } else {
            self.inline_used = self.inline_used.max(length);
        }
        self.as_mut_slice()
    }

    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::new();
        copy.room(bytes.len()).copy_from_slice(bytes);
        copy
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        let all = if self.heap.is_empty() { self.inline.as_slice() } else { self.heap.as_slice() };
        all.get(..self.len).unwrap_or_default()
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        let all = if self.heap.is_empty() {
            self.inline.as_mut_slice()
        } else {
            self.heap.as_mut_slice()
        };
        all.get_mut(..self.len).unwrap_or_default()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        if let Some(used) = self.inline.get_mut(..self.inline_used) {
            used.zeroize();
        }
        self.heap.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_content_and_length() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"wonder", b"wonder"));
        assert!(!constant_time_eq(b"wonder", b"wondeR"));
        assert!(!constant_time_eq(b"wonder", b"wonde"));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Password::new("wonder")), "Password(..)");
        assert_eq!(format!("{:?}", SecretBytes::copy_of(b"wonder")), "SecretBytes(..)");
    }

    #[test]
    fn a_buffer_holds_what_was_put_in_at_any_length() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 5_000] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut buffer = SecretBytes::copy_of(&bytes);
            assert_eq!(buffer.as_slice(), bytes);
            buffer.truncate(len / 2);
            assert_eq!(buffer.as_slice(), &bytes[..len / 2]);
            buffer.truncate(len);
            assert_eq!(buffer.as_slice().len(), len / 2, "truncate never grows");
        }
    }

    #[test]
    fn a_difference_counts_wherever_it_lies() {
        for length in 0..40_u8 {
            let left: Vec<u8> = (0..length).collect();
            assert!(constant_time_eq(&left, &left));
            for at in 0..left.len() {
                let mut right = left.clone();
                right[at] ^= 1 << (at % 8);
                assert!(!constant_time_eq(&left, &right), "byte {at} of {length}");
            }
        }
    }
}
