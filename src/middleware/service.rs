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

use super::{
    body::ResponseBody,
    future::{Pending, ResponseFuture},
    layer::Options,
    request::{Decided, admit, decide},
    response::{Asked, refuse},
};
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

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let asked = Asked::of(&request, &self.options);
        let Decided { authentication, relayed } = decide(&mut request, &self.auth, &self.options);
        match authentication {
            Authentication::Ready(Decision::Forward(grant)) => {
                let forwarded = admit(&mut request, grant, asked, relayed, &self.options);
                ResponseFuture::forwarded(self.inner.call(request), forwarded)
            }
            Authentication::Ready(Decision::Reject(rejection)) => {
                drop(self.take_ready());
                ResponseFuture::refused(refuse(rejection, asked, &self.options))
            }
            Authentication::Pending(decision) => ResponseFuture::pending(Pending {
                decision,
                request,
                asked,
                relayed,
                service: self.take_ready(),
                options: Arc::clone(&self.options),
            }),
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
