//! Requests through a tower service.

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

/// The service that does nothing: it drops the request and hands out a response that was made
/// beforehand.
#[derive(Clone)]
pub(crate) struct Origin {
    responses: Rc<RefCell<Vec<Response<Empty<Bytes>>>>>,
    fields: &'static [(HeaderName, &'static str)],
}

impl Origin {
    /// Answers with a status alone, so that a refusal, for which this is not called, does not gain
    /// by it.
    pub(crate) fn brief() -> Self {
        Self { responses: Rc::default(), fields: &[] }
    }

    /// Answers with fields as most responses have them, so that another one costs what it costs in
    /// life, and not a whole header map.
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

/// Sends requests through a service round an [`Origin`] and drops the responses.
pub(crate) struct Exchange<S, R> {
    service: S,
    origin: Origin,
    expected: StatusCode,
    make: R,
    requests: Vec<Outgoing>,
}

impl<S, R: FnMut(usize) -> Vec<Outgoing>> Exchange<S, R> {
    /// `wrap` puts something round `origin`, and `make` makes so many requests, each of which is to
    /// be answered with the status `expected`.
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
