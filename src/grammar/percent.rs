//! Percent-encoding, [RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1).

/// Decodes percent-encoded bytes; `None` if a `%` is not followed by two hex digits.
pub(crate) fn percent_decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    loop {
        rest = match rest {
            [b'%', high, low, rest @ ..] => {
                let mut byte = [0];
                base16ct::mixed::decode([*high, *low], &mut byte).ok()?;
                decoded.extend(byte);
                rest
            }
            [b'%', ..] => return None,
            [byte, rest @ ..] => {
                decoded.push(*byte);
                rest
            }
            [] => return Some(decoded),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_in_either_case() {
        let table: [(&str, &[u8]); 6] = [
            ("", b""),
            ("alice", b"alice"),
            ("J%C3%a4son", "J\u{e4}son".as_bytes()),
            ("%00%fF", b"\0\xff"),
            ("%2525", b"%25"),
            ("a b\"", b"a b\""),
        ];
        for (encoded, decoded) in table {
            assert_eq!(percent_decode(encoded.as_bytes()).as_deref(), Some(decoded), "{encoded}");
        }
    }

    #[test]
    fn refuses_incomplete_escapes() {
        for encoded in ["%", "a%", "%4", "%zz", "%4z", "%z4", "%%41", "%+1", "100% sure"] {
            assert_eq!(percent_decode(encoded.as_bytes()), None, "{encoded}");
        }
    }
}
