//! Generators of input for the property tests of the grammar.

use proptest::{collection::vec, prelude::*, sample::select};

use super::chars::{is_qdtext, is_quoted_pair_octet, is_tchar};

pub(super) fn token() -> impl Strategy<Value = Vec<u8>> {
    vec(bytes_of(is_tchar), 1..12)
}

/// Generates text that a quoted-string can contain, with escapes or without.
pub(super) fn quotable() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![bytes_of(is_quoted_pair_octet), select(b"\"\\,= ".to_vec())];
    vec(byte, 0..24)
}

/// Prints `text` as a quoted-string.
pub(super) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in text {
        if !is_qdtext(byte) {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}

pub(super) fn blank() -> impl Strategy<Value = Vec<u8>> {
    vec(select(b" \t".to_vec()), 0..3)
}

/// Generates bytes, many of them with a meaning in the grammar, so that parsing gets far.
pub(super) fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => select(vec![
            b"Digest ".to_vec(), b"Basic ".to_vec(), b"uri=\"".to_vec(), b"a=".to_vec(),
            b"a=1".to_vec(), b"\"".to_vec(), b",".to_vec(), b" ".to_vec(), b"\\".to_vec(),
            b"=".to_vec(), b"\t".to_vec(), b"\xE9".to_vec(), b"\0".to_vec(), b"UTF-8''".to_vec(),
            b"'".to_vec(), b"%".to_vec(), b"%C3%A4".to_vec(), b"%00".to_vec(), b"%C0".to_vec(),
        ]),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn bytes_of(class: fn(u8) -> bool) -> impl Strategy<Value = u8> {
    select((0..=u8::MAX).filter(|&byte| class(byte)).collect::<Vec<_>>())
}
