//! Bodies of any type pass through unchanged and unboxed.

use std::{
    cell::Cell,
    collections::VecDeque,
    convert::Infallible,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::timeout::TimeoutLayer;
use tower_proxy_auth::{
    ProxyAuth, Verdict,
    middleware::{ResponseBody, ResponseFuture},
};

use crate::support::layer::{
    INFO, Origin, RIGHT, URL, WRONG, alice, layer, text, waiting, with_credentials,
};

/// A body with a marker `M` that decides whether it is `Send` and `Sync`.
struct Marked<M>(Full<Bytes>, M);

impl<M: Unpin> Body for Marked<M> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }
}

fn marked<M>(text: &'static str, mark: M) -> Marked<M> {
    Marked(Full::from(text), mark)
}

/// Sends a marked body there and back, with an immediate and a pending check, and is refused once.
async fn there_and_back<M: Clone + Unpin>(mark: M) {
    let (waits, answers) = waiting();
    for layer in [layer(), waits] {
        let mark = mark.clone();
        let reply = mark.clone();
        let service = layer.layer(service_fn(move |request: Request<Marked<M>>| {
            let reply = reply.clone();
            async move {
                let sent = request.into_body().collect().await?.to_bytes();
                assert_eq!(sent, "there");
                Ok::<_, Infallible>(Response::new(marked("back", reply)))
            }
        }));
        let request = |credentials| {
            with_credentials(Request::new(marked("there", mark.clone())), credentials)
        };
        answers.send(Ok(alice())).unwrap();
        answers.send(Ok(Verdict::WrongPassword)).unwrap();
        let response = service.clone().oneshot(request(RIGHT)).await.unwrap();
        assert_eq!(text(response).await, "back");
        assert_eq!(service.oneshot(request(WRONG)).await.unwrap().status(), 407);
    }
}

#[tokio::test]
async fn accepts_bodies_that_are_not_send() {
    there_and_back(Rc::new(())).await;
}

#[tokio::test]
async fn accepts_bodies_that_are_not_sync() {
    there_and_back(Cell::new(())).await;
}

/// Fails to compile unless `T` is `Send`.
fn assert_send<T: Send>() {}

#[test]
fn is_send_if_the_bodies_are() {
    type Unsync = Marked<Cell<()>>;
    type Inner = tower::util::BoxCloneService<Request<Unsync>, Response<Unsync>, Infallible>;
    assert_send::<ResponseFuture<Inner, Unsync>>();
    assert_send::<ResponseBody<Unsync>>();
    assert_send::<ProxyAuth<Inner>>();
}

/// A body that borrows.
struct Borrowed<'a>(Option<&'a str>, PhantomData<Rc<()>>);

impl Body for Borrowed<'_> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let text = self.0.take();
        Poll::Ready(text.map(|text| Ok(Frame::data(Bytes::copy_from_slice(text.as_bytes())))))
    }
}

#[tokio::test]
async fn accepts_bodies_that_borrow() {
    let page = "borrowed".to_owned();
    let inner = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Borrowed(Some(&page), PhantomData)))
    });
    let request = with_credentials(Request::new(Empty::new()), RIGHT);
    let response = layer().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(text(response).await, "borrowed");
}

/// Data of the inner service's own type.
struct Chunk(Bytes);

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }
}

#[tokio::test]
async fn accepts_a_custom_data_type() {
    let inner = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Chunk(Bytes::from("chunk")))))
    });
    let service = layer().layer(inner);
    let request = |credentials| with_credentials(Request::new(Empty::new()), credentials);
    assert_eq!(text(service.clone().oneshot(request(RIGHT)).await.unwrap()).await, "chunk");
    let refusal = service.oneshot(request(WRONG)).await.unwrap();
    assert!(text(refusal).await.starts_with("407 Proxy Authentication Required: "));
}

#[tokio::test]
async fn keeps_size_hint_and_end_of_a_body() {
    let respond = |body: &'static str| Origin::answering(move || Response::new(Full::from(body)));
    for (sent, ended) in [("forwarded", false), ("", true)] {
        let service = layer().layer(respond(sent));
        let request = with_credentials(Request::new(Full::<Bytes>::default()), RIGHT);
        let body = service.oneshot(request).await.unwrap().into_body();
        assert_eq!(body.is_end_stream(), ended);
        assert_eq!(body.size_hint().exact(), Some(sent.len() as u64));
    }
    let inner = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Frames::<Infallible>::default()))
    });
    let request = with_credentials(Request::new(Empty::new()), RIGHT);
    let body = layer().layer(inner).oneshot(request).await.unwrap().into_body();
    assert!(!body.is_end_stream());
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (3, Some(7)));
}

/// A body of these frames, with bounds for its length.
struct Frames<E>(VecDeque<Result<Frame<Bytes>, E>>);

impl<E> Default for Frames<E> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<E: Unpin> Body for Frames<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        Poll::Ready(self.0.pop_front())
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_upper(7);
        hint.set_lower(3);
        hint
    }
}

#[tokio::test]
async fn gives_refusals_a_length_and_an_end() {
    let request = with_credentials(Request::new(Full::<Bytes>::default()), WRONG);
    let response = layer().layer(Origin::new()).oneshot(request).await.unwrap();
    let length: u64 = response.headers()[header::CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    assert!(length > 100);
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(length));
    assert!(!body.is_end_stream());
    let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(data.len() as u64, length);
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn removes_proxy_authentication_from_trailers() {
    let inner = service_fn(|_: Request<Empty<Bytes>>| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", HeaderValue::from_static("17"));
        for challenge in ["Basic realm=\"elsewhere\"", "Negotiate"] {
            trailers.append(header::PROXY_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        trailers.insert(INFO, HeaderValue::from_static("rspauth=\"00\""));
        let frames = [Frame::data(Bytes::from("forwarded")), Frame::trailers(trailers)];
        Ok::<_, Infallible>(Response::new(Frames(frames.map(Ok::<_, Infallible>).into())))
    });
    let request = with_credentials(Request::new(Empty::new()), RIGHT);
    let response = layer().layer(inner).oneshot(request).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap().clone();
    assert_eq!(collected.to_bytes(), "forwarded");
    assert_eq!(trailers.len(), 1, "{trailers:?}");
    assert_eq!(trailers["x-checksum"], "17");
}

#[derive(Debug, PartialEq)]
struct Torn;

#[tokio::test]
async fn passes_on_errors_of_a_body() {
    let inner = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Frames([Err(Torn)].into())))
    });
    let request = with_credentials(Request::get(URL).body(Empty::new()).unwrap(), RIGHT);
    let response = layer().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap_err(), Torn);
}

#[tokio::test(start_paused = true)]
async fn works_inside_a_timeout_layer() {
    let (waits, _answers) = waiting();
    let time_out =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1));
    let service = ServiceBuilder::new().layer(time_out).layer(waits).service(Origin::new());
    let request = with_credentials(Request::new(Full::<Bytes>::default()), RIGHT);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 504);
    assert!(response.body().is_end_stream());
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert_eq!(text(response).await, "");
}
