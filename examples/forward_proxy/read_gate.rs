//! Takes over the bytes after a CONNECT with a Content-Length.
//!
//! Such a request has no content
//! ([RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)): the bytes that follow
//! belong to the tunnel. But some clients send the length of their next request. hyper then treats
//! the bytes as content, and starts the tunnel only after it has read all of them, while the client
//! may wait for bytes from the origin before it sends. If the content is dropped instead, hyper
//! discards the part that it has read. So [`ReadGate::take`] stops hyper from reading further, and
//! takes that part.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    task::yield_now,
    time::timeout,
};
use tower::BoxError;

/// How long hyper may take to pass on what it has already read, which needs no I/O.
const LIMIT: Duration = Duration::from_secs(1);

/// Permanently stops hyper from reading from one connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadGate(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_closed: AtomicBool,
    /// Notified when hyper wants to read, which means that it has passed on everything.
    starved: Notify,
}

pin_project! {
    /// A stream that is read while its gate is open.
    #[derive(Debug)]
    pub(crate) struct Gated<S> {
        #[pin]
        stream: S,
        gate: ReadGate,
    }
}

impl ReadGate {
    /// Closes the gate, and returns what hyper has already read of `body`.
    ///
    /// It must be called in the task of the connection, and the request must then become a tunnel:
    /// hyper reads nothing more.
    ///
    /// # Errors
    /// The connection has failed.
    pub(crate) async fn take(&self, mut body: Incoming) -> Result<Bytes, BoxError> {
        self.0.is_closed.store(true, Ordering::Relaxed);
        let taking = async {
            let mut taken = BytesMut::new();
            // hyper may be waiting for the socket, and would not notice the closed gate. It tries
            // to read again before it polls this future again.
            yield_now().await;
            loop {
                let frame = tokio::select! {
                    biased;
                    frame = body.frame() => frame,
                    () = self.0.starved.notified() => None,
                };
                match frame {
                    Some(frame) => taken.extend(frame?.into_data().ok()),
                    None => return Ok(taken.freeze()),
                }
            }
        };
        timeout(LIMIT, taking).await?
    }
}

impl<S> Gated<S> {
    pub(crate) const fn new(stream: S, gate: ReadGate) -> Self {
        Self { stream, gate }
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead> AsyncRead for Gated<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let state = &this.gate.0;
        if state.is_closed.load(Ordering::Relaxed) {
            state.starved.notify_one();
            return Poll::Pending;
        }
        this.stream.poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite> AsyncWrite for Gated<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}
