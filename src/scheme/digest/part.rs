//! Where a value stands in the field.

use std::borrow::Cow;

use crate::grammar::{Value, unescape};

/// A stretch of the field that a client sent: a parameter's value, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    start: u32,
    length: u32,
    has_escapes: bool,
}

impl Part {
    pub(super) const NOWHERE: Self = Self { start: 0, length: 0, has_escapes: false };

    /// A part without escapes.
    #[inline]
    pub(super) fn new(start: usize, length: usize) -> Self {
        // Past four gigabytes a part lies outside every field, and is as good as empty.
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: narrow(start), length: narrow(length), has_escapes: false }
    }

    /// Where `value` stands, its position being one in the field.
    pub(super) fn of(value: Value<'_>) -> Self {
        let part = Self::new(value.position(), value.raw().len());
        Self { has_escapes: value.has_escapes(), ..part }
    }

    /// Whether it has to be unescaped.
    pub(super) const fn has_escapes(self) -> bool {
        self.has_escapes
    }

    /// The same part, its backslashes taken for what they are.
    pub(super) const fn literal(self) -> Self {
        Self { has_escapes: false, ..self }
    }

    pub(super) const fn position(self) -> usize {
        self.start as usize
    }

    /// The bytes as sent.
    #[inline]
    pub(super) fn raw(self, field: &[u8]) -> &[u8] {
        let (start, length) = (self.start as usize, self.length as usize);
        field.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// What was meant.
    #[inline(always)]
    pub(super) fn text(self, field: &[u8]) -> Cow<'_, [u8]> {
        let raw = self.raw(field);
        if self.has_escapes { unescaped(raw) } else { Cow::Borrowed(raw) }
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
