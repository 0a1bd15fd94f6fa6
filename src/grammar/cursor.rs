//! A place in a field. With `runs`, the only code of the full grammar that looks
//! at the bytes that are parsed.

use super::{
    chars::is_ows,
    runs::{qdtext_run, token_run},
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// A place in a list or field. A copy marks a place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// How many of them have been read.
    read: usize,
    /// Where in the field they begin.
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, read: 0, offset }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    pub(super) const fn position(&self) -> usize {
        // A caller may have said that its slice lies at the end of the address space.
        self.offset.saturating_add(self.read)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.read >= self.bytes.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        looks::add(1);
        self.bytes.get(self.read).copied()
    }

    /// Steps over one byte, if there is one.
    pub(super) const fn advance(&mut self) {
        if !self.is_at_end() {
            self.read += 1;
        }
    }

    /// Steps over `byte` if it is the next one, and says whether it was.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the longest run of bytes of one class, which may be empty.
    pub(super) fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !class(byte));
        looks::add(end.unwrap_or(rest.len()) + 1);
        self.skip(end.unwrap_or(rest.len()));
        end.map_or(rest, |end| rest.get(..end).unwrap_or_default())
    }

    /// Takes a token, which may be empty.
    pub(super) fn take_token(&mut self) -> &'a [u8] {
        let start = *self;
        self.skip(token_run(self.rest()));
        self.since(start)
    }

    /// Steps over what may stand in a quoted-string without an escape.
    pub(super) fn skip_qdtext(&mut self) {
        self.skip(qdtext_run(self.rest()));
    }

    /// Steps over bytes that have been looked at.
    pub(super) const fn skip(&mut self, run: usize) {
        self.read += run;
    }

    pub(super) fn skip_ows(&mut self) {
        while self.peek().is_some_and(is_ows) {
            self.advance();
        }
    }

    /// Forgets the whitespace at the end of what is left to read.
    pub(super) fn drop_ows_at_end(&mut self) {
        while !self.is_at_end()
            && let Some((&last, before)) = self.bytes.split_last()
        {
            looks::add(1);
            if !is_ows(last) {
                break;
            }
            self.bytes = before;
        }
    }

    /// Steps over whitespace and commas to the next member of a list, and says whether there was
    /// a comma among them.
    pub(super) fn skip_to_member(&mut self) -> bool {
        let mut found = false;
        while let Some(byte) = self.peek().filter(|&byte| byte == b',' || is_ows(byte)) {
            found |= byte == b',';
            self.advance();
        }
        found
    }

    /// What has been read since the cursor stood at `start`.
    pub(super) fn since(&self, start: Self) -> &'a [u8] {
        self.bytes.get(start.read..self.read).unwrap_or_default()
    }

    pub(super) const fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError::new(kind, self.position())
    }
}

/// Counts, in tests, how often a byte was looked at, so that a parser that goes over its input
/// again and again fails without a stopwatch.
pub(super) mod looks {
    #[cfg(test)]
    std::thread_local! {
        static COUNT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    pub(in crate::grammar) fn add(looks: usize) {
        #[cfg(test)]
        COUNT.set(COUNT.get() + looks);
        #[cfg(not(test))]
        let _ = looks;
    }

    /// How many looks `work` takes.
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
    fn positions_count_from_the_beginning_of_the_field() {
        let mut cursor = Cursor::new(b"abc  , d", 10);
        assert_eq!(cursor.take_while(|byte| byte.is_ascii_alphabetic()), b"abc");
        assert_eq!(cursor.position(), 13);
        assert!(cursor.skip_to_member());
        assert_eq!((cursor.position(), cursor.rest()), (17, b"d".as_slice()));
        assert!(!cursor.eat(b'e'));
        assert!(cursor.eat(b'd'));
        cursor.advance();
        assert_eq!((cursor.position(), cursor.peek()), (18, None));
    }

    #[test]
    fn a_position_at_the_end_of_the_address_space_does_not_overflow() {
        let mut cursor = Cursor::new(b"abc", usize::MAX - 1);
        let start = cursor;
        cursor.take_while(|_| true);
        assert_eq!((cursor.position(), cursor.since(start)), (usize::MAX, b"abc".as_slice()));
    }
}
