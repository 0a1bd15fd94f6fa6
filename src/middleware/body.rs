//! The body of a response: the inner service's, or that of a refusal.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::response::remove_upstream_fields;

pin_project! {
    /// The body of a response of [`ProxyAuth`](crate::ProxyAuth).
    ///
    /// Wraps the body of the inner service without boxing it. The authentication fields of upstream
    /// proxies are removed from trailers, as they are from the header.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Own { body: Option<Bytes> },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) const fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    pub(crate) fn own(body: Bytes) -> Self {
        Self { kind: Kind::Own { body: Some(body).filter(|body| !body.is_empty()) } }
    }
}

/// An empty body, for outer layers that answer instead of this one: tower-http's `Timeout` needs
/// it.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::own(Bytes::new())
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(cx).map_ok(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    remove_upstream_fields(trailers);
                }
                frame
            }),
            KindProjection::Own { body } => {
                Poll::Ready(body.take().map(|body| Ok(Frame::data(body.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { body } => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
        }
    }
}
