//! The innermost service: does for a client what a proxy is there for.
//!
//! Whatever gets here has passed the authentication layer.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, Version,
    header::{ALLOW, CONNECTION, MAX_FORWARDS},
};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::Service;

use crate::{
    activity::Activity,
    admission::Admission,
    error::Failure,
    origin::{Origins, Relayed},
    shutdown::Tasks,
    target::Target,
    tunnel,
};

/// The body of an answer: streamed from the origin, or a short text of the proxy's own.
pub(crate) type ProxyBody = Either<Relayed, Full<Bytes>>;

/// A forward proxy as a tower service. Clones are cheap and share the connections to origins.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origins: Origins,
    tasks: Tasks,
}

impl Forward {
    /// A proxy whose tunnels belong to `tasks`.
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self { inner: Arc::new(Inner { origins: Origins::new(tasks.clone()), tasks }) }
    }
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if let Some(admission) = request.extensions().get::<Admission>() {
            admission.passed();
        }
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<ProxyBody> {
        let method = request.method().clone();
        let may_be_unread =
            request.version() <= Version::HTTP_11 && !request.body().is_end_stream();
        match self.pass_on(request).await {
            Ok(response) => response,
            Err(failure) => {
                tracing::debug!(?failure, "not passed on");
                let mut response = failure.into_response(&method).map(Either::Right);
                let headers = response.headers_mut();
                if may_be_unread {
                    // hyper closes such a connection; the client is told.
                    headers.insert(CONNECTION, HeaderValue::from_static("close"));
                }
                if failure == Failure::MethodNotAllowed {
                    headers.insert(ALLOW, HeaderValue::from_static("OPTIONS"));
                }
                response
            }
        }
    }

    async fn pass_on(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<ProxyBody>, Failure> {
        let busy = request.extensions().get::<Activity>().map(Activity::begin);
        match Target::of(&request)? {
            Target::Tunnel(place) => {
                let response = tunnel::open(request, &place, busy, &self.tasks).await?;
                Ok(response.map(|()| Either::Right(Full::default())))
            }
            Target::Proxy => Ok(about_the_proxy()),
            Target::Resource(place, path) => {
                if is_last_hop(&mut request)? {
                    return match *request.method() {
                        Method::OPTIONS => Ok(about_the_proxy()),
                        // TRACE: to send back what came would show fields meant for others.
                        _ => Err(Failure::MethodNotAllowed),
                    };
                }
                let response = self.origins.fetch(request, &place, path, busy).await?;
                Ok(response.map(Either::Left))
            }
        }
    }
}

/// The answer to OPTIONS where it is about the proxy: there is nothing to tell.
fn about_the_proxy() -> Response<ProxyBody> {
    Response::new(Either::Right(Full::default()))
}

/// Counts `Max-Forwards` down for the two methods that it is about; true when it was zero.
fn is_last_hop<B>(request: &mut Request<B>) -> Result<bool, Failure> {
    if !matches!(*request.method(), Method::OPTIONS | Method::TRACE) {
        return Ok(false);
    }
    let Some(value) = request.headers().get(MAX_FORWARDS) else { return Ok(false) };
    let hops = value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
    match hops.ok_or(Failure::BadRequest("Max-Forwards is not a number"))?.checked_sub(1) {
        None => Ok(true),
        Some(left) => {
            request.headers_mut().insert(MAX_FORWARDS, HeaderValue::from(left));
            Ok(false)
        }
    }
}
