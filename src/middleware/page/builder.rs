//! Builds pages.

use std::fmt;

use http::HeaderValue;

use super::{
    english::English,
    japanese::Japanese,
    language::PageLanguage,
    pages::{LanguagePages, Pages},
};
use crate::error::ConfigError;

/// The maximum length of a contact, in bytes.
const MAX_CONTACT: usize = 200;

/// The maximum length of a language tag, in bytes: RFC 5646, section 4.4.1.
const MAX_TAG: usize = 35;

/// Builds [`Pages`].
#[derive(Default)]
#[must_use]
pub struct PagesBuilder {
    contact: Option<String>,
    languages: Vec<Box<dyn PageLanguage>>,
}

impl PagesBuilder {
    /// Sets whom users can ask, such as `help desk, phone 4711`: one line of up to 200 bytes, which
    /// ends each page. None by default.
    pub fn with_contact(mut self, contact: impl Into<String>) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// Adds a language. It replaces one with the same tag, also a built-in one.
    pub fn with_language(mut self, language: impl PageLanguage) -> Self {
        self.languages.push(Box::new(language));
        self
    }

    /// Makes the pages.
    ///
    /// # Errors
    /// [`ConfigError::InvalidContact`] for a contact that is empty, too long, or has a control
    /// character; [`ConfigError::InvalidLanguageTag`] for a language whose tag is not a sequence of
    /// letters, digits and hyphens.
    pub fn build(self) -> Result<Pages, ConfigError> {
        let contact = self.contact.map(checked_contact).transpose()?;
        let contact = contact.as_deref();
        let (mut english, mut others) = built_in(contact);
        for language in &self.languages {
            let pages = LanguagePages::new(&**language, checked_tag(language.tag())?, contact);
            if pages.has_tag_of(&english) {
                english = pages;
            } else {
                others.retain(|other| !pages.has_tag_of(other));
                others.push(pages);
            }
        }
        Ok(Pages::new(english, others))
    }
}

impl Default for Pages {
    /// The built-in languages, without a contact.
    fn default() -> Self {
        let (english, others) = built_in(None);
        Self::new(english, others)
    }
}

/// English, and the other languages.
fn built_in(contact: Option<&str>) -> (LanguagePages, Vec<LanguagePages>) {
    let pages =
        |language, tag| LanguagePages::new(language, HeaderValue::from_static(tag), contact);
    (pages(&English, "en"), vec![pages(&Japanese, "ja")])
}

fn checked_contact(contact: String) -> Result<String, ConfigError> {
    let is_valid = !contact.trim().is_empty()
        && contact.len() <= MAX_CONTACT
        && !contact.chars().any(char::is_control);
    if is_valid { Ok(contact) } else { Err(ConfigError::InvalidContact { contact }) }
}

fn checked_tag(tag: &str) -> Result<HeaderValue, ConfigError> {
    let is_subtag = |subtag: &str| {
        !subtag.is_empty() && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_valid = tag.len() <= MAX_TAG && tag.split('-').all(is_subtag);
    let value = HeaderValue::from_str(tag).ok().filter(|_| is_valid);
    value.ok_or_else(|| ConfigError::InvalidLanguageTag { tag: tag.to_owned() })
}

impl fmt::Debug for PagesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let languages: Vec<_> = self.languages.iter().map(|language| language.tag()).collect();
        f.debug_struct("PagesBuilder")
            .field("contact", &self.contact)
            .field("languages", &languages)
            .finish()
    }
}
