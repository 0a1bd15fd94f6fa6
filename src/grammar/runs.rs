//! How long a run of bytes of one class is: where parsing spends most of its time.

use super::{
    chars::{is_qdtext, is_tchar},
    cursor::looks,
};
use crate::words::{HIGHEST_BITS, has, has_below};

/// How many bytes at the beginning of `bytes` make up a token.
#[inline]
pub(super) fn token_run(bytes: &[u8]) -> usize {
    let run = bytes.iter().position(|&byte| !is_tchar(byte)).unwrap_or(bytes.len());
    looks::add(run + 1);
    run
}

/// How many bytes at the beginning of `bytes` may stand in a quoted-string as they are.
///
/// Most of a field with Digest credentials lies between quotes, so this goes eight bytes at a time
/// while it can.
#[inline]
pub(super) fn qdtext_run(bytes: &[u8]) -> usize {
    /// Whether the run may end among eight bytes. A tab counts too: it may stand there, but hardly
    /// ever does.
    const fn may_end(word: u64) -> bool {
        let ends = has(word, b'"') | has(word, b'\\') | has(word, 0x7F) | has_below(word, b' ');
        ends & HIGHEST_BITS != 0
    }
    let mut run = 0;
    for &eight in bytes.as_chunks().0 {
        if may_end(u64::from_ne_bytes(eight)) {
            break;
        }
        run += eight.len();
    }
    let rest = bytes.get(run..).unwrap_or_default();
    run += rest.iter().position(|&byte| !is_qdtext(byte)).unwrap_or(rest.len());
    looks::add(run + 1);
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_of_another_class_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..40 {
                let mut bytes = [b'a'; 40];
                bytes[at] = byte;
                let end = |is_in: fn(u8) -> bool| if is_in(byte) { bytes.len() } else { at };
                assert_eq!(qdtext_run(&bytes), end(is_qdtext), "{byte:#04x} at {at}");
                assert_eq!(token_run(&bytes), end(is_tchar), "{byte:#04x} at {at}");
            }
        }
    }
}
