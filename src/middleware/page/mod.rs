//! The bodies of refusals.
//!
//! [`Pages`] holds them ready in each language and form, with a gap for the reference. A request
//! chooses: `Accept-Language` the language, `Accept` and the method the form.

mod builder;
mod document;
mod english;
mod form;
mod html;
mod japanese;
mod language;
mod pages;
mod plain;
mod problem;
mod request;
mod subject;
mod template;

pub use builder::PagesBuilder;
pub use language::{PageLabel, PageLanguage, PageText};
pub use pages::Pages;
pub(super) use request::PagePreferences;
pub use request::{Page, PageRequest};
pub use subject::PageSubject;
