//! The forms of a page, and which of them a client wants.

use std::cmp::Reverse;

use http::{HeaderValue, Method};

use crate::grammar::{MAX_WEIGHT, Weight, weighted};

/// The form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One line of plain text, for CONNECT.
    Line,
    Plain,
    Html,
    Problem,
}

impl Form {
    /// Chooses the form that the client prefers, [RFC 9110, section 12.5.1], and plain text if it
    /// accepts anything or nothing that there is: programs send `*/*` or nothing, and browsers name
    /// `text/html`.
    ///
    /// Between media types of equal weight, one that is named wins over one that a wildcard
    /// includes, and then the first one named.
    ///
    /// [RFC 9110, section 12.5.1]: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
    pub(super) fn choose(method: &Method, accept: Option<&HeaderValue>) -> Self {
        if *method == Method::CONNECT {
            return Self::Line;
        }
        let mut choices = [Self::Plain, Self::Html, Self::Problem].map(Choice::new);
        let members = accept.map(HeaderValue::as_bytes).into_iter().flat_map(weighted);
        for (position, (range, weight)) in members.enumerate() {
            for choice in &mut choices {
                choice.consider(range, weight, position);
                if choice.is_unbeatable() {
                    return choice.form;
                }
            }
        }
        let best = choices.into_iter().rev().max_by_key(Choice::rank);
        best.filter(|choice| choice.weight > 0).map_or(Self::Plain, |choice| choice.form)
    }

    /// Returns how closely a media range includes this form.
    fn matching(self, range: &[u8]) -> Match {
        let (name, subtypes) = match self {
            Self::Line | Self::Plain => ("text/plain", "text/*"),
            Self::Html => ("text/html", "text/*"),
            Self::Problem => ("application/problem+json", "application/*"),
        };
        let is = |name: &str| range.eq_ignore_ascii_case(name.as_bytes());
        if is(name) {
            Match::Named
        } else if self == Self::Problem && is("application/json") {
            Match::Alias
        } else if is(subtypes) {
            Match::Subtypes
        } else if is("*/*") {
            Match::Any
        } else {
            Match::None
        }
    }
}

/// How closely a media range includes a media type. The closest one determines its weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    None,
    Any,
    Subtypes,
    /// Most programs that read problem details ask for `application/json`.
    Alias,
    Named,
}

/// A form, with the member of `Accept` that includes it most closely.
struct Choice {
    form: Form,
    matching: Match,
    weight: Weight,
    position: usize,
}

impl Choice {
    const fn new(form: Form) -> Self {
        Self { form, matching: Match::None, weight: 0, position: 0 }
    }

    fn consider(&mut self, range: &[u8], weight: Weight, position: usize) {
        let matching = self.form.matching(range);
        if matching > self.matching {
            *self = Self { form: self.form, matching, weight, position };
        }
    }

    /// Whether no other member can change the result. Browsers name `text/html` first.
    fn is_unbeatable(&self) -> bool {
        self.matching == Match::Named && self.weight == MAX_WEIGHT && self.position == 0
    }

    fn rank(&self) -> impl Ord + use<> {
        (self.weight, self.matching >= Match::Alias, Reverse(self.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn choose(accept: &str, expected: Form) {
        let value = HeaderValue::from_str(accept).unwrap();
        assert_eq!(Form::choose(&Method::GET, Some(&value)), expected, "{accept}");
    }

    #[test]
    fn browsers_get_html() {
        choose("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Html);
        choose("image/png, TEXT/HTML;q=0.5", Form::Html);
        choose("text/html;level=1", Form::Html);
        choose("*/*, text/html", Form::Html);
        choose("application/json;q=0.9, text/html", Form::Html);
        choose("application/json, text/html, application/problem+json;q=0", Form::Html);
    }

    #[test]
    fn programs_get_text() {
        assert_eq!(Form::choose(&Method::GET, None), Form::Plain);
        choose("", Form::Plain);
        choose("*/*", Form::Plain);
        choose("text/*", Form::Plain);
        choose("text/htmlx", Form::Plain);
        choose("image/avif,image/webp,*/*;q=0.8", Form::Plain);
        choose("application/octet-stream", Form::Plain);
        choose("text/html;q=0, */*", Form::Plain);
        choose("text/html;q=0.5, text/plain;q=0.6", Form::Plain);
        choose("*;q=NaN, text/html;q=2", Form::Plain);
    }

    #[test]
    fn programs_that_read_json_get_problem_details() {
        choose("application/json", Form::Problem);
        choose("application/json, text/plain, */*", Form::Problem);
        choose("application/problem+json, text/html;q=0.9", Form::Problem);
        choose("application/*", Form::Problem);
        choose("application/json, application/problem+json;q=0, text/*;q=0.1", Form::Plain);
    }

    #[test]
    fn tunnels_get_one_line() {
        let accept = HeaderValue::from_static("text/html");
        assert_eq!(Form::choose(&Method::CONNECT, Some(&accept)), Form::Line);
    }
}
