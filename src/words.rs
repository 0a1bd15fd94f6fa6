//! Bytes by the eight, as one number.

/// The highest bit of each byte.
pub(crate) const HIGHEST_BITS: u64 = each(0x80);

/// The same in each byte.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Has one of [`HIGHEST_BITS`] set exactly if one of the bytes is `byte`; other bits mean nothing.
pub(crate) const fn has(word: u64, byte: u8) -> u64 {
    let differences = word ^ each(byte);
    differences.wrapping_sub(each(1)) & !differences
}

/// The same for a byte below `limit`, which is 128 at most.
pub(crate) const fn has_below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(each(limit)) & !word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_among_others_wherever_it_stands() {
        for others in [0x00, 0x01, 0x1F, 0x20, 0x41, 0x7F, 0x80, 0x81, 0xFF] {
            for (byte, at) in (0..=u8::MAX).flat_map(|byte| (0..8).map(move |at| (byte, at))) {
                let mut bytes = [others; 8];
                bytes[at] = byte;
                let word = u64::from_ne_bytes(bytes);
                for sought in [0x00, 0x22, 0x5C, 0x7F, 0x80, 0xFF] {
                    let found = has(word, sought) & HIGHEST_BITS != 0;
                    assert_eq!(found, bytes.contains(&sought), "{sought:#x} in {bytes:x?}");
                }
                for limit in [0x01, 0x20, 0x80] {
                    let found = has_below(word, limit) & HIGHEST_BITS != 0;
                    let expected = bytes.iter().any(|&byte| byte < limit);
                    assert_eq!(found, expected, "below {limit:#x} in {bytes:x?}");
                }
            }
        }
    }
}
