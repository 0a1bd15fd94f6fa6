//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::{
    body::ResponseBody,
    layer::Options,
    request::admit,
    response::{Asked, Forwarded, refuse},
};
use crate::authenticator::{Decision, PendingDecision};

pin_project! {
    /// The response of [`ProxyAuth`](super::ProxyAuth), to come.
    ///
    /// Dropping it drops the wait for a back end, and forwards nothing.
    pub struct ResponseFuture<S, Q>
    where
        S: Service<Request<Q>>,
    {
        #[pin]
        state: State<S, Q>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Q>
    where
        S: Service<Request<Q>>,
    {
        Refused { response: Option<Response<Bytes>> },
        // In a box, so that a future which has nothing to wait for here stays small.
        Pending { pending: Option<Box<Pending<S, Q>>> },
        Forwarded {
            #[pin]
            future: S::Future,
            forwarded: Option<Forwarded>,
        },
    }
}

/// A request that waits for a back end, with the service that was found ready for it.
pub(super) struct Pending<S, Q> {
    pub(super) decision: PendingDecision,
    pub(super) request: Request<Q>,
    pub(super) asked: Asked,
    pub(super) relayed: Option<HeaderValue>,
    pub(super) service: S,
    pub(super) options: Arc<Options>,
}

impl<S, Q> ResponseFuture<S, Q>
where
    S: Service<Request<Q>>,
{
    pub(super) const fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn pending(pending: Pending<S, Q>) -> Self {
        Self { state: State::Pending { pending: Some(Box::new(pending)) } }
    }

    pub(super) const fn forwarded(future: S::Future, forwarded: Forwarded) -> Self {
        Self { state: State::Forwarded { future, forwarded: Some(forwarded) } }
    }
}

impl<S, Q, B> Future for ResponseFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Refused { response } => {
                    let response = still_there(response.take());
                    return Poll::Ready(Ok(response.map(ResponseBody::own)));
                }
                StateProjection::Forwarded { future, forwarded } => {
                    let response = ready!(future.poll(cx))?;
                    let forwarded = still_there(forwarded.take());
                    return Poll::Ready(Ok(forwarded.finish(response)));
                }
                StateProjection::Pending { pending } => {
                    let mut waiting = still_there(pending.take());
                    let Poll::Ready(decision) = Pin::new(&mut waiting.decision).poll(cx) else {
                        *pending = Some(waiting);
                        return Poll::Pending;
                    };
                    waiting.go_on(decision)
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, Q> Pending<S, Q>
where
    S: Service<Request<Q>>,
{
    fn go_on(self, decision: Decision) -> State<S, Q> {
        let Self { mut request, asked, relayed, mut service, options, .. } = self;
        match decision {
            Decision::Forward(grant) => {
                let forwarded = admit(&mut request, grant, asked, relayed, &options);
                let future = service.call(request);
                State::Forwarded { future, forwarded: Some(forwarded) }
            }
            Decision::Reject(rejection) => {
                State::Refused { response: Some(refuse(rejection, asked, &options)) }
            }
        }
    }
}

/// What is there until the future has ended.
fn still_there<T>(value: Option<T>) -> T {
    match value {
        Some(value) => value,
        None => panic!("`ResponseFuture` polled after it was ready"),
    }
}

impl<S, Q> fmt::Debug for ResponseFuture<S, Q>
where
    S: Service<Request<Q>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Refused { .. } => "ResponseFuture(refused)",
            State::Pending { .. } => "ResponseFuture(pending)",
            State::Forwarded { .. } => "ResponseFuture(forwarded)",
        })
    }
}
