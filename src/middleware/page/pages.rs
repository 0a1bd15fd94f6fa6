//! All pages, ready to be sent.

use std::{fmt, sync::Arc};

use http::HeaderValue;

use super::{
    builder::PagesBuilder,
    document::Document,
    english::English,
    form::Form,
    html,
    language::PageLanguage,
    plain, problem,
    request::{Page, PageRequest},
    subject::PageSubject,
    template::Template,
};
use crate::grammar::{MAX_WEIGHT, Weight, weighted};

/// The built-in bodies of refusals, in English and Japanese and in languages that are added.
///
/// `Accept-Language` chooses the language; English is the default. `Accept` chooses the form: plain
/// text by default, HTML, or problem details in JSON ([RFC 9457]). A refused `CONNECT` gets one
/// line, since clients hardly show more.
///
/// A page says what happened and what its reader can do, and ends with the
/// [`ReferenceId`](crate::event::ReferenceId) of the refusal. Two pages for the same
/// [`PageSubject`], in the same language and form, differ only in the reference, and those about
/// maintenance also in its times. HTML pages have no scripts and load nothing.
///
/// The pages are made when this is built, and a request fills in the reference. Cloning is cheap.
///
/// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
#[derive(Clone)]
pub struct Pages(Arc<Languages>);

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

struct Languages {
    /// The default.
    english: LanguagePages,
    others: Vec<LanguagePages>,
    /// The `Content-Security-Policy` of HTML.
    policy: HeaderValue,
}

/// The pages in one language.
pub(super) struct LanguagePages {
    tag: HeaderValue,
    /// In the order of the subjects.
    forms: [Forms; PageSubject::EACH.len()],
}

/// A page in all forms.
struct Forms {
    /// The language, which is English if the text was not translated.
    language: HeaderValue,
    line: Template,
    plain: Template,
    html: Template,
    problem: Template,
}

impl Pages {
    /// Starts with the built-in languages, and no contact.
    pub fn builder() -> PagesBuilder {
        PagesBuilder::default()
    }

    pub(super) fn new(english: LanguagePages, others: Vec<LanguagePages>) -> Self {
        Self(Arc::new(Languages { english, others, policy: html::content_security_policy() }))
    }

    /// Returns the page for a refused request.
    #[must_use]
    pub fn page(&self, request: &PageRequest<'_>) -> Page {
        let forms = self.language(request.accept_language()).forms(request.reason().into());
        let form = Form::choose(request.method(), request.accept());
        let (template, content_type) = match form {
            Form::Line => (&forms.line, PLAIN),
            Form::Plain => (&forms.plain, PLAIN),
            Form::Html => (&forms.html, HTML),
            Form::Problem => (&forms.problem, PROBLEM),
        };
        Page {
            content_type,
            content_language: Some(forms.language.clone()),
            content_security_policy: (form == Form::Html).then(|| self.0.policy.clone()),
            body: template.render(request.refusal()),
        }
    }

    /// Chooses the language that the client prefers, as the "lookup" of [RFC 4647, section 3.4]
    /// does: `ja-JP` finds `ja`. A range also finds a more specific language.
    ///
    /// [RFC 4647, section 3.4]: https://www.rfc-editor.org/rfc/rfc4647#section-3.4
    fn language(&self, accept: Option<&HeaderValue>) -> &LanguagePages {
        let (mut weight, mut language): (Weight, _) = (0, &self.0.english);
        for (range, other) in accept.map(HeaderValue::as_bytes).into_iter().flat_map(weighted) {
            if other > weight
                && let Some(found) = self.0.find(range)
            {
                (weight, language) = (other, found);
            }
            if weight == MAX_WEIGHT {
                break;
            }
        }
        language
    }
}

impl Languages {
    /// Returns the language that a language range means, if there is one.
    fn find(&self, range: &[u8]) -> Option<&LanguagePages> {
        if range == b"*" {
            return Some(&self.english);
        }
        let matching = [&self.english].into_iter().chain(&self.others).filter(|language| {
            let tag = language.tag.as_bytes();
            is_prefix(tag, range) || is_prefix(range, tag)
        });
        matching.min_by_key(|language| language.tag.len().abs_diff(range.len()))
    }
}

/// Whether a language tag consists of the first subtags of another one.
fn is_prefix(prefix: &[u8], tag: &[u8]) -> bool {
    tag.split_at_checked(prefix.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(prefix) && matches!(rest.first(), None | Some(b'-'))
    })
}

impl LanguagePages {
    /// Makes all pages. Those that the language does not translate are in English.
    pub(super) fn new(
        language: &dyn PageLanguage,
        tag: HeaderValue,
        contact: Option<&str>,
    ) -> Self {
        let forms = PageSubject::EACH.map(|subject| match language.text(subject) {
            Some(text) => Forms::new(&Document::new(language, subject, text, contact), tag.clone()),
            None => {
                let text = English::text(subject);
                let document = Document::new(&English, subject, text, contact);
                Forms::new(&document, HeaderValue::from_static("en"))
            }
        });
        Self { tag, forms }
    }

    pub(super) fn has_tag_of(&self, other: &Self) -> bool {
        self.tag.as_bytes().eq_ignore_ascii_case(other.tag.as_bytes())
    }

    #[allow(clippy::indexing_slicing, reason = "there is an element for each subject")]
    fn forms(&self, subject: PageSubject) -> &Forms {
        &self.forms[subject as usize]
    }
}

impl Forms {
    fn new(document: &Document<'_>, language: HeaderValue) -> Self {
        Self {
            language,
            line: plain::render_line(document),
            plain: plain::render(document),
            html: html::render(document),
            problem: problem::render(document),
        }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [&self.0.english].into_iter().chain(&self.0.others);
        f.debug_tuple("Pages")
            .field(&all.map(|language| &language.tag).collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::{
        HeaderName, Request,
        header::{ACCEPT, ACCEPT_LANGUAGE},
    };

    use super::*;
    use crate::{
        authenticator::Refusal,
        error::ConfigError,
        event::ReferenceIds,
        middleware::page::{PageLabel, PagePreferences, PageText},
        reason::Reason,
    };

    struct Only(&'static str);

    impl PageLanguage for Only {
        fn tag(&self) -> &str {
            self.0
        }

        fn label(&self, _: PageLabel) -> Option<&str> {
            None
        }

        fn text(&self, _: PageSubject) -> Option<PageText<'_>> {
            None
        }
    }

    /// The page for a refusal, and its reference.
    fn page(reason: Reason, fields: &[(HeaderName, &'static str)]) -> (Page, String) {
        let pages = Pages::builder().with_contact("\"help\" <desk> & co").build().unwrap();
        let mut refusal = Refusal::new(reason);
        let reference = *refusal.reference_id.insert(ReferenceIds::default().make());
        let mut request = Request::new(());
        for (name, value) in fields {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let preferences = PagePreferences::of(&request);
        (pages.page(&PageRequest::new(&refusal, &preferences)), reference.to_string())
    }

    #[test]
    fn every_page_has_status_contact_and_reference() {
        let html_contact = "&quot;help&quot; &lt;desk&gt; &amp; co";
        let forms = [
            ("text/plain", "\"help\" <desk> & co"),
            ("text/html", html_contact),
            ("application/problem+json", r#"\"help\" <desk> & co"#),
        ];
        for (&reason, language, (accept, contact)) in Reason::ALL.iter().flat_map(|reason| {
            ["en", "ja"].into_iter().flat_map(move |tag| forms.map(move |form| (reason, tag, form)))
        }) {
            let fields = [(ACCEPT, accept), (ACCEPT_LANGUAGE, language)];
            let ((page, reference), (other, other_reference)) =
                (page(reason, &fields), page(reason, &fields));
            let name = format!("{reason} {language} {accept}");
            assert!(page.content_type.to_str().unwrap().starts_with(accept), "{name}");
            assert_eq!(page.content_language.unwrap(), language, "{name}");
            assert_eq!(page.content_security_policy.is_some(), accept == "text/html", "{name}");
            let body = str::from_utf8(&page.body).unwrap();
            for part in [reason.status().as_str(), contact, reference.as_str()] {
                assert!(body.contains(part), "{name}: no {part} in {body}");
            }
            assert_eq!(body.replace(&reference, &other_reference).as_bytes(), other.body, "{name}");
            let is_ascii = body.is_ascii();
            assert_eq!(is_ascii, language == "en", "{name}: {body}");
            if accept.ends_with("json") {
                let body: serde_json::Value = serde_json::from_str(body).unwrap();
                assert_eq!(body["type"], "about:blank", "{name}");
                assert_eq!(body["status"], reason.status().as_u16(), "{name}");
                assert_eq!(body["title"], reason.status().canonical_reason().unwrap(), "{name}");
                assert_eq!(body["reference"], reference, "{name}");
                assert_eq!(body["contact"], "\"help\" <desk> & co", "{name}");
                assert!(
                    body["detail"].as_str().unwrap().starts_with(char::is_alphabetic),
                    "{name}"
                );
            }
        }
    }

    /// A directory reports an account with an expired password as expired.
    #[test]
    fn regression_a_new_password_may_help_an_expired_account() {
        for (language, text) in [("en", "change it"), ("ja", "変更してください")] {
            let (page, _) = page(Reason::AccountExpired, &[(ACCEPT_LANGUAGE, language)]);
            let body = str::from_utf8(&page.body).unwrap();
            assert!(body.contains(text), "{body}");
        }
    }

    #[test]
    fn a_page_that_is_not_translated_is_in_english() {
        let pages = Pages::builder().with_language(Only("de")).with_language(Only("JA"));
        let pages = pages.build().unwrap();
        for language in ["de", "ja"] {
            let accept = HeaderValue::from_static(language);
            let found = pages.language(Some(&accept));
            assert!(found.tag.as_bytes().eq_ignore_ascii_case(language.as_bytes()));
            assert_eq!(found.forms(PageSubject::Forbidden).language, "en");
        }
        assert_eq!(format!("{pages:?}"), r#"Pages(["en", "de", "JA"])"#);
    }

    #[test]
    fn a_label_that_is_not_translated_is_in_english() {
        let text = PageText::new("Verboten", "Nicht dorthin.");
        let document = Document::new(&Only("de"), PageSubject::Forbidden, text, Some("desk 4"));
        let labels: Vec<_> = document.details.iter().map(|detail| detail.label).collect();
        assert_eq!(labels, ["Contact", "Reference"]);
    }

    #[test]
    fn refuses_contacts_and_tags_that_cannot_be_sent() {
        for contact in ["", "  ", "a\nb", &"x".repeat(201)] {
            let error = Pages::builder().with_contact(contact).build().unwrap_err();
            assert!(matches!(error, ConfigError::InvalidContact { .. }), "{contact:?}");
        }
        assert!(Pages::builder().with_contact("x".repeat(200)).build().is_ok());
        for tag in ["", "de-", "pt_BR", "fran\u{e7}ais", "*", "\" onload=\"", &"x".repeat(36)] {
            let tag: &'static str = tag.to_owned().leak();
            let error = Pages::builder().with_language(Only(tag)).build().unwrap_err();
            assert!(matches!(error, ConfigError::InvalidLanguageTag { .. }), "{tag:?}");
        }
    }

    #[test]
    fn finds_the_language_that_the_client_prefers() {
        let pages = Pages::builder().with_language(Only("pt-BR")).with_language(Only("pt"));
        let pages = pages.with_language(Only("zh-Hant")).build().unwrap();
        for (accept, expected) in [
            ("", "en"),
            ("ja", "ja"),
            ("JA-jp", "ja"),
            ("ja-JP-u-ca-japanese, en;q=0.9", "ja"),
            ("de, fr;q=0.9, ja;q=0.1", "ja"),
            ("de", "en"),
            ("en-US,en;q=0.9,ja;q=0.8", "en"),
            ("en;q=0.8, ja;q=0.9", "ja"),
            ("ja, en", "ja"),
            ("en, ja", "en"),
            ("ja;q=0, *", "en"),
            ("ja;q=0.5, *;q=0.1", "ja"),
            ("jav", "en"),
            ("j", "en"),
            ("pt", "pt"),
            ("pt-BR", "pt-BR"),
            ("pt-PT", "pt"),
            ("zh", "zh-Hant"),
            ("zh-Hant-TW", "zh-Hant"),
            ("zh-Hans", "en"),
        ] {
            let accept = HeaderValue::from_static(accept);
            assert_eq!(pages.language(Some(&accept)).tag, expected, "{accept:?}");
        }
        assert_eq!(pages.language(None).tag, "en");
    }
}
