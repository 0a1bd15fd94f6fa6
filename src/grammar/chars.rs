//! Byte classes, in one table.
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
//! ```

const TCHAR: u8 = 1;
const OWS: u8 = 1 << 1;
const QDTEXT: u8 = 1 << 2;
const QUOTED_PAIR: u8 = 1 << 3;
const TOKEN68: u8 = 1 << 4;
const ATTR_CHAR: u8 = 1 << 5;

const CLASSES: [u8; 256] = {
    let letter_or_digit = TCHAR | TOKEN68 | ATTR_CHAR;
    let mut classes = [0; 256];
    mark_range(&mut classes, b'0', b'9', letter_or_digit);
    mark_range(&mut classes, b'A', b'Z', letter_or_digit);
    mark_range(&mut classes, b'a', b'z', letter_or_digit);
    mark(&mut classes, b"!#$%&'*+-.^_`|~", TCHAR);
    mark(&mut classes, b"-._~+/", TOKEN68);
    mark(&mut classes, b"!#$&+-.^_`|~", ATTR_CHAR);
    mark(&mut classes, b"\t ", OWS | QDTEXT | QUOTED_PAIR);
    mark(&mut classes, b"!", QDTEXT);
    mark_range(&mut classes, 0x23, 0x5B, QDTEXT);
    mark_range(&mut classes, 0x5D, 0x7E, QDTEXT);
    mark_range(&mut classes, 0x21, 0x7E, QUOTED_PAIR);
    mark_range(&mut classes, 0x80, 0xFF, QDTEXT | QUOTED_PAIR);
    classes
};

/// Returns whether `byte` can be part of a token: a scheme, a parameter's name, an unquoted value.
pub(crate) const fn is_tchar(byte: u8) -> bool {
    is(byte, TCHAR)
}

/// Returns whether `byte` is optional whitespace: a space or a horizontal tab.
pub(super) const fn is_ows(byte: u8) -> bool {
    is(byte, OWS)
}

/// Returns whether `byte` can be in a quoted-string unescaped: not a quote, a backslash or a
/// control character other than the tab.
pub(super) const fn is_qdtext(byte: u8) -> bool {
    is(byte, QDTEXT)
}

/// Returns whether `byte` can follow the backslash of a quoted-pair: anything but a control
/// character other than the tab.
pub(super) const fn is_quoted_pair_octet(byte: u8) -> bool {
    is(byte, QUOTED_PAIR)
}

/// Returns whether `byte` can be part of a token68 before the `=` at its end.
pub(super) const fn is_token68_char(byte: u8) -> bool {
    is(byte, TOKEN68)
}

/// Returns whether `byte` need not be percent-encoded in an extended value.
pub(super) const fn is_attr_char(byte: u8) -> bool {
    is(byte, ATTR_CHAR)
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
    fn puts_every_byte_into_the_classes_of_the_rfcs() {
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
        }
    }
}
