//! Exchanges with origins: a request of a client out, the origin's answer back.
//!
//! Connections to origins are pooled and shared by all users. A login that sticks to a connection
//! (NTLM, Negotiate) must not be shared: a request with one gets a connection of its own, which is
//! closed after it, and a connection on which an origin asks for one is not used again.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{AUTHORIZATION, CONNECTION, EXPECT, WWW_AUTHENTICATE},
    request::Parts,
    uri::{PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    activity::{Busy, Holding},
    connector::Dialer,
    error::{Failure, HEAD_TIMEOUT},
    headers,
    request_body::{Gate, Progress, StopOnDrop, Upload},
    response_body::Trimmed,
    shutdown::Tasks,
    target::Place,
    upgrade::{self, Wanted},
};

/// How long a connection to an origin is kept for the next request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many idle connections are kept for one origin.
const POOL_IDLE_PER_ORIGIN: usize = 32;

/// The body of an origin's answer, streamed.
pub(crate) type Relayed = Holding<Trimmed<Incoming>, Option<StopOnDrop>>;

/// Connections to origins.
#[derive(Debug)]
pub(crate) struct Origins {
    pooled: Client<Dialer, Upload>,
    /// Its connections serve one request each.
    unshared: Client<Dialer, Upload>,
    tasks: Tasks,
}

impl Origins {
    /// Upgraded connections will belong to `tasks`.
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self { pooled: client(POOL_IDLE_PER_ORIGIN), unshared: client(0), tasks }
    }

    /// Asks `place` for `path` on behalf of the client who sent `request`.
    ///
    /// # Errors
    /// When there is no answer that could be passed on.
    pub(crate) async fn fetch(
        &self,
        mut request: Request<Incoming>,
        place: &Place,
        path: PathAndQuery,
        busy: Option<Busy>,
    ) -> Result<Response<Relayed>, Failure> {
        if headers::has_other_coding(request.headers()) {
            return Err(Failure::TransferCoding);
        }
        let version = request.version();
        let wanted = Wanted::take_from(&mut request);
        let (mut head, body) = request.into_parts();
        head.uri = uri(place, path)?;
        let hop_by_hop = headers::toward_origin(&mut head.headers, host(place)?, version);
        if let Some(wanted) = &wanted {
            wanted.ask(&mut head.headers);
        }
        let Outgoing { request, progress, gate, connection } =
            Outgoing::new(head, Trimmed::new(body, hop_by_hop));
        let mut answer = self.head_of_answer(request, &progress).await?;
        if has_sticky_login(answer.headers()) {
            keep_out_of_pool(&connection);
        }
        if headers::has_other_coding(answer.headers()) {
            return Err(Failure::NotHttp);
        }
        let switched = match (answer.status(), wanted) {
            (StatusCode::SWITCHING_PROTOCOLS, None) => return Err(Failure::NotHttp),
            (StatusCode::SWITCHING_PROTOCOLS, Some(wanted)) => {
                Some(wanted.switch(&mut answer, busy, &self.tasks)?)
            }
            _ => None,
        };
        let stop = gate.map(|gate| gate.answered(answer.status()));
        let mut answer = incoming(answer).map(|body| Holding::new(body, stop));
        if let Some(protocol) = switched {
            upgrade::announce(answer.headers_mut(), protocol);
        } else if !progress.is_finished() && version <= Version::HTTP_11 {
            // hyper closes a connection whose request body was not read; the client is told.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    /// Sends the request and waits for the head of the answer.
    async fn head_of_answer(
        &self,
        request: Request<Upload>,
        progress: &Progress,
    ) -> Result<Response<Incoming>, Failure> {
        // When the answer is there it is too late to keep a connection out of the pool: somebody
        // may have got it by then.
        let client =
            if has_sticky_login(request.headers()) { &self.unshared } else { &self.pooled };
        tokio::select! {
            answer = client.request(request) => {
                answer.map_err(|error| Failure::of_client(&error))
            }
            () = progress.moved.idle_for(HEAD_TIMEOUT) => Err(Failure::HeadTimeout),
        }
    }
}

/// A client that keeps so many idle connections for one origin.
fn client(idle_per_origin: usize) -> Client<Dialer, Upload> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(idle_per_origin)
        .set_host(false)
        .build(Dialer)
}

/// A request for the client of hyper-util, and what is to be known of it later.
struct Outgoing {
    request: Request<Upload>,
    progress: Progress,
    gate: Option<Gate>,
    connection: CaptureConnection,
}

impl Outgoing {
    /// `head` is fit for the origin but for `Expect`, which HTTP/1.0 does not have.
    fn new(mut head: Parts, body: Trimmed<Incoming>) -> Self {
        let (mut upload, progress) = Upload::new(body);
        if head.version == Version::HTTP_10 || progress.is_finished() {
            head.headers.remove(EXPECT);
        }
        let gate = head.headers.contains_key(EXPECT).then(|| upload.wait_for_continue());

        // Not made from `head`: its extensions are about the client's connection.
        let mut request = Request::new(upload);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.headers_mut() = head.headers;
        if let Some(gate) = gate.clone() {
            hyper::ext::on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    gate.open();
                }
            });
        }
        let connection = capture_connection(&mut request);
        Self { request, progress, gate, connection }
    }
}

/// The answer for the client. It has nothing of the origin's connection.
fn incoming(answer: Response<Incoming>) -> Response<Trimmed<Incoming>> {
    let (mut head, body) = answer.into_parts();
    let hop_by_hop = headers::toward_client(&mut head.headers, head.version);
    let mut response = Response::new(Trimmed::new(body, hop_by_hop));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

fn uri(place: &Place, path: PathAndQuery) -> Result<Uri, Failure> {
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(place.authority())
        .path_and_query(path)
        .build()
        .map_err(|_| Failure::BadRequest("the target is not valid"))
}

fn host(place: &Place) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(place.authority())
        .map_err(|_| Failure::BadRequest("the host of the target is not valid"))
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
