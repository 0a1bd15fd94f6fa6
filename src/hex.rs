//! Hexadecimal digits, both ways.
//!
//! Digits are computed, not looked up, and all of them are, so that no address and no end depends
//! on what they say. Compilers turn the loops into vector instructions.

/// The digit in lower case for the low half of `value`.
pub(crate) const fn digit(value: u8) -> u8 {
    let value = value & 0xF;
    // 39 bytes lie between '9' and 'a': letters skip them.
    let letter = (9_u8.wrapping_sub(value) >> 7) * (b'a' - b'9' - 1);
    b'0' + value + letter
}

/// The value of a digit in either case.
pub(crate) const fn value(digit: u8) -> Option<u8> {
    match nibble(digit) {
        (value, true) => Some(value),
        (_, false) => None,
    }
}

/// Writes each byte as two digits in lower case, as far as there is room.
pub(crate) fn encode(bytes: &[u8], digits: &mut [u8]) {
    for (pair, &byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte)];
    }
}

/// Reads two digits, in either case, for each byte. Says whether all of them were digits and
/// exactly as many as needed; if not, what was written means nothing.
pub(crate) fn decode(digits: &[u8], bytes: &mut [u8]) -> bool {
    let (pairs, odd) = digits.as_chunks();
    let mut are_digits = odd.is_empty() && pairs.len() == bytes.len();
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        let ((high, high_is_digit), (low, low_is_digit)) = (nibble(high), nibble(low));
        *byte = high << 4 | low;
        are_digits &= high_is_digit & low_is_digit;
    }
    are_digits
}

/// What a digit stands for, and whether it is one.
const fn nibble(digit: u8) -> (u8, bool) {
    let (number, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
    if number < 10 { (number, true) } else { (letter.wrapping_add(10) & 0xF, letter < 6) }
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
                let mut read = [0];
                assert!(decode(&digits, &mut read));
                assert_eq!(read, [byte]);
            }
        }
    }

    #[test]
    fn refuses_what_is_no_digit_or_not_enough_or_too_much() {
        for digits in ["", "0", "000", "0000", "g0", "0g", " 0", "0:", "0/", "0@", "0`"] {
            assert!(!decode(digits.as_bytes(), &mut [0]), "{digits:?}");
        }
        assert!(decode(b"00", &mut [0]));
        assert!(decode(b"", &mut []));
    }
}
