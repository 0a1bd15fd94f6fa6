//! The line of one request in the audit file.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use tower_proxy_auth::{
    Reason, UserId,
    event::{AuthEvent, Escaped},
};

/// The maximum number of characters of a method.
const MAX_METHOD: usize = 200;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    method: String,
    target: String,
    /// Which rule has denied the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_us: Option<u64>,
    id: String,
}

/// Makes the line of a request, with its line break. It is printable ASCII.
pub(super) fn of(event: &AuthEvent) -> String {
    let line = Line {
        time: humantime::format_rfc3339_micros(event.time()).to_string(),
        outcome: event.reason().is_none().then(|| event.name()),
        reason: event.reason().map(Reason::as_str),
        status: event.status().map(|status| status.as_u16()),
        scheme: event.scheme(),
        algorithm: event.algorithm(),
        user: event.user().map(UserId::as_str),
        claimed: event.claimed_user().map(|user| user.as_str()),
        peer: event.peer().map(|peer| peer.to_string()),
        method: Escaped::new(event.method().as_str(), MAX_METHOD).to_string(),
        target: event.shown_target().to_string(),
        cause: match event.reason() {
            Some(Reason::Forbidden) => event.causes().map(|causes| causes.to_string()),
            _ => None,
        },
        check_us: event.check_time().and_then(|time| u64::try_from(time.as_micros()).ok()),
        id: event.id().to_string(),
    };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = line.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Ascii));
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_default()
}

/// Writes JSON on one line, in ASCII: other characters as `\uXXXX`.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        fragment.chars().try_for_each(|char| match char {
            ' '..='~' => write!(writer, "{char}"),
            _ => char
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(writer, "\\u{unit:04x}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_and_keeps_every_character() {
        for text in ["alice", "J\u{fc}rgen\u{2028}\u{202e}\u{1f600}\u{7f}\u{85}", "\"\\\n\u{1b}["] {
            let mut json = Vec::new();
            let mut serializer = serde_json::Serializer::with_formatter(&mut json, Ascii);
            text.serialize(&mut serializer).expect("never fails");
            assert!(json.iter().all(|byte| matches!(byte, b' '..=b'~')), "{json:?}");
            assert_eq!(serde_json::from_slice::<String>(&json).expect("JSON"), text);
        }
    }
}
