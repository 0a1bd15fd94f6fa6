//! The service: one decision for each request.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::{body::ResponseBody, future::ResponseFuture, layer::Options, request::Stripped};
use crate::authenticator::{Authentication, Authenticator, Decision};

/// A service behind proxy authentication; made by [`ProxyAuthLayer`](super::ProxyAuthLayer).
///
/// A permit that the inner service reserved when it was ready is given back when a request is
/// refused.
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

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let options = Arc::clone(&self.options);
        let (stripped, authentication) = Stripped::decide(request, &self.auth, &options);
        match authentication {
            Authentication::Ready(Decision::Forward(grant)) => {
                let (request, forwarded) = stripped.forward(grant, &options);
                ResponseFuture::forwarded(self.inner.call(request), forwarded, options)
            }
            Authentication::Ready(Decision::Reject(rejection)) => {
                drop(self.take_ready());
                ResponseFuture::refused(stripped.refuse(rejection, &options), options)
            }
            Authentication::Pending(decision) => {
                ResponseFuture::pending(decision, stripped, self.take_ready(), options)
            }
        }
    }
}

impl<S: Clone> ProxyAuth<S> {
    /// Takes out the service that was found ready, and leaves one that has not been asked.
    fn take_ready(&mut self) -> S {
        let fresh = self.inner.clone();
        mem::replace(&mut self.inner, fresh)
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
