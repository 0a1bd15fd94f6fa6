//! Base64, [RFC 4648], in its two alphabets: Basic credentials come in that of section 4, nonces are
//! in that of section 5.
//!
//! Every request with credentials brings one or the other. Where no character ends the loop, reading
//! them costs little.
//!
//! [RFC 4648]: https://www.rfc-editor.org/rfc/rfc4648

/// The 64 letters, and which sextet each byte stands for.
///
/// A look into a table may tell the time by what it finds. What is looked up is a nonce, which is no
/// secret, or a password, which libraries look up in the same way.
pub(super) struct Alphabet {
    letters: &'static [u8; 64],
    sextets: [u8; 256],
}

/// With `+` and `/`.
pub(super) static STANDARD: Alphabet =
    Alphabet::new(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/// With `-` and `_`, for URLs.
pub(super) static URL: Alphabet =
    Alphabet::new(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

/// Stands for a byte that is no letter: no six bits have these two set.
const NONE: u8 = 0b1100_0000;

impl Alphabet {
    #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
    const fn new(letters: &'static [u8; 64]) -> Self {
        let mut sextets = [NONE; 256];
        let mut sextet = 0;
        while sextet < letters.len() {
            sextets[letters[sextet] as usize] = sextet as u8;
            sextet += 1;
        }
        Self { letters, sextets }
    }

    /// Writes three bytes as four letters each. `TEXT` is four thirds of `BYTES`.
    #[allow(clippy::indexing_slicing, reason = "six bits are always below 64")]
    pub(super) fn encode<const BYTES: usize, const TEXT: usize>(
        &self,
        bytes: &[u8; BYTES],
    ) -> [u8; TEXT] {
        const { assert!(BYTES.is_multiple_of(3) && TEXT == BYTES / 3 * 4) };
        let mut text = [0; TEXT];
        for (to, &[a, b, c]) in text.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
            let sextets = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
            *to = sextets.map(|sextet| self.letters[usize::from(sextet & 63)]);
        }
        text
    }

    /// Reads four letters as three bytes each; `None` if one of them is no letter.
    pub(super) fn decode<const BYTES: usize, const TEXT: usize>(
        &self,
        text: &[u8; TEXT],
    ) -> Option<[u8; BYTES]> {
        const { assert!(BYTES.is_multiple_of(3) && TEXT == BYTES / 3 * 4) };
        let mut bytes = [0; BYTES];
        self.read(text.as_chunks().0, &mut bytes).then_some(bytes)
    }

    /// Reads text of any length, with its padding, into the beginning of `bytes`, and says how many
    /// it makes. `None` for anything that an encoder would not have written, and where there is not
    /// room for three bytes in place of each four letters.
    pub(super) fn decode_padded(&self, text: &[u8], bytes: &mut [u8]) -> Option<usize> {
        let (quads, []) = text.as_chunks() else { return None };
        let Some((&last, quads)) = quads.split_last() else { return Some(0) };
        let (bytes, rest) = bytes.split_at_mut_checked(3 * quads.len())?;
        let (last, length) = match last {
            [a, b, b'=', b'='] => ([a, b, b'A', b'A'], 1),
            [a, b, c, b'='] => ([a, b, c, b'A'], 2),
            whole => (whole, 3),
        };
        let end = rest.first_chunk_mut::<3>()?;
        let are_letters = self.read(quads, bytes) & self.read(&[last], end);
        // Bits past the end that are not zero are another text for the same bytes.
        let is_canonical = end.iter().skip(length).all(|&byte| byte == 0);
        (are_letters && is_canonical).then_some(bytes.len() + length)
    }

    /// Reads as many quads as there is room for. Says whether they were of letters alone; if not,
    /// what was written means nothing.
    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "a byte is always below 256")]
    fn read(&self, quads: &[[u8; 4]], bytes: &mut [u8]) -> bool {
        let mut all = 0;
        for (to, quad) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(quads) {
            let sextets = quad.map(|letter| self.sextets[usize::from(letter)]);
            let [a, b, c, d] = sextets.map(u32::from);
            [_, to[0], to[1], to[2]] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
            all = sextets.into_iter().fold(all, |all, sextet| all | sextet);
        }
        all & NONE == 0
    }
}

#[cfg(test)]
mod tests {
    use ::base64::{
        Engine as _,
        engine::general_purpose::{STANDARD as LIBRARY, URL_SAFE_NO_PAD as URL_LIBRARY},
    };
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &[u8; 8]) -> Option<[u8; 6]> {
        URL.decode(text)
    }

    /// The same by the `base64` crate.
    fn by_library(text: &[u8; 8]) -> Option<[u8; 6]> {
        URL_LIBRARY.decode(text).ok().and_then(|bytes| bytes.try_into().ok())
    }

    fn decode_padded(text: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = vec![0; text.len()];
        let length = STANDARD.decode_padded(text, &mut bytes)?;
        bytes.truncate(length);
        Some(bytes)
    }

    #[test]
    fn every_byte_is_read_as_the_library_reads_it() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut text = *b"Az09-_aZ";
                text[place] = byte;
                assert_eq!(decode(&text), by_library(&text), "{byte:#04x} at {place}");
                for mut text in [*b"Az09+/aZ", *b"Az09+/a=", *b"Az09+Q=="] {
                    text[place] = byte;
                    let expected = LIBRARY.decode(text).ok();
                    assert_eq!(decode_padded(&text), expected, "{byte:#04x} at {place}");
                }
            }
        }
    }

    #[test]
    fn there_has_to_be_room_for_whole_quads() {
        assert_eq!(STANDARD.decode_padded(b"", &mut []), Some(0));
        assert_eq!(STANDARD.decode_padded(b"YQ==", &mut [0; 3]), Some(1));
        assert_eq!(STANDARD.decode_padded(b"YQ==", &mut [0; 2]), None);
        assert_eq!(STANDARD.decode_padded(b"YWFhYQ==", &mut [0; 5]), None);
        assert_eq!(STANDARD.decode_padded(b"YWFhYQ==", &mut [0; 2]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_written_as_the_library_writes_them(bytes: [u8; 42]) {
            let text: [u8; 56] = URL.encode(&bytes);
            let expected = URL_LIBRARY.encode(bytes);
            prop_assert_eq!(text.as_slice(), expected.as_bytes());
            prop_assert_eq!(URL.decode(&text), Some(bytes));
        }

        #[test]
        fn any_text_is_read_as_the_library_reads_it(text: [u8; 8]) {
            prop_assert_eq!(decode(&text), by_library(&text));
        }

        #[test]
        fn what_the_library_wrote_is_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(decode_padded(LIBRARY.encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn padded_text_is_read_as_the_library_reads_it(text in "[A-Da-d0-3+/=]{0,12}") {
            prop_assert_eq!(decode_padded(text.as_bytes()), LIBRARY.decode(&text).ok());
        }
    }
}
