//! The paths in a source that start from the crate or from a parent module.

use std::fmt;

use crate::lexer::Token;

/// A path from the crate's root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FullPath {
    /// Without `crate`.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

impl fmt::Display for FullPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = [&["crate".to_owned()], self.segments.as_slice()].concat();
        f.write_str(&whole.join("::"))
    }
}

/// All paths in `tokens` that begin with `crate` or `super`, made absolute. `module` is where the
/// tokens stand; modules that are written out in them are entered.
pub(crate) fn of(tokens: &[Token], module: &[String]) -> Vec<FullPath> {
    let mut scanner = Scanner { tokens, at: 0, found: Vec::new() };
    let mut module = module.to_vec();
    // What each open brace belongs to: a module or something else.
    let mut braces = Vec::new();
    while let Some(token) = scanner.tokens.get(scanner.at) {
        match token.text.as_str() {
            "mod" if scanner.peek(2) == Some("{") => {
                module.extend(scanner.peek(1).map(str::to_owned));
                braces.push(true);
                scanner.at += 3;
            }
            "{" => {
                braces.push(false);
                scanner.at += 1;
            }
            "}" => {
                if braces.pop() == Some(true) {
                    module.pop();
                }
                scanner.at += 1;
            }
            "pub" if scanner.peek(1) == Some("(") => {
                // Whom something is visible to: the compiler takes nothing but its own ancestors.
                while scanner.peek(0).is_some_and(|text| text != ")") {
                    scanner.at += 1;
                }
            }
            "crate" | "super" | "self" if scanner.starts_path() => {
                let here = if token.text == "crate" { &[] } else { module.as_slice() };
                scanner.tree(here.to_vec(), token.text == "self");
            }
            _ => scanner.at += 1,
        }
    }
    scanner.found
}

struct Scanner<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<FullPath>,
}

impl<'a> Scanner<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.tokens.get(self.at + ahead).map(|token| token.text.as_str())
    }

    /// Whether what stands here is the first segment of a path with more to it, or is renamed.
    fn starts_path(&self) -> bool {
        let is_first = self.at == 0 || self.tokens[self.at - 1].text != "::";
        is_first && matches!(self.peek(1), Some("::" | "as"))
    }

    /// Reads one path, or a tree of them in braces, that continues `path`. Whatever begins with
    /// `self`, and goes no higher, is the module's own and is not noted.
    fn tree(&mut self, mut path: Vec<String>, mut is_own: bool) {
        loop {
            let Some(token) = self.tokens.get(self.at) else { return };
            self.at += 1;
            match token.text.as_str() {
                "crate" | "self" => {}
                "super" => {
                    is_own = false;
                    path.pop();
                }
                "{" => {
                    while !matches!(self.peek(0), None | Some("}")) {
                        self.tree(path.clone(), is_own);
                        self.skip_to_next_branch();
                    }
                    self.at += 1;
                    return;
                }
                segment => path.push(segment.to_owned()),
            }
            let goes_on = self.peek(0) == Some("::")
                && self.peek(1).is_some_and(|next| next.starts_with(begins_segment));
            if !goes_on {
                if !is_own {
                    self.found.push(FullPath { segments: path, line: token.line });
                }
                return;
            }
            self.at += 1;
        }
    }

    /// From the end of one branch of a tree, with its `as NAME`, over the comma.
    fn skip_to_next_branch(&mut self) {
        while !matches!(self.peek(0), None | Some("," | "}")) {
            self.at += 1;
        }
        if self.peek(0) == Some(",") {
            self.at += 1;
        }
    }
}

/// Whether `c` can begin what follows `::` in a path; `<` begins its arguments.
fn begins_segment(c: char) -> bool {
    c == '_' || c == '{' || c == '*' || c.is_alphabetic()
}
