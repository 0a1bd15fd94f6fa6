//! rama's layer for proxy authentication. rama has its own `Request` and `Service`, and so its own
//! floor. It supports Basic; its 407 has no realm.

use std::{
    convert::Infallible,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::StatusCode;
use rama_core::{Layer, Service, service::service_fn};
use rama_http::{Body, Request, Response, layer::proxy_auth::ProxyAuthLayer};
use rama_net::user::Basic;

use crate::{
    engine::{PASSWORD, USER, WRONG_PASSWORD, basic_credentials, request},
    measure::{Subject, Work},
};

pub(crate) const FLOOR: &str = "rama, no-op service, Basic credentials";
pub(crate) const ACCEPTED: &str = "rama's ProxyAuthLayer, Basic accepted";
pub(crate) const WRONG: &str = "rama's ProxyAuthLayer, Basic, wrong password";

pub(crate) fn subjects() -> Vec<Subject> {
    let layer = || {
        let users = Basic::try_from(format!("{USER}:{PASSWORD}").as_str());
        ProxyAuthLayer::<Basic, Basic>::new(users.expect("name and password are not empty"))
    };
    let refused = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    vec![
        Subject::new(FLOOR, Exchange::new(origin(), PASSWORD, StatusCode::OK)),
        Subject::new(ACCEPTED, Exchange::new(layer().layer(origin()), PASSWORD, StatusCode::OK))
            .over(FLOOR),
        Subject::new(WRONG, Exchange::new(layer().layer(origin()), WRONG_PASSWORD, refused))
            .over(FLOOR),
    ]
}

fn origin() -> impl Service<Request, Output = Response, Error = Infallible> {
    service_fn(async |request: Request| {
        drop(black_box(request));
        Ok::<_, Infallible>(Response::new(Body::empty()))
    })
}

struct Exchange<S> {
    service: S,
    password: &'static str,
    expected: StatusCode,
    requests: Vec<Request>,
}

impl<S> Exchange<S> {
    const fn new(service: S, password: &'static str, expected: StatusCode) -> Self {
        Self { service, password, expected, requests: Vec::new() }
    }
}

impl<S: Service<Request, Output = Response, Error: std::fmt::Debug>> Work for Exchange<S> {
    fn prepare(&mut self, operations: usize) {
        let credentials = basic_credentials(USER, self.password);
        let one = || {
            let (parts, _) = request(Some(credentials.clone())).into_parts();
            Request::from(http::Request::from_parts(parts, Body::empty()))
        };
        self.requests = std::iter::repeat_with(one).take(operations).collect();
    }

    fn run(&mut self, operations: usize) {
        let mut context = Context::from_waker(Waker::noop());
        for request in self.requests.drain(..operations) {
            let future = pin!(self.service.serve(black_box(request)));
            let Poll::Ready(response) = future.poll(&mut context) else {
                panic!("the service waits")
            };
            assert_eq!(response.expect("nothing fails").status(), self.expected);
        }
    }
}
