//! Which bytes may stand where: one table, looked up once for each byte.
//!
//! ```text
//! tchar         = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
//!                 "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA      ; RFC 9110, 5.6.2
//! OWS           = *( SP / HTAB )                                   ; RFC 9110, 5.6.3
//! qdtext        = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text  ; RFC 9110, 5.6.4
//! quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )             ; RFC 9110, 5.6.4
//! obs-text      = %x80-FF                                          ; RFC 9110, 5.5
//! token68       = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
//!                                                                  ; RFC 9110, 11.2
//! attr-char     = ALPHA / DIGIT / "!" / "#" / "$" / "&" / "+" / "-" / "." /
//!                 "^" / "_" / "`" / "|" / "~"                      ; RFC 8187, 3.2.1
//! value-chars   = *( "%" 2HEXDIG / attr-char )                     ; RFC 8187, 3.2.1
//! ```

use crate::words::{HIGHEST_BITS, each};

const TCHAR: u8 = 1;
const OWS: u8 = 1 << 1;
const QDTEXT: u8 = 1 << 2;
const QUOTED_PAIR: u8 = 1 << 3;
const TOKEN68: u8 = 1 << 4;
const ATTR_CHAR: u8 = 1 << 5;
const VALUE_CHAR: u8 = 1 << 6;

const CLASSES: [u8; 256] = {
    let letter_or_digit = TCHAR | TOKEN68 | ATTR_CHAR | VALUE_CHAR;
    let mut classes = [0; 256];
    mark_range(&mut classes, b'0', b'9', letter_or_digit);
    mark_range(&mut classes, b'A', b'Z', letter_or_digit);
    mark_range(&mut classes, b'a', b'z', letter_or_digit);
    mark(&mut classes, b"!#$%&'*+-.^_`|~", TCHAR);
    mark(&mut classes, b"-._~+/", TOKEN68);
    mark(&mut classes, b"!#$&+-.^_`|~", ATTR_CHAR | VALUE_CHAR);
    mark(&mut classes, b"%", VALUE_CHAR);
    mark(&mut classes, b"\t ", OWS | QDTEXT | QUOTED_PAIR);
    mark(&mut classes, b"!", QDTEXT);
    mark_range(&mut classes, 0x23, 0x5B, QDTEXT);
    mark_range(&mut classes, 0x5D, 0x7E, QDTEXT);
    mark_range(&mut classes, 0x21, 0x7E, QUOTED_PAIR);
    mark_range(&mut classes, 0x80, 0xFF, QDTEXT | QUOTED_PAIR);
    classes
};

/// Whether `byte` may be part of a token: a scheme, a parameter's name, an unquoted value.
#[must_use]
pub const fn is_tchar(byte: u8) -> bool {
    is(byte, TCHAR)
}

/// Whether `byte` is optional whitespace: a space or a horizontal tab.
#[must_use]
pub const fn is_ows(byte: u8) -> bool {
    is(byte, OWS)
}

/// Whether `byte` may stand in a quoted-string as it is: not a quote, a backslash or a control
/// character other than the tab.
#[must_use]
pub const fn is_qdtext(byte: u8) -> bool {
    is(byte, QDTEXT)
}

/// Whether `byte` may follow the backslash of a quoted-pair: anything but a control character
/// other than the tab.
#[must_use]
pub const fn is_quoted_pair_octet(byte: u8) -> bool {
    is(byte, QUOTED_PAIR)
}

/// Whether `byte` may be part of a token68 before the `=` at its end.
#[must_use]
pub const fn is_token68_char(byte: u8) -> bool {
    is(byte, TOKEN68)
}

/// Whether `byte` stands for itself in the value of an extended parameter.
#[must_use]
pub const fn is_attr_char(byte: u8) -> bool {
    is(byte, ATTR_CHAR)
}

/// Whether `byte` occurs in the value of an extended parameter: an attr-char, or the `%` that
/// begins an escape.
#[must_use]
pub const fn is_value_char(byte: u8) -> bool {
    is(byte, VALUE_CHAR)
}

/// Whether all bytes are printable ASCII, spaces included.
pub(crate) fn is_printable_ascii(bytes: &[u8]) -> bool {
    /// Not zero if one of eight bytes is something else: below 0x20, 0x7F or above. A byte carries
    /// into the next only if it is one of those.
    const fn strays(eight: [u8; 8]) -> u64 {
        let word = u64::from_ne_bytes(eight);
        let below = word.wrapping_sub(each(b' '));
        let above = word.wrapping_add(each(1));
        (word | below | above) & HIGHEST_BITS
    }
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    };
    // The last eight are what is left over, and some a second time.
    let eights = bytes.as_chunks().0.iter().chain([last]);
    eights.fold(0, |seen, &eight| seen | strays(eight)) == 0
}

/// Whether a text holds a control character, those from U+0080 to U+009F included.
pub(crate) fn has_control_character(text: &str) -> bool {
    // In UTF-8 those from U+0080 begin with the byte C2, and few other characters do. Comparing all
    // bytes, without an end at the first, becomes vector instructions.
    let is_suspect = |byte: u8| (byte < b' ') | (byte == 0x7F) | (byte == 0xC2);
    let suspect = text.bytes().fold(false, |found, byte| found | is_suspect(byte));
    suspect && text.chars().any(char::is_control)
}

#[inline]
#[allow(clippy::indexing_slicing, reason = "a byte is always below 256")]
const fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const fn mark(classes: &mut [u8; 256], bytes: &[u8], class: u8) {
    let mut index = 0;
    while index < bytes.len() {
        classes[bytes[index] as usize] |= class;
        index += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const fn mark_range(classes: &mut [u8; 256], first: u8, last: u8, class: u8) {
    let mut index = first as usize;
    while index <= last as usize {
        classes[index] |= class;
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_the_classes_that_the_rfcs_put_it_in() {
        for byte in 0..=u8::MAX {
            let alphanumeric = byte.is_ascii_alphanumeric();
            let vchar = byte.is_ascii_graphic();
            let blank = byte == b' ' || byte == b'\t';
            let obs_text = byte >= 0x80;
            // token is VCHAR without the delimiters (RFC 9110, 5.6.2).
            let tchar = vchar && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            // attr-char is tchar without three (RFC 8187, 3.2.1).
            let attr_char = tchar && !b"*'%".contains(&byte);
            let quotable = blank || vchar || obs_text;

            assert_eq!(is_tchar(byte), tchar, "tchar {byte:#x}");
            assert_eq!(is_ows(byte), blank, "OWS {byte:#x}");
            assert_eq!(is_qdtext(byte), quotable && !b"\"\\".contains(&byte), "qdtext {byte:#x}");
            assert_eq!(is_quoted_pair_octet(byte), quotable, "quoted-pair {byte:#x}");
            let token68 = alphanumeric || b"-._~+/".contains(&byte);
            assert_eq!(is_token68_char(byte), token68, "token68 {byte:#x}");
            assert_eq!(is_attr_char(byte), attr_char, "attr-char {byte:#x}");
            assert_eq!(is_value_char(byte), attr_char || byte == b'%', "value-char {byte:#x}");
        }
    }

    #[test]
    fn printable_ascii_is_told_from_the_rest_wherever_it_stands() {
        for length in 0..20 {
            assert!(is_printable_ascii(&vec![b' '; length]));
            assert!(is_printable_ascii(&vec![b'~'; length]));
            for (byte, at) in (0..=u8::MAX).flat_map(|byte| (0..length).map(move |at| (byte, at))) {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                let expected = byte == b' ' || byte.is_ascii_graphic();
                assert_eq!(is_printable_ascii(&bytes), expected, "{byte:#04x} at {at} of {length}");
            }
        }
    }

    #[test]
    fn a_control_character_is_found_among_others() {
        for one in '\0'..='\u{2ff}' {
            assert_eq!(
                has_control_character(&format!("a{one}\u{e9}")),
                one.is_control(),
                "{one:?}"
            );
        }
    }
}
