//! Where a value stands in the field.

use std::borrow::Cow;

use crate::grammar::{Value, unescape};

/// A stretch of the field that a client sent: a parameter's value, without its quotes.
///
/// Parts are copied a lot, so one takes eight bytes: the flag lies in the length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    start: u32,
    /// The length, and [`ESCAPES`](Self::ESCAPES).
    length: u32,
}

impl Part {
    /// Set where something has to be unescaped.
    const ESCAPES: u32 = 1 << 31;

    pub(super) const NOWHERE: Self = Self { start: 0, length: 0 };

    /// A part without escapes.
    #[inline]
    pub(super) fn new(start: usize, length: usize) -> Self {
        match (u32::try_from(start), u32::try_from(length)) {
            (Ok(start), Ok(length)) if length & Self::ESCAPES == 0 => Self { start, length },
            // More than two gigabytes, or past the fourth one: taken for nothing.
            _ => Self::NOWHERE,
        }
    }

    /// Where `value` stands, its position being one in the field.
    pub(super) fn of(value: Value<'_>) -> Self {
        let part = Self::new(value.position(), value.raw().len());
        if value.has_escapes() {
            Self { length: part.length | Self::ESCAPES, ..part }
        } else {
            part
        }
    }

    /// Whether it has to be unescaped.
    pub(super) const fn has_escapes(self) -> bool {
        self.length & Self::ESCAPES != 0
    }

    /// The same part, its backslashes taken for what they are.
    pub(super) const fn literal(self) -> Self {
        Self { length: self.length & !Self::ESCAPES, ..self }
    }

    pub(super) const fn position(self) -> usize {
        self.start as usize
    }

    /// The bytes as sent.
    #[inline]
    pub(super) fn raw(self, field: &[u8]) -> &[u8] {
        let (start, length) = (self.start as usize, self.literal().length as usize);
        field.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// What was meant.
    #[inline(always)]
    pub(super) fn text(self, field: &[u8]) -> Cow<'_, [u8]> {
        let raw = self.raw(field);
        if self.has_escapes() { unescaped(raw) } else { Cow::Borrowed(raw) }
    }

    /// Whether `text` was meant, in whatever case.
    #[inline]
    pub(super) fn is(self, text: &str, field: &[u8]) -> bool {
        self.text(field).eq_ignore_ascii_case(text.as_bytes())
    }
}

#[cold]
fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(unescape(raw).collect())
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_far_or_too_long_is_nowhere() {
        let (field, far) = (b"0123456789", 1 << 31);
        for start in [far, far + 5, 2 * far, 2 * far + 5, usize::MAX] {
            assert_eq!(Part::new(start, 3).raw(field), b"", "{start}");
        }
        for length in [far, far + 5, 2 * far, usize::MAX] {
            let part = Part::new(0, length);
            assert_eq!((part.raw(field), part.has_escapes()), (b"".as_slice(), false), "{length}");
        }
    }

    #[test]
    fn the_flag_changes_nothing_of_the_place() {
        let part = Part { length: 3 | Part::ESCAPES, ..Part::new(2, 3) };
        assert!(part.has_escapes() && !part.literal().has_escapes());
        assert_eq!((part.position(), part.raw(b"0123456789")), (2, b"234".as_slice()));
        assert_eq!(size_of::<Part>(), 8);
    }
}
