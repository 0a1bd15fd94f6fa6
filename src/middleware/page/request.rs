//! A page, and the request that it is made for.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};

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
    /// The `Content-Language`; none by default.
    pub content_language: Option<HeaderValue>,
    /// The `Content-Security-Policy`; none by default.
    pub content_security_policy: Option<HeaderValue>,
    /// The body; its length becomes the `Content-Length`.
    pub body: Bytes,
}

impl Page {
    /// A page with a content type.
    pub fn new(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self {
            content_type,
            content_language: None,
            content_security_policy: None,
            body: body.into(),
        }
    }
}

/// The refused request that a page is made for.
///
/// A page cannot change status, challenges, length and `Cache-Control`.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    refusal: &'a Refusal,
    preferences: &'a PagePreferences,
}

/// The parts of a request that a page can depend on.
#[derive(Debug)]
pub(in crate::middleware) struct PagePreferences {
    pub(in crate::middleware) method: Method,
    accept: Option<HeaderValue>,
    accept_language: Option<HeaderValue>,
}

impl PagePreferences {
    pub(in crate::middleware) fn of<B>(request: &Request<B>) -> Self {
        let field = |name| request.headers().get(name).cloned();
        Self {
            method: request.method().clone(),
            accept: field(header::ACCEPT),
            accept_language: field(header::ACCEPT_LANGUAGE),
        }
    }
}

impl<'a> PageRequest<'a> {
    pub(in crate::middleware) const fn new(
        refusal: &'a Refusal,
        preferences: &'a PagePreferences,
    ) -> Self {
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
    pub const fn refusal(&self) -> &'a Refusal {
        self.refusal
    }

    /// The method. Clients do not show the body of a refused CONNECT.
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        &self.preferences.method
    }

    /// The client's `Accept`; the first field if there are several.
    #[must_use]
    pub const fn accept(&self) -> Option<&'a HeaderValue> {
        self.preferences.accept.as_ref()
    }

    /// The client's `Accept-Language`; the first field if there are several.
    #[must_use]
    pub const fn accept_language(&self) -> Option<&'a HeaderValue> {
        self.preferences.accept_language.as_ref()
    }
}
