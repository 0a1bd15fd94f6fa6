//! A place in a field: the only code that looks at the bytes that are parsed.

use super::{
    chars::is_ows,
    syntax_error::{SyntaxError, SyntaxErrorKind},
};

/// What is left to read, and where in the field it begins. A copy marks a place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(rest: &'a [u8], position: usize) -> Self {
        Self { rest, position }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        looks::add(1);
        self.rest.first().copied()
    }

    /// Steps over one byte, if there is one.
    pub(super) fn advance(&mut self) {
        self.skip(1);
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
        let start = *self;
        let length = self.rest.iter().take_while(|&&byte| class(byte)).count();
        looks::add(length + 1);
        self.skip(length);
        self.since(start)
    }

    pub(super) fn skip_ows(&mut self) {
        self.take_while(is_ows);
    }

    /// Forgets the whitespace at the end of what is left to read.
    pub(super) fn drop_ows_at_end(&mut self) {
        while let Some((&last, before)) = self.rest.split_last() {
            looks::add(1);
            if !is_ows(last) {
                break;
            }
            self.rest = before;
        }
    }

    /// Steps over whitespace and commas to the next member of a list, and says whether there was
    /// a comma among them.
    pub(super) fn skip_to_member(&mut self) -> bool {
        self.take_while(|byte| byte == b',' || is_ows(byte)).contains(&b',')
    }

    /// What has been read since the cursor stood at `start`.
    pub(super) fn since(&self, start: Self) -> &'a [u8] {
        let length = start.rest.len().saturating_sub(self.rest.len());
        start.rest.get(..length).unwrap_or_default()
    }

    pub(super) const fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError::new(kind, self.position)
    }

    fn skip(&mut self, length: usize) {
        let length = length.min(self.rest.len());
        self.rest = self.rest.get(length..).unwrap_or_default();
        // A caller may have said that its slice lies at the end of the address space.
        self.position = self.position.saturating_add(length);
    }
}

/// Counts, in tests, how often a byte was looked at, so that a parser that goes over its input
/// again and again fails without a stopwatch.
pub(super) mod looks {
    #[cfg(test)]
    std::thread_local! {
        static COUNT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    pub(super) fn add(looks: usize) {
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
