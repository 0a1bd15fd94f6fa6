//! Closes a connection so that the other side can read the last response.
//!
//! The proxy often sends a 407 while the client still sends a body. If it closed a socket with
//! unread bytes, the kernel would send a reset, which makes the client lose the 407 if it has not
//! read it. So the proxy closes the write side first, and reads and discards further bytes, within
//! limits.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// The maximum number of discarded bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How long the other side may be silent meanwhile.
const MAX_SILENCE: Duration = Duration::from_secs(2);

/// How long closing may take in total.
const MAX_TIME: Duration = Duration::from_secs(8);

pin_project! {
    /// A stream whose `poll_shutdown` lingers.
    #[derive(Debug)]
    pub(crate) struct Lingering<S> {
        stream: S,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    Open,
    Draining { bytes: usize, end: Instant, silence: Pin<Box<Sleep>> },
    Closed,
}

impl<S> Lingering<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, state: State::Open }
    }

    /// The stream without lingering, for a tunnel: it closes one direction and continues with the
    /// other.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.project().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.project().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.project().stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.project().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        loop {
            match this.state {
                State::Closed => return Poll::Ready(Ok(())),
                State::Open => {
                    ready!(Pin::new(&mut *this.stream).poll_shutdown(cx))?;
                    *this.state = State::Draining {
                        bytes: 0,
                        end: Instant::now() + MAX_TIME,
                        silence: Box::pin(sleep(MAX_SILENCE)),
                    };
                }
                State::Draining { bytes, end, silence } => {
                    let mut scratch = [0; 8 * 1024];
                    let mut buffer = ReadBuf::new(&mut scratch);
                    let more = match Pin::new(&mut *this.stream).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) => !buffer.filled().is_empty(),
                        // The client cannot read the response any more.
                        Poll::Ready(Err(_)) => false,
                        Poll::Pending => {
                            ready!(silence.as_mut().poll(cx));
                            false
                        }
                    };
                    let now = Instant::now();
                    *bytes += buffer.filled().len();
                    if !more || *bytes >= MAX_BYTES || now >= *end {
                        *this.state = State::Closed;
                    } else {
                        silence.as_mut().reset((now + MAX_SILENCE).min(*end));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn reads_on_after_the_response() {
        let (mut client, server) = tokio::io::duplex(1024);
        let server = tokio::spawn(async move {
            let mut server = Lingering::new(server);
            server.write_all(b"answer").await.unwrap();
            server.shutdown().await.unwrap();
        });
        client.write_all(&[b'x'; 100 * 1024]).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        drop(client);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn discards_a_limited_number_of_bytes() {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move { Lingering::new(server).shutdown().await });
        let chunk = [b'x'; 64 * 1024];
        let mut sent = 0;
        while client.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
            assert!(sent <= 2 * MAX_BYTES, "the server still reads");
        }
        assert!(sent >= MAX_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_a_silent_client_for_a_limited_time() {
        let (client, server) = tokio::io::duplex(1024);
        let start = Instant::now();
        Lingering::new(server).shutdown().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), MAX_SILENCE.as_secs());
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_does_not_keep_the_connection_open() {
        let (mut client, server) = tokio::io::duplex(1024);
        let start = Instant::now();
        let trickle = async {
            while client.write_all(b"x").await.is_ok() {
                sleep(MAX_SILENCE / 2).await;
            }
        };
        let closing = async {
            let mut server = Lingering::new(server);
            server.shutdown().await.unwrap();
            start.elapsed().as_secs()
        };
        let (_, took) = tokio::join!(trickle, closing);
        assert_eq!(took, MAX_TIME.as_secs());
    }
}
