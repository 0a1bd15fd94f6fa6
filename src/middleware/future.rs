//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::{
    body::ResponseBody,
    facts::RequestFacts,
    layer::Options,
    request::{Outcome, act},
    response::Forwarded,
};
use crate::{
    authenticator::{Decision, PendingDecision},
    error::BackendError,
    identity::Identity,
    revocation::Revoked,
};

pin_project! {
    /// The response future of [`ProxyAuth`](crate::ProxyAuth).
    ///
    /// Dropping it cancels the check and the request.
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
        Verifying { verifying: Option<Verifying<S, Q>> },
        MakingReady { admitted: Option<Admitted<S, Q>> },
        Forwarded {
            #[pin]
            future: S::Future,
            forwarded: Option<Forwarded>,
        },
    }
}

/// A request whose credentials are being verified.
struct Verifying<S, Q> {
    decision: PendingDecision,
    request: Request<Q>,
    facts: RequestFacts,
    service: S,
    /// Whether the service has reserved a permit for this request.
    is_ready: bool,
    options: Arc<Options>,
}

/// A request that waits for the inner service to become ready.
struct Admitted<S, Q> {
    request: Request<Q>,
    forwarded: Forwarded,
    service: S,
    revoked: Revoked,
}

impl<S, Q> ResponseFuture<S, Q>
where
    S: Service<Request<Q>>,
{
    pub(super) const fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    /// Verifies the credentials of a request for which `service` is ready.
    pub(super) const fn verifying(
        decision: PendingDecision,
        request: Request<Q>,
        facts: RequestFacts,
        service: S,
        options: Arc<Options>,
    ) -> Self {
        let verifying = Verifying { decision, request, facts, service, is_ready: true, options };
        Self { state: State::Verifying { verifying: Some(verifying) } }
    }

    pub(super) const fn forwarded(future: S::Future, forwarded: Forwarded) -> Self {
        Self { state: State::Forwarded { future, forwarded: Some(forwarded) } }
    }
}

impl<S, Q, B> Future for ResponseFuture<S, Q>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Refused { response } => {
                    return Poll::Ready(Ok(take(response).map(ResponseBody::own)));
                }
                StateProjection::Verifying { verifying } => {
                    let waiting = present(verifying);
                    match Pin::new(&mut waiting.decision).poll(cx) {
                        Poll::Ready(decision) => take(verifying).resume(decision),
                        Poll::Pending => {
                            waiting.give_back_permit();
                            return Poll::Pending;
                        }
                    }
                }
                StateProjection::MakingReady { admitted } => {
                    let waiting = present(admitted);
                    if Pin::new(&mut waiting.revoked).poll(cx).is_ready() {
                        take(admitted).refuse()
                    } else {
                        let result = ready!(waiting.service.poll_ready(cx));
                        let admitted = take(admitted);
                        result?;
                        admitted.call()
                    }
                }
                StateProjection::Forwarded { future, forwarded } => {
                    let result = ready!(future.poll(cx));
                    // If the service failed, the event is sent now.
                    let forwarded = take(forwarded);
                    return Poll::Ready(result.map(|response| forwarded.finish(response)));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, Q> Verifying<S, Q>
where
    S: Service<Request<Q>> + Clone,
{
    /// Lets other requests use the permit while the check is pending.
    fn give_back_permit(&mut self) {
        if self.is_ready {
            self.service = self.service.clone();
            self.is_ready = false;
        }
    }

    fn resume(self, decision: Decision) -> State<S, Q> {
        let Self { mut request, facts, service, is_ready, options, .. } = self;
        let forwarded = match act(decision, &mut request, facts, &options) {
            Outcome::Forward(forwarded) => forwarded,
            Outcome::Refuse(response) => return State::Refused { response: Some(response) },
        };
        let identity = request.extensions().get::<Identity>();
        let revoked = identity.map_or_else(Revoked::never, Identity::revoked);
        let admitted = Admitted { request, forwarded, service, revoked };
        if is_ready { admitted.call() } else { State::MakingReady { admitted: Some(admitted) } }
    }
}

impl<S, Q> Admitted<S, Q>
where
    S: Service<Request<Q>>,
{
    fn call(mut self) -> State<S, Q> {
        let future = self.service.call(self.request);
        State::Forwarded { future, forwarded: Some(self.forwarded) }
    }

    fn refuse(self) -> State<S, Q> {
        let error = BackendError::transient("the user was revoked while the request waited");
        State::Refused { response: Some(self.forwarded.refuse(error)) }
    }
}

/// Returns a value that is present until the future has completed.
fn present<T>(value: &mut Option<T>) -> &mut T {
    value.as_mut().unwrap_or_else(|| completed())
}

/// Takes a value that is present until the future has completed.
fn take<T>(value: &mut Option<T>) -> T {
    value.take().unwrap_or_else(|| completed())
}

fn completed() -> ! {
    panic!("`ResponseFuture` polled after completion")
}

impl<S, Q> fmt::Debug for ResponseFuture<S, Q>
where
    S: Service<Request<Q>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Refused { .. } => "ResponseFuture(refused)",
            State::Verifying { .. } => "ResponseFuture(verifying)",
            State::MakingReady { .. } => "ResponseFuture(making ready)",
            State::Forwarded { .. } => "ResponseFuture(forwarded)",
        })
    }
}
