//! A message on its way into a hash function.
//!
//! Digest hashes a handful of short fields with colons between them. To hand them one by one to
//! a hash function takes as long as to hash some of them, so they are put together first.

use zeroize::Zeroize as _;

use super::{compression::Compression, hash::Hash, seal};

/// How many bytes are put together before they are compressed: whole blocks of each function, and
/// enough for nearly all messages.
const CAPACITY: usize = 256;
/// The padding and the length of a message may need a block more.
const LONGEST_BLOCK: usize = 128;
/// As words, which are wiped in an eighth of the time that bytes take.
const WORDS: usize = (CAPACITY + LONGEST_BLOCK) / size_of::<u64>();

/// The beginning of a message. Wiped when dropped.
#[derive(Clone)]
pub(super) struct Message<C: Compression> {
    state: C::State,
    words: [u64; WORDS],
    /// How many bytes wait in `words`.
    waiting: usize,
    /// How many bytes have been compressed: whole blocks.
    compressed: u64,
    /// How many bytes of `words` have ever been written.
    written: usize,
}

impl<C: Compression> Message<C> {
    /// Nothing yet.
    #[inline]
    pub(super) const fn new() -> Self {
        Self { state: C::INITIAL, words: [0; WORDS], waiting: 0, compressed: 0, written: 0 }
    }

    /// Begins anew, with this field.
    #[inline]
    pub(super) fn begin(&mut self, first: &[u8]) {
        (self.state, self.waiting, self.compressed) = (C::INITIAL, 0, 0);
        match self.room(first.len()) {
            Some(room) => copy(first, room),
            None => self.push(first),
        }
    }

    /// Begins anew behind a field of `length` bytes, whole blocks, that has led to `state`.
    #[inline]
    pub(super) fn begin_behind(&mut self, state: &C::State, length: usize) {
        (self.state, self.waiting, self.compressed) = (*state, 0, length as u64);
    }

    /// Adds a colon and another field.
    #[inline]
    pub(super) fn add(&mut self, field: &[u8]) {
        match self.room(1 + field.len()) {
            Some([colon, room @ ..]) => {
                *colon = b':';
                copy(field, room);
            }
            _ => {
                self.push(b":");
                self.push(field);
            }
        }
    }

    fn push(&mut self, mut bytes: &[u8]) {
        while let Some((now, later)) = bytes.split_at_checked(CAPACITY - self.waiting) {
            if let Some(room) = self.room(now.len()) {
                room.copy_from_slice(now);
            }
            self.compress(CAPACITY);
            bytes = later;
        }
        if let Some(room) = self.room(bytes.len()) {
            room.copy_from_slice(bytes);
        }
    }

    /// Room for so many bytes behind those that wait, which they take; `None` if there is not as
    /// much.
    #[inline]
    fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        let (start, end) = (self.waiting, self.waiting + length);
        if end > CAPACITY {
            return None;
        }
        self.waiting = end;
        self.written = self.written.max(end);
        bytemuck::bytes_of_mut(&mut self.words).get_mut(start..end)
    }

    /// Compresses the first `length` bytes: whole blocks, and all that wait.
    fn compress(&mut self, length: usize) {
        let blocks = bytemuck::bytes_of(&self.words).get(..length).unwrap_or_default();
        C::compress(&mut self.state, blocks);
        self.compressed += length as u64;
        self.waiting = 0;
    }

    /// The hash of the message, which is at its end then: only another one can begin.
    #[inline]
    pub(super) fn hash(&mut self) -> Hash {
        let bits = 8 * (self.compressed + self.waiting as u64);
        let end = (self.waiting + 1 + C::LENGTH_FIELD).next_multiple_of(C::BLOCK);
        if let Some(([mark, zeros @ ..], length)) = bytemuck::bytes_of_mut(&mut self.words)
            .get_mut(self.waiting..end)
            .and_then(<[u8]>::split_last_chunk_mut)
        {
            *mark = 0x80;
            zeros.fill(0);
            *length = C::length_field(bits);
        }
        self.written = self.written.max(end);
        self.compress(end);
        Hash::of_state::<C>(&self.state)
    }
}

/// Copies a field to a place of the same length. Most have one of a few lengths, and need no call
/// then.
#[inline]
fn copy(field: &[u8], to: &mut [u8]) {
    #[inline]
    fn of_length<const LENGTH: usize>(field: &[u8], to: &mut [u8]) -> bool {
        match (<&[u8; LENGTH]>::try_from(field), <&mut [u8; LENGTH]>::try_from(to)) {
            (Ok(field), Ok(to)) => {
                *to = *field;
                true
            }
            _ => false,
        }
    }
    let copied = of_length::<8>(field, to) // nc
        || of_length::<4>(field, to) // qop
        || of_length::<32>(field, to) // a hash by MD5
        || of_length::<64>(field, to) // a hash by one of the others
        || of_length::<{ seal::TEXT_LENGTH }>(field, to);
    if !copied {
        to.copy_from_slice(field);
    }
}

impl<C: Compression> Drop for Message<C> {
    fn drop(&mut self) {
        self.state.zeroize();
        let written = self.written.div_ceil(size_of::<u64>());
        if let Some(written) = self.words.get_mut(..written) {
            written.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::{
        super::compression::{Md5, Sha256, Sha512_256},
        *,
    };

    fn joined<C: Compression>(fields: &[Vec<u8>]) -> Hash {
        let mut message = Message::<C>::new();
        message.begin(&fields[0]);
        for field in &fields[1..] {
            message.add(field);
        }
        message.hash()
    }

    #[track_caller]
    fn check(fields: &[Vec<u8>]) {
        let whole = fields.join(&b':');
        let lengths: Vec<_> = fields.iter().map(Vec::len).collect();
        let md5 = joined::<Md5>(fields);
        assert_eq!(md5.as_bytes(), md5::Md5::digest(&whole).as_slice(), "{lengths:?}");
        let sha256 = joined::<Sha256>(fields);
        assert_eq!(sha256.as_bytes(), sha2::Sha256::digest(&whole).as_slice(), "{lengths:?}");
        let sha512 = joined::<Sha512_256>(fields);
        assert_eq!(sha512.as_bytes(), sha2::Sha512_256::digest(&whole).as_slice(), "{lengths:?}");
    }

    #[test]
    fn hashes_messages_of_any_length() {
        for length in 0..3 * CAPACITY {
            check(&[vec![b'a'; length]]);
        }
    }

    #[test]
    fn fields_are_joined_wherever_they_end() {
        for first in 0..2 * CAPACITY {
            check(&[vec![b'a'; first], b"b".into(), vec![], vec![b'c'; CAPACITY]]);
        }
    }

    #[test]
    fn goes_on_behind_blocks_that_were_compressed_before() {
        let (key, rest) = ([b'k'; 64], [b'r'; 300]);
        let mut state = Sha256::INITIAL;
        Sha256::compress(&mut state, &key);
        let mut message = Message::<Sha256>::new();
        message.begin_behind(&state, key.len());
        message.add(&rest);
        let whole = joined::<Sha256>(&[key.to_vec(), rest.to_vec()]);
        assert_eq!(message.hash().as_bytes(), whole.as_bytes());
    }

    #[test]
    fn another_message_begins_anew_in_the_same_place() {
        fn check<C: Compression>() {
            let mut message = Message::<C>::new();
            for length in [300, 3, 0, 257, 64, 256, 100] {
                let field = vec![b'a'; length];
                message.begin(&field);
                message.add(b"b");
                let fresh = joined::<C>(&[field, b"b".into()]);
                assert_eq!(message.hash().as_bytes(), fresh.as_bytes(), "{length}");
            }
            message.begin_behind(&C::INITIAL, 0);
            message.add(b"b");
            let fresh = joined::<C>(&[vec![], b"b".into()]);
            assert_eq!(message.hash().as_bytes(), fresh.as_bytes());
        }
        check::<Md5>();
        check::<Sha256>();
        check::<Sha512_256>();
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let mut begun = Message::<Md5>::new();
        begun.begin(&[b'a'; 300]);
        let mut copy = begun.clone();
        begun.add(b"b");
        copy.add(b"c");
        assert_eq!(
            begun.hash().as_bytes(),
            joined::<Md5>(&[vec![b'a'; 300], b"b".into()]).as_bytes()
        );
        assert_eq!(
            copy.hash().as_bytes(),
            joined::<Md5>(&[vec![b'a'; 300], b"c".into()]).as_bytes()
        );
    }

    proptest! {
        #[test]
        fn hashes_what_the_hash_functions_hash(
            fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..6)
        ) {
            check(&fields);
        }
    }
}
