//! The body of an origin's response on its way to the client.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{activity::Busy, client::Owner, headers::HopByHop, places::Place, request_body::Gate};

pin_project! {
    /// A streamed body whose trailers lose the hop-by-hop fields.
    #[derive(Debug)]
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: B,
        hop_by_hop: HopByHop,
        // Kept until the body has been sent or is dropped.
        busy: Option<Busy>,
        place: Option<Place<Owner>>,
        gate: Option<Gate>,
    }
}

impl<B> ResponseBody<B> {
    /// Keeps `busy`, `place` and `gate` until the response body has been sent.
    pub(crate) const fn new(
        body: B,
        hop_by_hop: HopByHop,
        busy: Option<Busy>,
        place: Option<Place<Owner>>,
        gate: Option<Gate>,
    ) -> Self {
        Self { body, hop_by_hop, busy, place, gate }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        this.body.poll_frame(cx).map_ok(|mut frame| {
            this.hop_by_hop.remove_from_trailers(&mut frame);
            frame
        })
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
    use http::{HeaderMap, HeaderName, HeaderValue, Version};
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn regression_trailers_lose_hop_by_hop_fields() {
        let mut header = HeaderMap::new();
        header.insert("connection", HeaderValue::from_static("x-mine"));
        let mut trailers = HeaderMap::new();
        for name in ["x-mine", "connection", "keep-alive", "te", "upgrade", "x-sum"] {
            trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        let body = Full::new(Bytes::from_static(b"hello"))
            .with_trailers(std::future::ready(Some(Ok(trailers))));
        let hop_by_hop = toward_client(&mut header, Version::HTTP_11);
        let received =
            ResponseBody::new(body, hop_by_hop, None, None, None).collect().await.unwrap();
        let left = received.trailers().unwrap().keys();
        assert_eq!(left.map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
        assert_eq!(received.to_bytes(), "hello");
    }
}
