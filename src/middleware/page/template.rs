//! A body with gaps for what differs between two refusals of a kind.

use bytes::Bytes;

use crate::{authenticator::Refusal, event::ReferenceId};

/// A body that is complete but for the gaps.
#[derive(Debug, Default)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// A gap for the reference.
    Reference,
}

impl Template {
    /// Appends a text.
    pub(super) fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends the gap for the reference.
    pub(super) fn push_reference(&mut self) {
        self.0.push(Piece::Reference);
    }

    /// Fills the gaps.
    pub(super) fn render(&self, refusal: &Refusal) -> Bytes {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Reference => ReferenceId::LENGTH,
        };
        let mut body = Vec::with_capacity(self.0.iter().map(length).sum());
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => body.extend_from_slice(text.as_bytes()),
                Piece::Reference => {
                    let digits = refusal.reference_id().map(ReferenceId::digits);
                    body.extend_from_slice(digits.as_ref().map_or(&[], <[u8; _]>::as_slice));
                }
            }
        }
        body.into()
    }
}
