//! What a page says, before it takes a form.

use http::StatusCode;

use super::{
    english::English,
    language::{PageLabel, PageLanguage, PageText},
    subject::PageSubject,
    template::Gap,
};

/// A page in one language.
pub(super) struct Document<'a> {
    pub(super) status: StatusCode,
    /// The language tag.
    pub(super) language: &'a str,
    pub(super) text: PageText<'a>,
    /// The values at the end of the page.
    pub(super) details: Vec<Detail<'a>>,
}

/// A value with its label.
pub(super) struct Detail<'a> {
    pub(super) label: &'a str,
    /// The name for programs.
    pub(super) name: &'static str,
    pub(super) value: DetailValue<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum DetailValue<'a> {
    Text(&'a str),
    Gap(Gap),
}

impl<'a> Document<'a> {
    pub(super) fn new(
        language: &'a dyn PageLanguage,
        subject: PageSubject,
        text: PageText<'a>,
        contact: Option<&'a str>,
    ) -> Self {
        let detail = |label, name, value| {
            let label = language.label(label).unwrap_or(English::label(label));
            Detail { label, name, value }
        };
        let gap = |label, name, gap| detail(label, name, DetailValue::Gap(gap));
        let mut details = Vec::new();
        if subject == PageSubject::Maintenance {
            details.push(gap(PageLabel::Since, "since", Gap::Since));
            details.push(gap(PageLabel::Until, "until", Gap::Until));
        }
        if let Some(text) = contact {
            details.push(detail(PageLabel::Contact, "contact", DetailValue::Text(text)));
        }
        details.push(gap(PageLabel::Reference, "reference", Gap::Reference));
        Self { status: subject.status(), language: language.tag(), text, details }
    }

    /// The status with its standard phrase, such as `403 Forbidden`.
    pub(super) fn status_line(&self) -> String {
        let phrase = self.status.canonical_reason().unwrap_or_default();
        format!("{} {phrase}", self.status.as_str())
    }
}
