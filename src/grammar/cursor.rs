//! A position in a field, through which all parsers read.

use super::{
    chars::is_ows,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// A position in a field. Parsing ends where `bytes` end.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    /// Returns the offset from the start of the field.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Returns the next byte without reading it.
    pub(super) fn peek(&self) -> Option<u8> {
        byte_reads::add(1);
        self.bytes.get(self.position).copied()
    }

    /// Skips one byte, if there is one.
    pub(super) const fn advance(&mut self) {
        if !self.is_at_end() {
            self.position += 1;
        }
    }

    /// Skips `byte` if it is the next one, and returns whether it was.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance();
        }
        found
    }

    /// Reads the longest run of bytes of one class, which may be empty.
    pub(super) fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest.iter().position(|&byte| !class(byte)).unwrap_or(rest.len());
        byte_reads::add(length + 1);
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn skip_ows(&mut self) {
        self.take_while(is_ows);
    }

    /// Skips whitespace and commas up to the next member of a list.
    pub(super) fn skip_to_member(&mut self) {
        self.take_while(|byte| byte == b',' || is_ows(byte));
    }

    pub(super) const fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError::new(kind, self.position)
    }
}

/// Counts in tests how often a byte is read, so that a parser that is not linear fails without a
/// stopwatch.
pub(super) mod byte_reads {
    #[cfg(test)]
    std::thread_local! {
        static COUNT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    pub(super) fn add(reads: usize) {
        #[cfg(test)]
        COUNT.set(COUNT.get() + reads);
        #[cfg(not(test))]
        let _ = reads;
    }

    /// Returns how many bytes `work` reads.
    #[cfg(test)]
    pub(in crate::grammar) fn during(work: impl FnOnce()) -> usize {
        let before = COUNT.get();
        work();
        COUNT.get() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_offsets_from_the_start_of_the_field() {
        let mut cursor = Cursor::new(b"--abc  , d", 2);
        assert_eq!(cursor.take_while(|byte| byte.is_ascii_alphabetic()), b"abc");
        assert_eq!(cursor.position(), 5);
        cursor.skip_to_member();
        assert_eq!((cursor.position(), cursor.peek()), (9, Some(b'd')));
        assert!(!cursor.eat(b'e'));
        assert!(cursor.eat(b'd'));
        cursor.advance();
        assert_eq!((cursor.position(), cursor.peek()), (10, None));
    }

    #[test]
    fn nothing_is_left_past_the_end() {
        for position in [3, 4, usize::MAX] {
            let mut cursor = Cursor::new(b"abc", position);
            assert!(cursor.is_at_end());
            cursor.skip_to_member();
            assert_eq!((cursor.peek(), cursor.position()), (None, position));
        }
    }
}
