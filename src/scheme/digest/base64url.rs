//! Base64 for URLs, [RFC 4648, section 5], of arrays whose lengths need no padding.
//!
//! Every challenge writes a nonce and every request with Digest reads one. Where the length is known
//! and no character ends the loop, that costs little.
//!
//! [RFC 4648, section 5]: https://www.rfc-editor.org/rfc/rfc4648#section-5

/// Writes three bytes as four characters each. `TEXT` is four thirds of `BYTES`.
#[allow(clippy::indexing_slicing, reason = "six bits are always below 64")]
pub(super) fn encode<const BYTES: usize, const TEXT: usize>(bytes: &[u8; BYTES]) -> [u8; TEXT] {
    const { assert!(BYTES.is_multiple_of(3) && TEXT == BYTES / 3 * 4) };
    let mut text = [0; TEXT];
    for (to, &[a, b, c]) in text.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        let sextets = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        *to = sextets.map(|sextet| LETTERS[usize::from(sextet & 63)]);
    }
    text
}

/// Reads four characters as three bytes each; `None` if one of them does not belong here.
#[allow(clippy::indexing_slicing, reason = "a byte is always below 256")]
pub(super) fn decode<const BYTES: usize, const TEXT: usize>(
    text: &[u8; TEXT],
) -> Option<[u8; BYTES]> {
    const { assert!(BYTES.is_multiple_of(3) && TEXT == BYTES / 3 * 4) };
    let (mut bytes, mut all) = ([0; BYTES], 0);
    for (to, from) in bytes.as_chunks_mut().0.iter_mut().zip(text.as_chunks().0) {
        let [a, b, c, d] = from.map(|byte: u8| SEXTETS[byte as usize]);
        *to = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        all |= a | b | c | d;
    }
    (all & NONE == 0).then_some(bytes)
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Stands for a byte that is no letter of this alphabet: no six bits have these two set.
const NONE: u8 = 0b1100_0000;

/// The sextet of each byte. A look into a table may tell the time by what it finds: whoever sends a
/// nonce knows it, and whoever gets one is told it, so there is nothing to hide.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const SEXTETS: [u8; 256] = {
    let mut sextets = [NONE; 256];
    let mut sextet = 0;
    while sextet < LETTERS.len() {
        sextets[LETTERS[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    sextets
};

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    /// The same by the `base64` crate.
    fn read_by_library(text: &[u8; 8]) -> Option<[u8; 6]> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok())
    }

    #[test]
    fn every_byte_is_read_as_the_library_reads_it() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut text = *b"Az09-_aZ";
                text[place] = byte;
                assert_eq!(decode(&text), read_by_library(&text), "{byte:#04x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_written_as_the_library_writes_them(bytes: [u8; 42]) {
            let text: [u8; 56] = encode(&bytes);
            let expected = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(text.as_slice(), expected.as_bytes());
            prop_assert_eq!(decode(&text), Some(bytes));
        }

        #[test]
        fn any_text_is_read_as_the_library_reads_it(text: [u8; 8]) {
            prop_assert_eq!(decode(&text), read_by_library(&text));
        }
    }
}
