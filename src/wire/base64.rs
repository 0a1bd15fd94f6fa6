//! Base64, [RFC 4648], in its two alphabets: Basic credentials come in that of section 4, nonces
//! are in that of section 5.
//!
//! Every request with credentials brings one or the other. Eight letters are read at a time, and
//! none of them ends the loop.
//!
//! [RFC 4648]: https://www.rfc-editor.org/rfc/rfc4648

/// The 64 letters, and which sextet each byte stands for.
///
/// A look into a table may tell the time by what it finds. What is looked up is a nonce, which is
/// no secret, or a password, which libraries look up in the same way.
pub(super) struct Alphabet {
    letters: &'static [u8; 64],
    /// Below zero for a byte that is no letter.
    sextets: [i8; 256],
}

/// With `+` and `/`.
pub(super) static STANDARD: Alphabet =
    Alphabet::new(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/// With `-` and `_`, for URLs.
pub(super) static URL: Alphabet =
    Alphabet::new(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

impl Alphabet {
    #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
    const fn new(letters: &'static [u8; 64]) -> Self {
        let mut sextets = [-1; 256];
        let mut sextet = 0;
        while sextet < letters.len() {
            sextets[letters[sextet] as usize] = sextet as i8;
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

    /// Reads eight letters as six bytes each; `None` if one of them is no letter. `TEXT` is four
    /// thirds of `BYTES`.
    pub(super) fn decode<const BYTES: usize, const TEXT: usize>(
        &self,
        text: &[u8; TEXT],
    ) -> Option<[u8; BYTES]> {
        const { assert!(BYTES.is_multiple_of(6) && TEXT == BYTES / 3 * 4) };
        let (mut bytes, mut read) = ([0; BYTES], Reader::new(self));
        for (to, &letters) in bytes.as_chunks_mut().0.iter_mut().zip(text.as_chunks().0) {
            *to = read.eight(letters);
        }
        read.found_letters_alone().then_some(bytes)
    }

    /// Reads text of any length, with its padding, into the beginning of `bytes`, and says how many
    /// it makes. `None` for anything that an encoder would not have written, and where there is no
    /// room.
    pub(super) fn decode_padded(&self, text: &[u8], bytes: &mut [u8]) -> Option<usize> {
        if !text.len().is_multiple_of(4) {
            return None;
        }
        let letters = match text {
            [letters @ .., b'=', b'='] | [letters @ .., b'='] | letters => letters,
        };
        let length = letters.len() / 4 * 3 + letters.len() % 4 * 3 / 4;
        let (eights, last_letters) = letters.as_chunks();
        let (sixes, last_bytes) = bytes.get_mut(..length)?.as_chunks_mut();
        let mut read = Reader::new(self);
        for (to, &eight) in sixes.iter_mut().zip(eights) {
            *to = read.eight(eight);
        }
        if last_letters.is_empty() {
            return read.found_letters_alone().then_some(length);
        }
        // An A is six bits of zero.
        let mut eight = [b'A'; 8];
        eight.get_mut(..last_letters.len())?.copy_from_slice(last_letters);
        let six = read.eight(eight);
        let (end, past_end) = six.split_at_checked(last_bytes.len())?;
        last_bytes.copy_from_slice(end);
        // Bits past the end that are not zero are another text for the same bytes.
        let is_canonical = past_end.iter().all(|&byte| byte == 0);
        (is_canonical && read.found_letters_alone()).then_some(length)
    }
}

struct Reader<'a> {
    alphabet: &'a Alphabet,
    /// Whatever was read, one upon the other.
    all: i64,
}

impl<'a> Reader<'a> {
    const fn new(alphabet: &'a Alphabet) -> Self {
        Self { alphabet, all: 0 }
    }

    /// The six bytes that eight letters stand for. They mean nothing if one is no letter.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "a byte is always below 256")]
    fn eight(&mut self, letters: [u8; 8]) -> [u8; 6] {
        // What is below zero stays so when it is moved up by 42 bits at most.
        let joined = letters.into_iter().zip((0..8).rev()).fold(0, |joined, (letter, place)| {
            joined | i64::from(self.alphabet.sextets[usize::from(letter)]) << (6 * place)
        });
        self.all |= joined;
        let [_, _, bytes @ ..] = joined.to_be_bytes();
        bytes
    }

    const fn found_letters_alone(&self) -> bool {
        self.all >= 0
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
                for mut text in [*b"Az09+/aZ", *b"Az09+/8=", *b"Az09+Q=="] {
                    text[place] = byte;
                    let expected = LIBRARY.decode(text).ok();
                    assert_eq!(decode_padded(&text), expected, "{byte:#04x} at {place}");
                }
            }
        }
    }

    #[test]
    fn there_has_to_be_room_for_all_bytes() {
        assert_eq!(STANDARD.decode_padded(b"", &mut []), Some(0));
        assert_eq!(STANDARD.decode_padded(b"YQ==", &mut [0; 1]), Some(1));
        assert_eq!(STANDARD.decode_padded(b"YQ==", &mut []), None);
        assert_eq!(STANDARD.decode_padded(b"YWFhYQ==", &mut [0; 4]), Some(4));
        assert_eq!(STANDARD.decode_padded(b"YWFhYQ==", &mut [0; 3]), None);
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
        fn padded_text_is_read_as_the_library_reads_it(text in "[A-Da-d0-3+/=]{0,20}") {
            prop_assert_eq!(decode_padded(text.as_bytes()), LIBRARY.decode(&text).ok());
        }
    }
}
