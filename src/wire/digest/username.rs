//! Who a client says it is, in the readings that real clients need.
//!
//! Many clients neither escape quotes and backslashes in the name nor notice: they put the raw
//! name between the quotes and hash the raw name. Others percent-encode what is not ASCII and hash
//! the name without. So one `username` may be read in up to three ways, and each is tried.

use std::borrow::Cow;

use crate::grammar::{
    chars::{has_control_character, is_printable_ascii},
    percent_decode,
};

/// The readings of a name, in the order in which they are tried; those that fail are `None`.
pub(crate) type Readings<'a> = [Option<Cow<'a, str>>; 3];

/// The readings of a `username` parameter.
///
/// `raw` is what stands between the quotes, `unescaped` the same without backslashes. A reading
/// that is no UTF-8, is empty, holds a control character or repeats another is left out.
pub(crate) fn readings<'a>(raw: &'a [u8], unescaped: Cow<'a, [u8]>) -> Readings<'a> {
    // A text without its backslashes is shorter.
    let is_plain = raw.len() == unescaped.len();
    if is_plain && !raw.contains(&b'%') {
        return [into_user_id(unescaped), None, None];
    }
    let percent_decoded = unescaped
        .contains(&b'%')
        .then(|| percent_decode(&unescaped))
        .flatten()
        .and_then(|bytes| into_user_id(Cow::Owned(bytes)));
    let raw = if is_plain { None } else { into_user_id(Cow::Borrowed(raw)) };
    [into_user_id(unescaped), raw, percent_decoded]
}

/// Whether a text can be a user-id at all.
pub(crate) fn is_user_id(name: &[u8]) -> bool {
    let is_text = || str::from_utf8(name).is_ok_and(|name| !has_control_character(name));
    !name.is_empty() && (is_printable_ascii(name) || is_text())
}

fn into_user_id(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    into_text(bytes).filter(|name| is_user_id(name.as_bytes()))
}

fn into_text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(raw: &[u8], unescaped: &[u8]) -> Vec<String> {
        let readings = readings(raw, Cow::Borrowed(unescaped));
        readings.into_iter().flatten().map(Cow::into_owned).collect()
    }

    #[test]
    fn a_plain_name_has_one_reading() {
        assert_eq!(read(b"alice", b"alice"), ["alice"]);
        assert_eq!(
            read("J\u{e4}son Doe".as_bytes(), "J\u{e4}son Doe".as_bytes()),
            ["J\u{e4}son Doe"]
        );
    }

    #[test]
    fn the_unescaped_reading_comes_before_the_raw_one() {
        assert_eq!(read(br"dom\alice", b"domalice"), ["domalice", r"dom\alice"]);
    }

    #[test]
    fn a_percent_encoded_name_is_tried_last_when_it_decodes_to_utf8() {
        assert_eq!(read(b"J%C3%A4son", b"J%C3%A4son"), ["J%C3%A4son", "J\u{e4}son"]);
        assert_eq!(read(b"J%c3%a4son", b"J%c3%a4son"), ["J%c3%a4son", "J\u{e4}son"]);
        assert_eq!(read(br"a\%41", b"a%41"), ["a%41", r"a\%41", "aA"]);
        for broken in ["100%", "%", "%4", "%zz", "%4z", "%E4", "a%00", "%0d%0a"] {
            assert_eq!(read(broken.as_bytes(), broken.as_bytes()), [broken]);
        }
    }

    #[test]
    fn a_reading_that_can_be_no_user_id_is_left_out() {
        assert!(read(b"", b"").is_empty());
        assert!(read(b"\xe9", b"\xe9").is_empty());
        assert!(read(b"a\tb", b"a\tb").is_empty());
        assert_eq!(read(b"a\\\xe9", b"a\xe9"), [""; 0]);
    }
}
