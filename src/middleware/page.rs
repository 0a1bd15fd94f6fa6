//! Custom bodies of refusals.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{authenticator::Refusal, reason::Reason};

/// The body of a refusal.
///
/// # Security
/// Escape everything that the client sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The `Content-Type`.
    pub content_type: HeaderValue,
    /// The body; its length becomes the `Content-Length`.
    pub body: Bytes,
}

impl Page {
    /// A page with a content type.
    pub fn new(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self { content_type, body: body.into() }
    }
}

/// The refused request that a page is made for.
///
/// A page cannot change status, challenges, length and `Cache-Control`.
#[derive(Clone, Debug)]
pub struct PageRequest {
    refusal: Refusal,
    preferences: PagePreferences,
}

/// The parts of a request that a page can depend on.
#[derive(Clone, Debug)]
pub(super) struct PagePreferences {
    method: Method,
    accept: Option<HeaderValue>,
    accept_language: Option<HeaderValue>,
}

impl PagePreferences {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let field = |name| headers.get(name).cloned();
        Self {
            method: method.clone(),
            accept: field(header::ACCEPT),
            accept_language: field(header::ACCEPT_LANGUAGE),
        }
    }
}

impl PageRequest {
    pub(super) const fn new(refusal: Refusal, preferences: PagePreferences) -> Self {
        Self { refusal, preferences }
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.refusal.reason().status()
    }

    /// Why the request was refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.refusal.reason()
    }

    /// The refusal.
    #[must_use]
    pub const fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The method. Clients do not show the body of a refused CONNECT.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.preferences.method
    }

    /// The client's `Accept`.
    #[must_use]
    pub const fn accept(&self) -> Option<&HeaderValue> {
        self.preferences.accept.as_ref()
    }

    /// The client's `Accept-Language`.
    #[must_use]
    pub const fn accept_language(&self) -> Option<&HeaderValue> {
        self.preferences.accept_language.as_ref()
    }
}
