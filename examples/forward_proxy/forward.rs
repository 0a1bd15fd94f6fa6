//! The innermost service: does for a client what a proxy is there for.
//!
//! Whatever gets here has passed the authentication layer. Connections to origins are pooled and
//! shared by all users, so a login that sticks to a connection (NTLM, Negotiate) must not be
//! pooled: such a connection is closed after its request.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{ALLOW, AUTHORIZATION, CONNECTION, EXPECT, MAX_FORWARDS, WWW_AUTHENTICATE},
    uri::{PathAndQuery, Scheme},
};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;

use crate::{
    activity::{Activity, Busy, Holding},
    dial::Dialer,
    failure::{Failure, HEAD_TIMEOUT},
    headers,
    newcomers::Admission,
    shutdown::Tasks,
    target::{Place, Target},
    tunnel,
    upgrade::{self, Wanted},
    upload::{Progress, StopOnDrop, Upload},
};

/// How long a connection to an origin is kept for the next request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many idle connections are kept for one origin.
const POOL_IDLE_PER_ORIGIN: usize = 32;

/// The body of an answer: streamed from the origin, or a short text of the proxy's own.
pub(crate) type ProxyBody = Either<Holding<Incoming, Option<StopOnDrop>>, Full<Bytes>>;

/// A forward proxy as a tower service. Clones are cheap and share the pool of connections.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origins: Client<Dialer, Upload>,
    tasks: Tasks,
}

impl Forward {
    /// A proxy whose tunnels belong to `tasks`.
    pub(crate) fn new(tasks: Tasks) -> Self {
        let origins = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_IDLE_PER_ORIGIN)
            .set_host(false)
            .build(Dialer);
        Self { inner: Arc::new(Inner { origins, tasks }) }
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<ProxyBody> {
        let method = request.method().clone();
        // hyper closes a connection whose request body was not read; the client is told.
        let unread = request.version() <= Version::HTTP_11
            && !hyper::body::Body::is_end_stream(request.body());
        match self.pass_on(request).await {
            Ok(response) => response,
            Err(failure) => {
                tracing::debug!(?failure, "not passed on");
                let mut response = failure.into_response(&method).map(Either::Right);
                if unread {
                    close(response.headers_mut());
                }
                if failure == Failure::MethodNotAllowed {
                    response.headers_mut().insert(ALLOW, HeaderValue::from_static("OPTIONS"));
                }
                response
            }
        }
    }

    async fn pass_on(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<ProxyBody>, Failure> {
        let busy = request.extensions().get::<Activity>().map(Activity::begin);
        match Target::of(&request)? {
            Target::Tunnel(place) => {
                let response = tunnel::open(request, &place, busy, &self.tasks).await?;
                Ok(response.map(|()| empty()))
            }
            Target::Proxy => Ok(about_the_proxy()),
            Target::Resource(place, path) => {
                if is_last_hop(&mut request)? {
                    return match *request.method() {
                        Method::OPTIONS => Ok(about_the_proxy()),
                        _ => Err(Failure::MethodNotAllowed),
                    };
                }
                self.fetch(request, &place, path, busy).await
            }
        }
    }

    async fn fetch(
        &self,
        mut request: Request<Incoming>,
        place: &Place,
        path: PathAndQuery,
        busy: Option<Busy>,
    ) -> Result<Response<ProxyBody>, Failure> {
        if headers::has_other_coding(request.headers()) {
            return Err(Failure::TransferCoding);
        }
        let version = request.version();
        let wanted = Wanted::take_from(&mut request);
        let (head, body) = request.into_parts();
        let (mut upload, progress) = Upload::new(body);

        let authority = place.authority();
        let host = HeaderValue::try_from(&authority)
            .map_err(|_| Failure::BadRequest("the host of the target is not valid"))?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path);
        let uri = uri.build().map_err(|_| Failure::BadRequest("the target is not valid"))?;

        let mut fields = head.headers;
        headers::toward_origin(&mut fields, host, version);
        if let Some(wanted) = &wanted {
            wanted.ask(&mut fields);
        }
        let expects = fields.contains_key(EXPECT) && version > Version::HTTP_10;
        if !expects || progress.is_finished() {
            fields.remove(EXPECT);
        }
        let gate = fields.contains_key(EXPECT).then(|| upload.wait_for_continue());

        let mut outgoing = Request::new(upload);
        *outgoing.method_mut() = head.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = fields;
        if let Some(gate) = gate.clone() {
            hyper::ext::on_informational(&mut outgoing, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    gate.open();
                }
            });
        }
        let sticky = has_sticky_login(outgoing.headers());
        let connection = capture_connection(&mut outgoing);

        let mut response = self.head_of_answer(outgoing, &progress).await?;
        if sticky || has_sticky_login(response.headers()) {
            keep_out_of_pool(&connection);
        }
        if headers::has_other_coding(response.headers()) {
            return Err(Failure::NotHttp);
        }
        let received = response.version();
        let switched = match (response.status(), wanted) {
            (StatusCode::SWITCHING_PROTOCOLS, None) => return Err(Failure::NotHttp),
            (StatusCode::SWITCHING_PROTOCOLS, Some(wanted)) => {
                Some(wanted.switch(&mut response, busy, &self.tasks)?)
            }
            _ => None,
        };
        let (head, body) = response.into_parts();
        let body = Holding::new(body, gate.map(|gate| gate.answered(head.status)));
        let mut response = Response::new(Either::Left(body));
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        headers::toward_client(response.headers_mut(), received);
        if let Some(protocol) = switched {
            upgrade::announce(response.headers_mut(), protocol);
        } else if !progress.is_finished() && version <= Version::HTTP_11 {
            close(response.headers_mut());
        }
        Ok(response)
    }

    /// Sends the request and waits for the head of the answer.
    async fn head_of_answer(
        &self,
        request: Request<Upload>,
        progress: &Progress,
    ) -> Result<Response<Incoming>, Failure> {
        tokio::select! {
            answer = self.origins.request(request) => {
                answer.map_err(|error| Failure::of_client(&error))
            }
            () = progress.moved.idle_for(HEAD_TIMEOUT) => Err(Failure::HeadTimeout),
        }
    }
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if let Some(admission) = request.extensions().get::<Admission>() {
            admission.passed();
        }
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

fn empty() -> ProxyBody {
    Either::Right(Full::default())
}

fn about_the_proxy() -> Response<ProxyBody> {
    Response::new(empty())
}

fn close(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Counts `Max-Forwards` down for the two methods that it is about; true when it was zero.
fn is_last_hop<B>(request: &mut Request<B>) -> Result<bool, Failure> {
    if !matches!(*request.method(), Method::OPTIONS | Method::TRACE) {
        return Ok(false);
    }
    let Some(value) = request.headers().get(MAX_FORWARDS) else { return Ok(false) };
    let hops = value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
    match hops.ok_or(Failure::BadRequest("Max-Forwards is not a number"))?.checked_sub(1) {
        None => Ok(true),
        Some(left) => {
            request.headers_mut().insert(MAX_FORWARDS, HeaderValue::from(left));
            Ok(false)
        }
    }
}

/// Whether a login is under way that holds for all that follows on the connection.
fn has_sticky_login(headers: &HeaderMap) -> bool {
    [AUTHORIZATION, WWW_AUTHENTICATE].into_iter().any(|name| {
        headers.get_all(name).iter().any(|value| {
            let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
            [b"NTLM".as_slice(), b"Negotiate"].iter().any(|s| s.eq_ignore_ascii_case(scheme))
        })
    })
}

fn keep_out_of_pool(connection: &CaptureConnection) {
    if let Some(connection) = connection.connection_metadata().as_ref() {
        connection.poison();
    }
}
