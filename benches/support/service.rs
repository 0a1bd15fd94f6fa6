//! A no-op service, and a function that sends requests to a service that never waits.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::Service;

pub(crate) type Outgoing = Request<Empty<Bytes>>;

/// Drops the request and returns an empty response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin;

impl Service<Outgoing> for Origin {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Outgoing) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::new(Empty::new())))
    }
}

/// Sends a request to a service that never waits.
pub(crate) fn send<S, B>(service: &mut S, request: Outgoing) -> Response<B>
where
    S: Service<Outgoing, Response = Response<B>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the service waits"),
    }
}
