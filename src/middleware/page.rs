//! Pages of the user's own for refusals.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{authenticator::Refusal, reason::Reason};

/// The body of a refusal, and what it is.
///
/// # Security
/// Put nothing into it that the client sent unless it is escaped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The `Content-Type`.
    pub content_type: HeaderValue,
    /// The body; its length becomes the `Content-Length`.
    pub body: Bytes,
}

impl Page {
    /// A page of this type.
    pub fn new(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self { content_type, body: body.into() }
    }
}

/// What a page is made for.
///
/// Status, challenges, length and `Cache-Control` are the layer's: a page cannot change them.
#[derive(Clone, Debug)]
pub struct PageRequest {
    refusal: Refusal,
    wishes: Wishes,
}

/// What a client would like to see.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    method: Method,
    accept: Option<HeaderValue>,
    accept_language: Option<HeaderValue>,
}

impl Wishes {
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
    pub(super) const fn new(refusal: Refusal, wishes: Wishes) -> Self {
        Self { refusal, wishes }
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

    /// Why, in which realm, and whose request it was.
    #[must_use]
    pub const fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The method. What answers a CONNECT is shown by no client.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.wishes.method
    }

    /// The client's `Accept`.
    #[must_use]
    pub const fn accept(&self) -> Option<&HeaderValue> {
        self.wishes.accept.as_ref()
    }

    /// The client's `Accept-Language`.
    #[must_use]
    pub const fn accept_language(&self) -> Option<&HeaderValue> {
        self.wishes.accept_language.as_ref()
    }
}
