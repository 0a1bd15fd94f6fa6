//! Requests that get no response.

use std::{
    convert::Infallible,
    future::{Pending, Ready, pending, ready},
    io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_proxy_auth::{ProxyAuthLayer, event::Outcome};

use super::Events;
use crate::support::layer::{RIGHT, WRONG, alice, both, get, waiting};

type Answer = Response<Full<Bytes>>;

/// Polls a future once, which is then pending, and drops it.
fn abandon<F: Future>(future: F) {
    let mut future = pin!(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// An inner service that never answers.
#[derive(Clone)]
struct Silent;

impl Service<Request<Full<Bytes>>> for Silent {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pending<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        pending()
    }
}

/// An inner service that fails: when it is called, or when it is made ready for the second time.
#[derive(Clone)]
struct Failing {
    ready_calls: u32,
    when_ready: bool,
}

impl Service<Request<Full<Bytes>>> for Failing {
    type Response = Answer;
    type Error = io::Error;
    type Future = Ready<io::Result<Answer>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ready_calls += 1;
        let fails = self.when_ready && self.ready_calls > 1;
        Poll::Ready(if fails { Err(io::Error::other("not ready")) } else { Ok(()) })
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        ready(Err(io::Error::other("no answer")))
    }
}

#[test]
fn reports_a_client_that_leaves_during_the_check() {
    let (layer, _answers) = waiting();
    let events = Events::default();
    abandon(events.observe(layer).layer(Silent).call(get(RIGHT)));
    let event = events.one();
    assert_eq!((event.outcome(), event.name()), (Outcome::Cancelled, "cancelled"));
    assert_eq!((event.status(), event.scheme()), (None, Some("Basic")));
    assert!(event.check_time().is_some() && event.user().is_none() && !event.is_guess());
}

#[test]
fn reports_a_client_that_leaves_before_the_response() {
    let events = Events::default();
    let mut service = events.observe(ProxyAuthLayer::new(both())).layer(Silent);
    abandon(service.call(get(RIGHT)));
    let event = events.one();
    assert_eq!((event.name(), event.status()), ("forwarded", None));
    assert_eq!(event.user().unwrap().as_str(), "alice");
}

#[test]
fn reports_a_refusal_that_nobody_waits_for() {
    let events = Events::default();
    let mut service = events.observe(ProxyAuthLayer::new(both())).layer(Silent);
    // It was never polled, so nothing was verified.
    drop(service.call(get(WRONG)));
    assert_eq!(events.one().name(), "cancelled");
    drop(service.call(get("Basic !")));
    let event = events.one();
    assert_eq!((event.name(), event.status().unwrap().as_u16()), ("undecodable", 407));
}

#[test]
fn reports_a_failure_of_the_inner_service() {
    for when_ready in [false, true] {
        let (layer, answers) = waiting();
        let events = Events::default();
        let mut service = events.observe(layer).layer(Failing { ready_calls: 0, when_ready });
        let mut context = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut context).is_ready());
        let mut future = pin!(service.call(get(RIGHT)));
        assert!(future.as_mut().poll(&mut context).is_pending());
        answers.send(Ok(alice())).unwrap();
        let Poll::Ready(Err(_)) = future.as_mut().poll(&mut context) else {
            panic!("it did not fail")
        };
        // The event does not wait until the future is dropped.
        let event = events.one();
        assert_eq!((event.name(), event.status()), ("forwarded", None), "{when_ready}");
    }
}
