//! Text of clients in logs.

use std::fmt;

use http::Uri;

/// The longest shown user name, in characters before they are escaped.
pub(crate) const MAX_NAME: usize = 64;

/// Displays text that a client sent in printable ASCII without blanks, for logs.
///
/// Blanks, quotes, backslashes and everything that is not printable ASCII are escaped as in Rust
/// source code, so that no text can forge, reorder or hide a part of a log line. What exceeds the
/// limit is replaced with `...`.
///
/// # Examples
/// ```
/// use tower_proxy_auth::event::Escaped;
///
/// assert_eq!(Escaped::new("J\u{fc}rgen Doe\n", 64).to_string(), r"J\u{fc}rgen\u{20}Doe\n");
/// assert_eq!(Escaped::new("alice", 3).to_string(), "ali...");
/// ```
#[derive(Clone, Copy)]
pub struct Escaped<'a> {
    text: &'a str,
    max_chars: usize,
}

impl<'a> Escaped<'a> {
    /// Shows the first `max_chars` characters of `text`, of which each may need ten.
    #[must_use]
    pub const fn new(text: &'a str, max_chars: usize) -> Self {
        Self { text, max_chars }
    }

    /// Whether the text is displayed as it is.
    pub(super) fn is_plain(self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'\'');
        self.text.len() <= self.max_chars && self.text.bytes().all(is_plain)
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str(self.text);
        }
        let mut rest = self.text.chars();
        for shown in rest.by_ref().take(self.max_chars) {
            match shown {
                ' ' => write!(f, "{}", shown.escape_unicode())?,
                _ => write!(f, "{}", shown.escape_default())?,
            }
        }
        if rest.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

/// Shows what `Display` shows.
impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The longest shown part of a target, in characters.
const MAX_TARGET_PART: usize = 200;

/// Displays a request target [`Escaped`], without user information and query, which may contain
/// secrets. It shows up to 200 characters of host and port, and 200 of the path.
#[derive(Clone, Copy)]
pub struct EscapedTarget<'a>(&'a Uri);

impl<'a> EscapedTarget<'a> {
    /// Shows a target.
    #[must_use]
    pub const fn new(target: &'a Uri) -> Self {
        Self(target)
    }
}

impl fmt::Display for EscapedTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text| Escaped::new(text, MAX_TARGET_PART);
        if let Some(scheme) = self.0.scheme_str() {
            write!(f, "{}://", part(scheme))?;
        }
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        write!(f, "{}{}", part(host_and_port), part(self.0.path()))
    }
}

/// Shows what `Display` shows.
impl fmt::Debug for EscapedTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lose_user_information_and_query() {
        for (target, shown) in [
            ("http://me:secret@a.example/b?token=1", "http://a.example/b"),
            ("http://me@you:secret@[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
            ("me:secret@a.example:443", "a.example:443"),
            ("a.example:443", "a.example:443"),
            ("/b", "/b"),
            ("*", "*"),
            ("http://a.example/it's", r"http://a.example/it\'s"),
        ] {
            // The parser of `http` refuses some of them.
            let Ok(target) = target.parse() else { continue };
            assert_eq!(EscapedTarget::new(&target).to_string(), shown);
        }
    }

    #[test]
    fn cuts_long_targets() {
        let target = format!("http://{}/{}", "h".repeat(10_000), "p".repeat(10_000));
        let shown = EscapedTarget::new(&target.parse().unwrap()).to_string();
        assert_eq!(shown, format!("http://{}.../{}...", "h".repeat(200), "p".repeat(199)));
    }

    #[test]
    fn escapes_text_that_could_forge_a_log_line() {
        for (text, shown) in [
            ("", ""),
            ("alice", "alice"),
            ("J\u{e4}son Doe", r"J\u{e4}son\u{20}Doe"),
            ("a\nb\u{1b}[31m\u{85}\0\u{7f}", r"a\nb\u{1b}[31m\u{85}\u{0}\u{7f}"),
            ("\u{202e}a\u{2028}\u{200b}\u{feff}", r"\u{202e}a\u{2028}\u{200b}\u{feff}"),
            ("\t\u{a0}\u{301}", r"\t\u{a0}\u{301}"),
            (r"a\n", r"a\\n"),
            (r#"'a" b"#, r#"\'a\"\u{20}b"#),
        ] {
            assert_eq!(Escaped::new(text, 64).to_string(), shown);
            assert_eq!(format!("{:?}", Escaped::new(text, 64)), shown);
        }
    }

    #[test]
    fn escapes_quotes_in_short_and_plain_text_too() {
        assert_eq!(Escaped::new("o'brien", 64).to_string(), r"o\'brien");
        assert_eq!(Escaped::new("o\"brien", 64).to_string(), r#"o\"brien"#);
    }

    #[test]
    fn cuts_long_text() {
        let shown = |text: &str| Escaped::new(text, 64).to_string();
        assert_eq!(shown(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(shown(&"x".repeat(10_000)), "x".repeat(64) + "...");
        assert_eq!(shown(&"\u{2028}".repeat(64)), r"\u{2028}".repeat(64));
        assert_eq!(shown(&"\u{10ffff}".repeat(65)), r"\u{10ffff}".repeat(64) + "...");
    }
}
