//! How long a run of bytes of one class is: where parsing spends most of its time.

use super::{
    chars::{is_qdtext, is_tchar},
    cursor::looks,
};

/// Splits `bytes` before the equals sign, if there is one among the first sixteen bytes.
#[inline]
pub(super) fn find_equals_sign(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let run = match bytes.first_chunk() {
        Some(chunk) => run_in(chunk, |byte| byte != b'='),
        None => bytes.iter().position(|&byte| byte == b'=')?,
    };
    looks::add(run + 1);
    bytes.split_at_checked(run)
}

/// How many bytes at the beginning of `bytes` make up a token.
pub(super) fn token_run(bytes: &[u8]) -> usize {
    let run = bytes.iter().position(|&byte| !is_tchar(byte)).unwrap_or(bytes.len());
    looks::add(run + 1);
    run
}

/// How many bytes at the beginning of `bytes` may stand in a quoted-string as they are.
///
/// Most of a field with Digest credentials lies between quotes, so this goes sixteen bytes at a
/// time while it can.
#[inline]
pub(super) fn qdtext_run(bytes: &[u8]) -> usize {
    const fn is_qdtext_by_comparison(byte: u8) -> bool {
        ((byte >= b' ') & (byte != b'"') & (byte != b'\\') & (byte != 0x7F)) | (byte == b'\t')
    }
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk() {
        let run = run_in(chunk, is_qdtext_by_comparison);
        if run < chunk.len() {
            let run = bytes.len() - rest.len() + run;
            looks::add(run + 1);
            return run;
        }
        rest = after;
    }
    let end = rest.iter().position(|&byte| !is_qdtext(byte)).unwrap_or(rest.len());
    let run = bytes.len() - rest.len() + end;
    looks::add(run + 1);
    run
}

/// How many bytes at the beginning of `chunk` are of a class, by comparisons that become vector
/// instructions.
#[inline(always)]
fn run_in(chunk: &[u8; 16], class: impl Fn(u8) -> bool) -> usize {
    let ends = chunk.map(|byte| if class(byte) { 0 } else { 0xFF });
    u128::from_le_bytes(ends).trailing_zeros() as usize / 8
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
