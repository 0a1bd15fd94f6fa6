//! As much of Rust's lexical structure as is needed to tell paths from text.

/// A word or a mark of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// An identifier, `::`, or a single character.
    pub(crate) text: String,
    /// Counted from one.
    pub(crate) line: usize,
}

/// The tokens of `source`, without comments, strings, characters and lifetimes.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Goes on by one token, or over what is none; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let length = match first {
            '/' if self.rest.starts_with("//") => self.rest.find('\n').unwrap_or(self.rest.len()),
            '/' if self.rest.starts_with("/*") => block_comment(self.rest),
            '"' => quoted(self.rest, '"'),
            '\'' => character_or_lifetime(self.rest),
            _ if is_in_word(first) => match raw_string(self.rest) {
                Some(length) => length,
                None => self.token(self.rest.find(|c| !is_in_word(c)).unwrap_or(self.rest.len())),
            },
            ':' if self.rest.starts_with("::") => self.token(2),
            _ if first.is_whitespace() => first.len_utf8(),
            _ => self.token(first.len_utf8()),
        };
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
        true
    }

    fn token(&mut self, length: usize) -> usize {
        self.tokens.push(Token { text: self.rest[..length].to_owned(), line: self.line });
        length
    }
}

fn is_in_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The length of the comment that `text` begins with; comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next().map_or(0, char::len_utf8);
        }
    }
    at
}

/// The length of the literal that `text` begins with, up to the next `quote` without a backslash.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn character_or_lifetime(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(text, '\''),
        _ => 1 + text[1..].find(|c| !is_in_word(c)).unwrap_or(text.len() - 1),
    }
}

/// The length of the raw string that `text` begins with, if there is one.
fn raw_string(text: &str) -> Option<usize> {
    let after_r = ["r", "br", "cr"]
        .into_iter()
        .find_map(|start| text.strip_prefix(start).filter(|rest| rest.starts_with(['#', '"'])))?;
    let inner = after_r.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(after_r.len() - inner.len()));
    let inner = inner.strip_prefix('"')?;
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + length)
}
