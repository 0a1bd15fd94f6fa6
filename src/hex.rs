//! Hexadecimal digits, both ways.
//!
//! Digits are computed, not looked up, and whole texts are gone through to their end, so that no
//! address and no end depends on what they say.

use crate::words::each;

/// What lies between '9' and 'a', which letters skip.
const GAP: u8 = b'a' - b'9' - 1;

/// The digit in lower case for the low half of `value`.
pub(crate) const fn digit(value: u8) -> u8 {
    let value = value & 0xF;
    let is_letter = 9_u8.wrapping_sub(value) >> 7;
    b'0' + value + is_letter * GAP
}

/// The value of a digit in either case.
pub(crate) const fn value(digit: u8) -> Option<u8> {
    let (number, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
    match (number, letter) {
        (0..10, _) => Some(number),
        (_, 0..6) => Some(10 + letter),
        _ => None,
    }
}

/// Writes each byte as two digits in lower case, as far as there is room.
pub(crate) fn encode(bytes: &[u8], digits: &mut [u8]) {
    for (pair, &byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte)];
    }
}

/// Reads eight digits, in either case, for each four bytes; `bytes` are a multiple of four. Says
/// whether all of them were digits and exactly as many as needed; if not, what was written means
/// nothing.
pub(crate) fn decode(digits: &[u8], bytes: &mut [u8]) -> bool {
    debug_assert!(bytes.len().is_multiple_of(4), "{} bytes", bytes.len());
    if digits.len() != 2 * bytes.len() {
        return false;
    }
    let ((eights, []), (fours, [])) = (digits.as_chunks(), bytes.as_chunks_mut()) else {
        return false;
    };
    let mut differences = 0;
    for (four, &eight) in fours.iter_mut().zip(eights) {
        let digits = u64::from_be_bytes(eight);
        let letters = digits >> 6 & each(1);
        let values = (digits & each(0xF)).wrapping_add(letters.wrapping_mul(9)) & each(0xF);
        // Digits are what comes out again, but for the case of letters.
        differences |= digits_of(values) ^ (digits | letters << 5);
        // Neighbours are moved together: two of 4 bits, then of 8, then of 16.
        let pairs = (values >> 4 | values) & 0x00FF_00FF_00FF_00FF;
        let quads = (pairs >> 8 | pairs) & 0x0000_FFFF_0000_FFFF;
        let [_, _, _, _, joined @ ..] = (quads >> 16 | quads).to_be_bytes();
        *four = joined;
    }
    differences == 0
}

/// The digits in lower case for eight values below 16.
const fn digits_of(values: u64) -> u64 {
    let are_letters = values.wrapping_add(each(6)) >> 4 & each(1);
    values.wrapping_add(each(b'0')).wrapping_add(are_letters.wrapping_mul(GAP as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_char_reads_it() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte).to_digit(16).map(|value| value as u8);
            assert_eq!(value(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn every_byte_is_written_and_read_back() {
        for byte in 0..=u8::MAX {
            let mut digits = [0; 2];
            encode(&[byte], &mut digits);
            assert_eq!(str::from_utf8(&digits), Ok(&*format!("{byte:02x}")));
            for digits in [digits, digits.map(|digit| digit.to_ascii_uppercase())] {
                let mut read = [0; 4];
                for place in 0..4 {
                    let mut eight = *b"00000000";
                    eight[2 * place..][..2].copy_from_slice(&digits);
                    assert!(decode(&eight, &mut read));
                    let mut expected = [0; 4];
                    expected[place] = byte;
                    assert_eq!(read, expected);
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_digit_or_not_enough_or_too_much() {
        for digits in ["", "0", "0000000", "000000000", "0000000000000000"] {
            assert!(!decode(digits.as_bytes(), &mut [0; 4]), "{digits:?}");
        }
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_hexdigit()) {
            for place in 0..8 {
                let mut digits = *b"0a9Ff0A9";
                digits[place] = byte;
                assert!(!decode(&digits, &mut [0; 4]), "{byte:#04x} at {place}");
            }
        }
        assert!(decode(b"00000000", &mut [0; 4]));
        assert!(decode(b"", &mut []));
    }
}
