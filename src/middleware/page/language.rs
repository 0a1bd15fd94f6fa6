//! The trait of languages, and what a language says.

use std::borrow::Cow;

use super::subject::PageSubject;

/// The texts of the pages in one language.
///
/// # Examples
/// ```
/// use tower_proxy_auth::middleware::{PageLabel, PageLanguage, PageSubject, PageText, Pages};
///
/// struct German;
///
/// impl PageLanguage for German {
///     fn tag(&self) -> &str {
///         "de"
///     }
///
///     fn label(&self, label: PageLabel) -> Option<&str> {
///         match label {
///             PageLabel::Since => Some("Wartung seit"),
///             PageLabel::Until => Some("Voraussichtliches Ende"),
///             PageLabel::Contact => Some("Ansprechpartner"),
///             PageLabel::Reference => Some("Kennung"),
///             // Others stay in English.
///             _ => None,
///         }
///     }
///
///     fn text(&self, subject: PageSubject) -> Option<PageText<'_>> {
///         match subject {
///             PageSubject::MissingCredentials => Some(
///                 PageText::new("Bitte anmelden", "Dieser Proxy verlangt eine Anmeldung.")
///                     .with_section("Im Browser", "Laden Sie die Seite neu."),
///             ),
///             _ => None,
///         }
///     }
/// }
///
/// let pages = Pages::builder().with_language(German).build()?;
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
pub trait PageLanguage: Send + Sync + 'static {
    /// The language tag of [RFC 5646](https://www.rfc-editor.org/rfc/rfc5646), such as `pt-BR`.
    fn tag(&self) -> &str;

    /// Translates a label; `None` if there is no translation, and the English one is used.
    fn label(&self, label: PageLabel) -> Option<&str>;

    /// The text about a subject; `None` if there is none, and the English page is sent.
    fn text(&self, subject: PageSubject) -> Option<PageText<'_>>;
}

/// The label of a value at the end of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageLabel {
    /// When the maintenance started.
    Since,
    /// When the maintenance is expected to end.
    Until,
    /// Whom to ask.
    Contact,
    /// The [`ReferenceId`](crate::event::ReferenceId) of the refusal.
    Reference,
}

/// The text of a page: a title, a summary, and sections for readers in different situations.
///
/// Plain text; pages escape what their form requires.
#[derive(Clone, Debug)]
pub struct PageText<'a> {
    pub(super) title: Cow<'a, str>,
    pub(super) summary: Cow<'a, str>,
    pub(super) blocks: Vec<Block<'a>>,
}

/// A part of a page after the summary.
#[derive(Clone, Debug)]
pub(super) enum Block<'a> {
    Section { heading: Cow<'a, str>, text: Cow<'a, str> },
    Code(Cow<'a, str>),
}

impl<'a> PageText<'a> {
    /// A text with a title of a few words, and a summary of what happened.
    pub fn new(title: impl Into<Cow<'a, str>>, summary: impl Into<Cow<'a, str>>) -> Self {
        Self { title: title.into(), summary: summary.into(), blocks: Vec::new() }
    }

    /// Adds what a reader can do in a situation, which the heading names.
    #[must_use]
    pub fn with_section(
        mut self,
        heading: impl Into<Cow<'a, str>>,
        text: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.blocks.push(Block::Section { heading: heading.into(), text: text.into() });
        self
    }

    /// Adds a command to the last section.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'a, str>>) -> Self {
        self.blocks.push(Block::Code(code.into()));
        self
    }
}
