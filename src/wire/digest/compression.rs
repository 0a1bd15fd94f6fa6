//! The hash functions of Digest, block by block.
//!
//! All three go the same way: a state, into which one block after the other is compressed, the last
//! ones with the padding and the length of the message. The compression is that of `md-5` and
//! `sha2`; what goes into it is put together in [`Message`](super::message::Message), whose tests
//! compare with the hashers of the two crates.

use md5::block_api::compress as compress_md5;
use sha2::block_api::{compress256, compress512};
use zeroize::Zeroize;

/// What tells one hash function from the other.
pub(super) trait Compression: Clone {
    type State: Copy + Zeroize;

    /// The state before the first block.
    const INITIAL: Self::State;
    /// The length of a block in bytes.
    const BLOCK: usize;
    /// How many bytes of the last block are for the length of the message.
    const LENGTH_FIELD: usize;
    /// The length of the hash in bytes.
    const HASH: usize;

    /// Takes in whole blocks.
    fn compress(state: &mut Self::State, blocks: &[u8]);

    /// The last eight bytes of the length field, for a message of so many bits.
    fn length_field(bits: u64) -> [u8; 8];

    /// The state behind an H(A1), if it is one of this function.
    fn behind_key(_: &KeyState) -> Option<&Self::State> {
        None
    }

    /// Writes what the state comes to, as far as there is room.
    fn write(state: &Self::State, to: &mut [u8]);
}

/// The state of SHA-256 behind an H(A1), which in hex is exactly one block of it.
pub(super) type KeyState = <Sha256 as Compression>::State;

/// RFC 1321.
#[derive(Clone)]
pub(super) enum Md5 {}

impl Compression for Md5 {
    type State = [u32; 4];

    const INITIAL: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];
    const BLOCK: usize = 64;
    const LENGTH_FIELD: usize = 8;
    const HASH: usize = 16;

    fn compress(state: &mut [u32; 4], blocks: &[u8]) {
        compress_md5(state, blocks.as_chunks().0);
    }

    fn length_field(bits: u64) -> [u8; 8] {
        bits.to_le_bytes()
    }

    fn write(state: &[u32; 4], to: &mut [u8]) {
        write_words(state.map(u32::to_le_bytes), to);
    }
}

/// FIPS 180-4.
#[derive(Clone)]
pub(super) enum Sha256 {}

impl Compression for Sha256 {
    type State = [u32; 8];

    const INITIAL: [u32; 8] = [
        0x6A09_E667,
        0xBB67_AE85,
        0x3C6E_F372,
        0xA54F_F53A,
        0x510E_527F,
        0x9B05_688C,
        0x1F83_D9AB,
        0x5BE0_CD19,
    ];
    const BLOCK: usize = 64;
    const LENGTH_FIELD: usize = 8;
    const HASH: usize = 32;

    fn compress(state: &mut [u32; 8], blocks: &[u8]) {
        compress256(state, blocks.as_chunks().0);
    }

    fn length_field(bits: u64) -> [u8; 8] {
        bits.to_be_bytes()
    }

    fn behind_key(state: &KeyState) -> Option<&KeyState> {
        Some(state)
    }

    fn write(state: &[u32; 8], to: &mut [u8]) {
        write_words(state.map(u32::to_be_bytes), to);
    }
}

/// FIPS 180-4: SHA-512 with initial values of its own. Of its state half is the hash.
#[derive(Clone)]
pub(super) enum Sha512_256 {}

impl Compression for Sha512_256 {
    type State = [u64; 8];

    const INITIAL: [u64; 8] = [
        0x2231_2194_FC2B_F72C,
        0x9F55_5FA3_C84C_64C2,
        0x2393_B86B_6F53_B151,
        0x9638_7719_5940_EABD,
        0x9628_3EE2_A88E_FFE3,
        0xBE5E_1E25_5386_3992,
        0x2B01_99FC_2C85_B8AA,
        0x0EB7_2DDC_81C5_2CA2,
    ];
    const BLOCK: usize = 128;
    const LENGTH_FIELD: usize = 16;
    const HASH: usize = 32;

    fn compress(state: &mut [u64; 8], blocks: &[u8]) {
        compress512(state, blocks.as_chunks().0);
    }

    fn length_field(bits: u64) -> [u8; 8] {
        bits.to_be_bytes()
    }

    fn write(state: &[u64; 8], to: &mut [u8]) {
        write_words(state.map(u64::to_be_bytes), to);
    }
}

fn write_words<const SIZE: usize, const COUNT: usize>(words: [[u8; SIZE]; COUNT], to: &mut [u8]) {
    for (to, word) in to.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word;
    }
}
