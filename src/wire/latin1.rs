//! ISO-8859-1, which some clients send instead of UTF-8.

use zeroize::Zeroizing;

/// Decodes UTF-8, or else Latin-1 if that is allowed.
///
/// The string reuses the bytes of UTF-8; other bytes are wiped.
pub(super) fn decode_text(bytes: Vec<u8>, latin1: bool) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            latin1.then(|| decode_latin1(&bytes))
        }
    }
}

/// Decodes Latin-1, the first 256 code points of Unicode.
///
/// The string has its final capacity from the start, so that no copy of a password is left behind.
fn decode_latin1(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().map(|&byte| char::from(byte)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_every_byte() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let text = decode_latin1(&bytes);
        assert!(text.chars().eq('\0'..='\u{ff}'));
        assert_eq!(text.capacity(), 512);
    }
}
