//! Limits the connections to origins that are kept for later requests.
//!
//! A pool limits its idle connections to each origin, but not to all of them. Without this limit, one
//! user could take the last descriptor with requests to many origins.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::{BoxError, ServiceExt, util::BoxCloneSyncService};

use crate::connector::Connector;

/// A connector for a pool.
pub(crate) type KeepingConnector = BoxCloneSyncService<Uri, TokioIo<Kept<TcpStream>>, BoxError>;

pin_project! {
    /// A stream that a pool keeps after a request only if there was a place for it.
    #[derive(Debug)]
    pub(crate) struct Kept<S> {
        #[pin]
        stream: S,
        place: Option<OwnedSemaphorePermit>,
    }
}

/// Lets a pool keep at most `limit` of the connections that `connector` opens.
pub(crate) fn keeping(connector: Connector, limit: usize) -> KeepingConnector {
    let places = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
    BoxCloneSyncService::new(connector.map_response(move |stream| {
        let place = Arc::clone(&places).try_acquire_owned().ok();
        TokioIo::new(Kept { stream: stream.into_inner(), place })
    }))
}

impl<S: Connection> Connection for Kept<S> {
    fn connected(&self) -> Connected {
        let connected = self.stream.connected();
        if self.place.is_none() {
            connected.poison();
        }
        connected
    }
}

impl<S: AsyncRead> AsyncRead for Kept<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().stream.poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite> AsyncWrite for Kept<S> {
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
