//! A body with gaps for what differs between two refusals of a kind.

use std::{fmt::Write as _, time::SystemTime};

use bytes::Bytes;
use humantime::format_rfc3339_seconds;

use crate::{
    authenticator::{Maintenance, Refusal},
    event::ReferenceId,
};

/// A body that is complete but for the gaps.
pub(super) struct Template {
    times: TimeFormat,
    pieces: Vec<Piece>,
}

enum Piece {
    Text(String),
    /// A gap and the texts around it, which are omitted if there is nothing to fill in.
    Gap {
        before: String,
        gap: Gap,
        after: String,
    },
}

/// What a refusal fills in.
#[derive(Clone, Copy)]
pub(super) enum Gap {
    /// The reference.
    Reference,
    /// When the maintenance started.
    Since,
    /// When the maintenance is expected to end.
    Until,
}

/// How times are written, always in UTC.
#[derive(Clone, Copy)]
pub(super) enum TimeFormat {
    /// `2026-11-28 14:00 UTC`
    People,
    /// `2026-11-28T14:00:00Z`, [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)
    Programs,
}

impl Template {
    pub(super) const fn new(times: TimeFormat) -> Self {
        Self { times, pieces: Vec::new() }
    }

    /// Appends a text.
    pub(super) fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends a gap between two texts.
    pub(super) fn push_gap(&mut self, before: &str, gap: Gap, after: &str) {
        let (before, after) = (before.to_owned(), after.to_owned());
        self.pieces.push(Piece::Gap { before, gap, after });
    }

    /// Fills the gaps.
    pub(super) fn render(&self, refusal: &Refusal) -> Bytes {
        let mut body = Vec::with_capacity(self.pieces.iter().map(Piece::length).sum());
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => body.extend_from_slice(text.as_bytes()),
                Piece::Gap { before, gap, after } => {
                    let start = body.len();
                    body.extend_from_slice(before.as_bytes());
                    if gap.fill(refusal, self.times, &mut body).is_some() {
                        body.extend_from_slice(after.as_bytes());
                    } else {
                        body.truncate(start);
                    }
                }
            }
        }
        body.into()
    }
}

impl Piece {
    /// The maximum length in bytes.
    const fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Gap { before, gap, after } => before.len() + gap.length() + after.len(),
        }
    }
}

impl Gap {
    const fn length(self) -> usize {
        match self {
            Self::Reference => ReferenceId::LENGTH,
            Self::Since | Self::Until => "2026-11-28T14:00:00Z".len(),
        }
    }

    /// Appends the value of a refusal, if it has one.
    fn fill(self, refusal: &Refusal, times: TimeFormat, body: &mut Vec<u8>) -> Option<()> {
        let time = match self {
            Self::Reference => {
                body.extend_from_slice(&refusal.reference_id()?.digits());
                return Some(());
            }
            Self::Since => refusal.maintenance()?.since(),
            Self::Until => refusal.maintenance().as_ref().and_then(Maintenance::until)?,
        };
        body.extend_from_slice(times.format(time)?.as_bytes());
        Some(())
    }
}

impl TimeFormat {
    /// Writes a time; `None` before 1970 or after 9999.
    fn format(self, time: SystemTime) -> Option<String> {
        // The formatter panics before 1970.
        time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let mut text = String::new();
        write!(text, "{}", format_rfc3339_seconds(time)).ok()?;
        Some(match self {
            Self::People => format!("{} UTC", text.get(..16)?.replace('T', " ")),
            Self::Programs => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::reason::Reason;

    #[test]
    fn writes_times_in_utc() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (time, people, programs) in [
            (at(0), Some("1970-01-01 00:00 UTC"), Some("1970-01-01T00:00:00Z")),
            (at(1_795_874_459), Some("2026-11-28 14:00 UTC"), Some("2026-11-28T14:00:59Z")),
            (at(253_402_300_799), Some("9999-12-31 23:59 UTC"), Some("9999-12-31T23:59:59Z")),
            (at(253_402_300_800), None, None),
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), None, None),
        ] {
            assert_eq!(TimeFormat::People.format(time).as_deref(), people);
            assert_eq!(TimeFormat::Programs.format(time).as_deref(), programs);
        }
    }

    #[test]
    fn omits_what_surrounds_an_empty_gap() {
        let mut template = Template::new(TimeFormat::People);
        template.push("a");
        template.push_gap(" from ", Gap::Since, ",");
        template.push_gap(" see ", Gap::Reference, ".");
        template.push(" b");
        assert_eq!(template.render(&Refusal::new(Reason::Forbidden)), "a b");
    }
}
