//! The base64 of crypt(3): its own alphabet, low bits first, and the bytes of the hash permuted.

use zeroize::{Zeroize as _, Zeroizing};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The positions of the bytes of a hash in the text: three for four characters, with the lowest
/// bits last.
pub(super) type Order = [u8];

pub(super) const MD5: &Order = &[0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11];

pub(super) const SHA256: &Order = &[
    0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28,
    8, 9, 19, 29, 31, 30,
];

pub(super) const SHA512: &Order = &[
    0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8,
    29, 9, 30, 51, 31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58,
    16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, 63,
];

/// Writes a hash.
pub(super) fn encode(order: &Order, hash: &[u8]) -> String {
    let mut text = String::new();
    for group in order.chunks(3) {
        let bytes = group.iter().map(|&at| hash.get(usize::from(at)).copied().unwrap_or_default());
        let mut bits = bytes.fold(0_u32, |bits, byte| bits << 8 | u32::from(byte));
        for _ in 0..=group.len() {
            text.push(digit(bits));
            bits >>= 6;
        }
    }
    text
}

/// Reads a hash. `None` if the text has another length, another character, or superfluous bits.
pub(super) fn decode(order: &Order, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut hash = Zeroizing::new(vec![0; order.len()]);
    let mut rest = text.as_bytes();
    for group in order.chunks(3) {
        let (digits, after) = rest.split_at_checked(group.len() + 1)?;
        rest = after;
        let mut bits = 0_u32;
        for &digit in digits.iter().rev() {
            bits = bits << 6 | u32::from(value(digit)?);
        }
        if bits >> (8 * group.len()) != 0 {
            return None;
        }
        for &at in group.iter().rev() {
            *hash.get_mut(usize::from(at))? = bits.to_le_bytes()[0];
            bits >>= 8;
        }
    }
    rest.is_empty().then_some(hash)
}

/// Reads bytes in their order. `None` if the text has an impossible length, another character, or
/// superfluous bits.
pub(super) fn decode_in_order(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let length = u8::try_from(text.len() * 3 / 4).ok()?;
    let mut order: Vec<u8> = (0..length).collect();
    order.chunks_mut(3).for_each(<[u8]>::reverse);
    decode(&order, text)
}

/// A random salt of `N` characters.
pub(super) fn salt<const N: usize>() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; N];
    getrandom::fill(&mut random)?;
    let salt = random.iter().map(|&byte| digit(byte.into())).collect();
    random.zeroize();
    Ok(salt)
}

/// The character for the lowest six bits.
fn digit(bits: u32) -> char {
    ALPHABET.get((bits & 0x3F) as usize).map_or('.', |&digit| char::from(digit))
}

/// The position of a character in the alphabet.
const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'.'..=b'9' => Some(digit - b'.'),
        b'A'..=b'Z' => Some(digit - b'A' + 12),
        b'a'..=b'z' => Some(digit - b'a' + 38),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trip(order: &Order, length: usize) {
        let mut used = order.to_vec();
        used.sort_unstable();
        assert!(
            used.iter().enumerate().all(|(at, &byte)| at == usize::from(byte)),
            "each byte once"
        );
        let hash: Vec<_> = (0..order.len()).map(|at| (at * 37) as u8).collect();
        let text = encode(order, &hash);
        assert_eq!(text.len(), length);
        assert_eq!(decode(order, &text).as_deref(), Some(&hash));
        for broken in [&text[1..], &format!("{text}."), &text.replacen(&text[..1], "!", 1), ""] {
            assert_eq!(decode(order, broken), None, "{broken}");
        }
        // The last character holds fewer bits than fit.
        assert_eq!(decode(order, &format!("{}z", &text[..length - 1])), None);
    }

    #[test]
    fn every_character_has_its_position() {
        for byte in 0..=u8::MAX {
            let expected = ALPHABET.iter().position(|&known| known == byte);
            assert_eq!(value(byte).map(usize::from), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn hashes_survive_a_round_trip() {
        round_trip(MD5, 22);
        round_trip(SHA256, 43);
        round_trip(SHA512, 86);
    }

    #[test]
    fn salts_are_random_and_have_their_length() {
        let salts = [salt::<16>().unwrap(), salt::<16>().unwrap()];
        assert_ne!(salts[0], salts[1]);
        assert!(salts.iter().all(|salt| salt.bytes().all(|byte| ALPHABET.contains(&byte))));
        assert!(salts.iter().all(|salt| salt.len() == 16));
    }
}
