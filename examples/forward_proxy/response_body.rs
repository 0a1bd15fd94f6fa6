//! The fields behind a body: what belongs to one connection stays behind here too.
//!
//! They come when the header has long gone, so a body takes along what it must not let through.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::headers::HopByHop;

pin_project! {
    /// A body whose trailers go on without the hop-by-hop fields.
    #[derive(Debug)]
    pub(crate) struct Trimmed<B> {
        #[pin]
        body: B,
        hop_by_hop: HopByHop,
    }
}

impl<B> Trimmed<B> {
    pub(crate) fn new(body: B, hop_by_hop: HopByHop) -> Self {
        Self { body, hop_by_hop }
    }
}

impl<B: Body> Body for Trimmed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let mut frame = ready!(this.body.poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            this.hop_by_hop.remove_from(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::toward_client;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Version};
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn regression_hop_by_hop_fields_of_trailers_stay_behind() {
        let mut header = HeaderMap::new();
        header.insert("connection", HeaderValue::from_static("x-mine"));
        let mut trailers = HeaderMap::new();
        for name in ["x-mine", "connection", "keep-alive", "te", "upgrade", "x-sum"] {
            trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        let body = Full::new(Bytes::from_static(b"hello"))
            .with_trailers(std::future::ready(Some(Ok(trailers))));
        let body = Trimmed::new(body, toward_client(&mut header, Version::HTTP_11));
        let received = body.collect().await.expect("it cannot fail");
        let left = received.trailers().expect("there are some").keys();
        assert_eq!(left.map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
        assert_eq!(received.to_bytes(), "hello");
    }
}
