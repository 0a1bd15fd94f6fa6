//! The service, which authenticates each request.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{
    body::ResponseBody,
    future::ResponseFuture,
    layer::Options,
    request::{Outcome, act, authenticate},
};
use crate::authenticator::{Authentication, Authenticator};

/// A service behind proxy authentication; see [`ProxyAuthLayer`](crate::ProxyAuthLayer).
///
/// It gives back the permit that the inner service reserved in `poll_ready` if a request is
/// refused, and while a check of credentials is pending.
#[derive(Clone)]
pub struct ProxyAuth<S> {
    inner: S,
    auth: Authenticator,
    options: Arc<Options>,
}

impl<S> ProxyAuth<S> {
    pub(super) const fn new(inner: S, auth: Authenticator, options: Arc<Options>) -> Self {
        Self { inner, auth, options }
    }
}

impl<S, Q, B> Service<Request<Q>> for ProxyAuth<S>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
    Q: Body,
    B: Body,
    B::Data: From<Bytes>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let (facts, authentication) = authenticate(&mut request, &self.auth, &self.options);
        match authentication {
            Authentication::Ready(decision) => {
                match act(decision, &mut request, facts, &self.options) {
                    Outcome::Forward(forwarded) => {
                        ResponseFuture::forwarded(self.inner.call(request), forwarded)
                    }
                    Outcome::Refuse(response) => {
                        drop(self.take_ready());
                        ResponseFuture::refused(response)
                    }
                }
            }
            Authentication::Pending(decision) => {
                let (service, options) = (self.take_ready(), Arc::clone(&self.options));
                ResponseFuture::verifying(decision, request, facts, service, options)
            }
        }
    }
}

impl<S: Clone> ProxyAuth<S> {
    /// Takes the ready service and leaves a clone, which is not ready.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}

impl<S: fmt::Debug> fmt::Debug for ProxyAuth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAuth")
            .field("inner", &self.inner)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
