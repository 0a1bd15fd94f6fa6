//! The body of a client's request on its way to the origin.
//!
//! It is streamed, never collected. It records when it last made progress, so that a long upload
//! does not count as time of the origin. For `Expect: 100-continue` it waits until the origin has
//! asked for it; hyper sends the client its 100 when the body is first polled.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{sync::watch, time::timeout};

use crate::{access::Access, error::ForwardError, headers::HopByHop, idle_timer::IdleTimer};

/// An origin that is silent for this time gets the body anyway: it may not support `Expect`.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// A request body that is being forwarded.
pub(crate) struct RequestBody {
    body: Incoming,
    hop_by_hop: HopByHop,
    /// The body fails when it ends.
    access: Option<Access>,
    progress: Arc<Progress>,
    wanted: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
}

/// The progress of a [`RequestBody`].
#[derive(Debug)]
pub(crate) struct Progress {
    /// Touched whenever the body makes progress.
    pub(crate) moved: IdleTimer,
    finished: AtomicBool,
}

/// Decides whether a body that waits for a 100 is sent. If it is dropped before, the body fails,
/// and with it the connection to the origin.
#[derive(Debug)]
pub(crate) struct Gate(Arc<watch::Sender<Option<bool>>>);

impl RequestBody {
    pub(crate) fn new(body: Incoming, hop_by_hop: HopByHop, access: Option<Access>) -> Self {
        let finished = AtomicBool::new(body.is_end_stream());
        let progress = Arc::new(Progress { moved: IdleTimer::start(), finished });
        Self { body, hop_by_hop, access, progress, wanted: None }
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}

impl Progress {
    /// Whether the client's body has been read to its end.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }
}

impl Gate {
    /// Holds the body of `request` back until the origin has sent a 100 or its response.
    pub(crate) fn close(request: &mut Request<RequestBody>) -> Self {
        let (decision, mut changes) = watch::channel(None);
        request.body_mut().wanted = Some(Box::pin(async move {
            let decided = changes.wait_for(Option::is_some);
            match timeout(CONTINUE_TIMEOUT, decided).await {
                Ok(Ok(wanted)) if *wanted == Some(true) => return true,
                Err(_elapsed) => return true,
                Ok(_) => {}
            }
            // An error here would end the connection, and with it the response. Waits until the
            // response has been forwarded and the gate is dropped.
            while changes.changed().await.is_ok() {}
            false
        }));
        let gate = Self(Arc::new(decision));
        // Weak: hyper may keep the callback for longer than the response takes.
        let decision = Arc::downgrade(&gate.0);
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE
                && let Some(decision) = decision.upgrade()
            {
                Self(decision).decide(true);
            }
        });
        gate
    }

    /// Records the origin's response. After a successful one the body is still sent, since it may
    /// come before the origin has read the body.
    pub(crate) fn responded(&self, status: StatusCode) {
        self.decide(status.is_success());
    }

    fn decide(&self, wanted: bool) {
        self.0.send_if_modified(|decision| {
            let is_open = decision.is_none();
            decision.get_or_insert(wanted);
            is_open
        });
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.access.as_mut().is_some_and(|access| access.poll_ended(cx).is_ready()) {
            return Poll::Ready(Some(Err(io::Error::other(ForwardError::AccessEnded))));
        }
        if let Some(wanted) = self.wanted.as_mut() {
            if !ready!(wanted.as_mut().poll(cx)) {
                return Poll::Ready(Some(Err(io::Error::other("the origin does not want it"))));
            }
            self.wanted = None;
        }
        let mut frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame {
            self.hop_by_hop.remove_from_trailers(frame);
        }
        self.progress.moved.touch();
        if frame.is_none() || self.body.is_end_stream() {
            self.progress.finished.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
