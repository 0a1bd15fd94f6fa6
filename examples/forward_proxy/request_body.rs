//! The body of a request on its way to the origin.
//!
//! It is streamed, never collected. On the way it does two things: it tells how long ago something
//! moved, so that the origin's time to answer does not run while a long upload is going on; and,
//! for `Expect: 100-continue`, it holds the body back until the origin has said what it wants.
//! hyper sends the client its 100 when the body is first polled, so the origin's wish reaches the
//! client.

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
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{sync::watch, time::timeout};

use crate::{idle_timer::Stopwatch, response_body::Trimmed};

/// An origin that says nothing for this long gets the body all the same: it may not know `Expect`.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// A request body that is being passed on.
pub(crate) struct Upload {
    body: Trimmed<Incoming>,
    gate: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    progress: Progress,
}

/// What is known of an [`Upload`] while it is under way. Clones are of the same upload.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// Touched whenever the body moves.
    pub(crate) moved: Stopwatch,
    finished: Arc<AtomicBool>,
}

/// What a body waits for that waits for a 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// The origin has said nothing yet.
    Unknown,
    /// It said 100.
    Wanted,
    /// It gave its final answer: the body waits until that has been passed on ...
    Unwanted,
    /// ... and then ends the connection, which cannot be used again.
    Over,
}

/// Lets a body go that waits for a 100, or stops it. Clones are of the same body.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    wish: Arc<watch::Sender<Wish>>,
}

/// Stops a body that still waits when this is dropped.
#[derive(Debug)]
pub(crate) struct StopOnDrop {
    gate: Gate,
}

impl Upload {
    pub(crate) fn new(body: Trimmed<Incoming>) -> (Self, Progress) {
        let finished = Arc::new(AtomicBool::new(body.is_end_stream()));
        let progress = Progress { moved: Stopwatch::start(), finished };
        (Self { body, gate: None, progress: progress.clone() }, progress)
    }

    /// Holds the body back until the gate opens.
    pub(crate) fn wait_for_continue(&mut self) -> Gate {
        let (wish, mut changes) = watch::channel(Wish::Unknown);
        self.gate = Some(Box::pin(async move {
            let known = changes.wait_for(|wish| *wish != Wish::Unknown);
            match timeout(CONTINUE_TIMEOUT, known).await {
                Err(_elapsed) => return true,
                Ok(Ok(wish)) if *wish == Wish::Wanted => return true,
                Ok(_) => {}
            }
            // An error means that nobody waits for the answer any more.
            let _ = changes.wait_for(|wish| *wish == Wish::Over).await;
            false
        }));
        Gate { wish: Arc::new(wish) }
    }
}

impl Progress {
    /// Whether the client's body has been read to its end.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }
}

impl Gate {
    /// The origin wants the body.
    pub(crate) fn open(&self) {
        self.set_if_unknown(Wish::Wanted);
    }

    /// The origin has answered; what this returns lives as long as the answer is being passed on.
    ///
    /// An origin may answer well before it has read the body, and then read it all the same.
    pub(crate) fn answered(self, status: StatusCode) -> StopOnDrop {
        self.set_if_unknown(if status.is_success() { Wish::Wanted } else { Wish::Unwanted });
        StopOnDrop { gate: self }
    }

    fn set_if_unknown(&self, new: Wish) {
        self.wish.send_if_modified(|wish| {
            let unknown = *wish == Wish::Unknown;
            if unknown {
                *wish = new;
            }
            unknown
        });
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.gate.wish.send_replace(Wish::Over);
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(gate) = self.gate.as_mut() {
            if !ready!(gate.as_mut().poll(cx)) {
                return Poll::Ready(Some(Err(io::Error::other("the origin does not want it"))));
            }
            self.gate = None;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
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
