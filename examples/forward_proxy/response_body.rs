//! The body of an origin's response on its way to the client.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::{
    access::Access, activity::Busy, client::Owner, error::ForwardError, headers::HopByHop,
    places::Place, request_body::Gate,
};

pin_project! {
    /// A streamed body whose trailers lose the hop-by-hop fields. It fails when the access of the
    /// user ends, so that the client does not take the part that it has for the whole.
    #[derive(Debug)]
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: B,
        hop_by_hop: HopByHop,
        access: Option<Access>,
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
        access: Option<Access>,
        busy: Option<Busy>,
        place: Option<Place<Owner>>,
        gate: Option<Gate>,
    ) -> Self {
        Self { body, hop_by_hop, access, busy, place, gate }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if this.access.as_mut().is_some_and(|access| access.poll_ended(cx).is_ready()) {
            return Poll::Ready(Some(Err(ForwardError::AccessEnded.into())));
        }
        let frame = ready!(this.body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(mut frame) => {
                this.hop_by_hop.remove_from_trailers(&mut frame);
                Ok(frame)
            }
            Err(error) => Err(error.into()),
        }))
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
            ResponseBody::new(body, hop_by_hop, None, None, None, None).collect().await.unwrap();
        let left = received.trailers().unwrap().keys();
        assert_eq!(left.map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
        assert_eq!(received.to_bytes(), "hello");
    }
}
