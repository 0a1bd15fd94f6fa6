//! Sends requests through a tower service.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Empty;
use tower::Service;

use crate::{
    measure::Work,
    service::{Outgoing, send},
};

/// A no-op service: it drops the request and returns a prepared response.
#[derive(Clone)]
pub(crate) struct Origin {
    responses: Rc<RefCell<Vec<Response<Empty<Bytes>>>>>,
    fields: &'static [(HeaderName, &'static str)],
}

impl Origin {
    /// Responses without header fields, so that a refusal, which does not call the service, gets no
    /// advantage.
    pub(crate) fn brief() -> Self {
        Self { responses: Rc::default(), fields: &[] }
    }

    /// Responses with typical header fields, so that another field does not cost a new header map.
    pub(crate) fn with_fields() -> Self {
        const FIELDS: &[(HeaderName, &str)] = &[
            (header::CONTENT_TYPE, "text/plain"),
            (header::CONTENT_LENGTH, "0"),
            (header::DATE, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (header::SERVER, "origin"),
        ];
        Self { fields: FIELDS, ..Self::brief() }
    }

    fn prepare(&self, count: usize) {
        self.responses.borrow_mut().resize_with(count, || {
            let mut response = Response::new(Empty::new());
            for (name, value) in self.fields {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        });
    }
}

impl Service<Outgoing> for Origin {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Outgoing) -> Self::Future {
        drop(black_box(request));
        ready(Ok(self
            .responses
            .borrow_mut()
            .pop()
            .expect("a response was prepared for each request")))
    }
}

/// Sends requests through a service around an [`Origin`] and drops the responses.
pub(crate) struct Exchange<S, R> {
    service: S,
    origin: Origin,
    expected: StatusCode,
    make: R,
    requests: Vec<Outgoing>,
}

impl<S, R: FnMut(usize) -> Vec<Outgoing>> Exchange<S, R> {
    /// `wrap` wraps `origin` in the service, and `make` makes a number of requests, each of which
    /// must be answered with the status `expected`.
    pub(crate) fn new(
        origin: Origin,
        wrap: impl FnOnce(Origin) -> S,
        make: R,
        expected: StatusCode,
    ) -> Self {
        Self { service: wrap(origin.clone()), origin, expected, make, requests: Vec::new() }
    }
}

impl<S, B, R> Work for Exchange<S, R>
where
    S: Service<Outgoing, Response = Response<B>, Error = Infallible>,
    R: FnMut(usize) -> Vec<Outgoing>,
{
    fn prepare(&mut self, operations: usize) {
        self.origin.prepare(operations);
        self.requests = (self.make)(operations);
    }

    fn run(&mut self, operations: usize) {
        for request in self.requests.drain(..operations) {
            let response = send(&mut self.service, black_box(request));
            assert_eq!(response.status(), self.expected);
        }
    }
}
