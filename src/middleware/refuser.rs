//! Refusals of other layers of this crate.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use super::{
    body::ResponseBody,
    facts::RequestFacts,
    layer::Options,
    page::{PagePreferences, Pages},
    response::{open_refusal, refuse, refuse_after_all},
};
use crate::authenticator::Refusal;

/// How another layer of this crate refuses requests.
#[derive(Clone)]
pub(crate) struct Refuser(Arc<Options>);

impl Refuser {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Options::new()))
    }

    pub(crate) fn with_pages(mut self, pages: Pages) -> Self {
        Arc::make_mut(&mut self.0).pages = pages;
        self
    }

    /// Notes what the response to a request depends on.
    pub(crate) fn note<B: Body>(&self, request: &Request<B>) -> Refusable {
        Refusable {
            facts: RequestFacts::new(request, None),
            preferences: PagePreferences::of(request),
            options: Arc::clone(&self.0),
        }
    }
}

/// A request that another layer of this crate may refuse.
pub(crate) struct Refusable {
    facts: RequestFacts,
    preferences: PagePreferences,
    options: Arc<Options>,
}

impl Refusable {
    /// Refuses the request instead of forwarding it.
    pub(crate) fn refuse(self, refusal: Refusal) -> Response<Bytes> {
        let headers = refusal.headers();
        refuse(refusal, headers, self.facts, &self.preferences, &self.options)
    }

    /// Finishes the response to the forwarded request.
    pub(crate) fn finish<B>(self, response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { facts, preferences, options } = self;
        match open_refusal(response.extensions()).cloned() {
            Some(refusal) => refuse_after_all(refusal, response, facts, &preferences, &options)
                .map(ResponseBody::own),
            None => response.map(ResponseBody::inner),
        }
    }
}
