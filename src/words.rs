//! Bytes by the eight, as numbers.

/// The highest bit of each byte.
pub(crate) const HIGHEST_BITS: u64 = each(0x80);

/// The same in each byte.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// A number whose highest bits are set at the first byte, counted from the lowest, that is `byte`,
/// and at none before it. What they are after it means nothing.
pub(crate) const fn first_equal(word: u64, byte: u8) -> u64 {
    let differences = word ^ each(byte);
    differences.wrapping_sub(each(1)) & !differences
}

/// The same for the first byte below `limit`, which is 128 at most.
pub(crate) const fn first_below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(each(limit)) & !word
}
