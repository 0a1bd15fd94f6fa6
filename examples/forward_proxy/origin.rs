//! Sends requests to origins and prepares their responses for the client.
//!
//! Connections to origins are pooled and shared by all users. A login that belongs to a connection
//! (NTLM, Negotiate) must not be shared: a request with one gets a separate connection, which is
//! closed afterwards.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{AUTHORIZATION, CONNECTION, EXPECT},
    uri::Authority,
};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::Connect},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use crate::{
    access::Access,
    activity::Busy,
    client::Owner,
    connector::{Connector, connect, connector, connector_of_allowed},
    error::{ForwardError, HEAD_TIMEOUT},
    headers,
    kept::{KeepingConnector, keeping},
    places::Place,
    request_body::{Gate, Progress, RequestBody},
    response_body::ResponseBody,
    upgrade::{self, UpgradeRequest},
};

/// How long a connection to an origin is kept for the next request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many idle connections are kept for one origin.
const POOL_IDLE_PER_ORIGIN: usize = 32;

const INVALID_HOST: ForwardError = ForwardError::BadRequest("the host of the target is not valid");

/// Connections to origins.
#[derive(Debug)]
pub(crate) struct Origins {
    connector: Connector,
    pooled: Client<KeepingConnector, RequestBody>,
    /// Its connections serve one request each.
    unshared: Client<Connector, RequestBody>,
}

impl Origins {
    /// Keeps at most `kept` connections for later requests. With rules, it connects only to
    /// [allowed](crate::addresses::allowed) addresses.
    pub(crate) fn new(kept: usize, has_rules: bool) -> Self {
        let connector = if has_rules { connector_of_allowed() } else { connector() };
        let pooled = client(keeping(connector.clone(), kept), POOL_IDLE_PER_ORIGIN);
        let unshared = client(connector.clone(), 0);
        Self { connector, pooled, unshared }
    }

    /// Opens a connection for a tunnel.
    ///
    /// # Errors
    /// There is no connection.
    pub(crate) async fn connect(&self, authority: &Authority) -> Result<TcpStream, ForwardError> {
        let connector = self.connector.clone();
        connect(connector, authority).await.map_err(|error| ForwardError::of(&*error))
    }

    /// Sends `request` to the origin of `uri`, by a connection to `authority`.
    ///
    /// # Errors
    /// The request cannot be forwarded.
    pub(crate) fn send(
        &self,
        mut request: Request<Incoming>,
        uri: Uri,
        authority: Authority,
        access: Option<Access>,
    ) -> Result<Exchange, ForwardError> {
        if headers::has_other_coding(request.headers()) {
            return Err(ForwardError::TransferCoding);
        }
        let version = request.version();
        let upgrade = UpgradeRequest::take_from(&mut request);
        let (mut head, body) = request.into_parts();
        let hop_by_hop = headers::toward_origin(&mut head.headers, host(&uri)?, version);
        if let Some(upgrade) = &upgrade {
            upgrade.write_to(&mut head.headers);
        }
        let body = RequestBody::new(body, hop_by_hop, access.clone());
        let progress = body.progress();
        if version == Version::HTTP_10 || progress.is_finished() {
            head.headers.remove(EXPECT);
        }
        // Not made from `head`: its extensions belong to the connection of the client.
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = with_authority(uri, authority)?;
        *request.headers_mut() = head.headers;
        let gate = request.headers().contains_key(EXPECT).then(|| Gate::close(&mut request));
        let response = match has_sticky_login(request.headers()) {
            true => self.unshared.request(request),
            false => self.pooled.request(request),
        };
        Ok(Exchange { response, version, progress, access, gate, upgrade })
    }
}

/// A request that has been sent to its origin.
#[derive(Debug)]
pub(crate) struct Exchange {
    response: ResponseFuture,
    /// The version that the client used.
    version: Version,
    progress: Arc<Progress>,
    access: Option<Access>,
    gate: Option<Gate>,
    upgrade: Option<UpgradeRequest>,
}

impl Exchange {
    /// Waits for the response, and prepares it for the client.
    ///
    /// # Errors
    /// There is no response that can be forwarded.
    pub(crate) async fn response(
        mut self,
        busy: Option<Busy>,
        place: Option<Place<Owner>>,
        tasks: &TaskTracker,
    ) -> Result<Response<ResponseBody<Incoming>>, ForwardError> {
        let response = tokio::select! {
            biased;
            response = &mut self.response => response.map_err(|error| ForwardError::of(&error))?,
            () = self.progress.moved.idle_for(HEAD_TIMEOUT) => {
                return Err(ForwardError::HeadTimeout);
            }
        };
        self.relay(response, busy, place, tasks)
    }

    fn relay(
        self,
        mut response: Response<Incoming>,
        busy: Option<Busy>,
        place: Option<Place<Owner>>,
        tasks: &TaskTracker,
    ) -> Result<Response<ResponseBody<Incoming>>, ForwardError> {
        if headers::has_other_coding(response.headers()) {
            return Err(ForwardError::InvalidResponse);
        }
        let (busy, protocol) = match (response.status(), self.upgrade) {
            (StatusCode::SWITCHING_PROTOCOLS, None) => return Err(ForwardError::InvalidResponse),
            (StatusCode::SWITCHING_PROTOCOLS, Some(upgrade)) => {
                (None, Some(upgrade.switch(&mut response, busy, tasks)?))
            }
            _ => (busy, None),
        };
        if let Some(gate) = &self.gate {
            gate.responded(response.status());
        }
        let (mut head, body) = response.into_parts();
        let hop_by_hop = headers::toward_client(&mut head.headers, head.version);
        // Not made from `head`: its extensions belong to the connection to the origin.
        let mut response =
            Response::new(ResponseBody::new(body, hop_by_hop, self.access, busy, place, self.gate));
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        if let Some(protocol) = protocol {
            upgrade::announce(response.headers_mut(), protocol);
        } else if !self.progress.is_finished() && self.version <= Version::HTTP_11 {
            // hyper closes a connection whose request body was not read; this tells the client.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

/// A client that keeps up to `idle_per_origin` idle connections for one origin.
fn client<C: Connect + Clone>(connector: C, idle_per_origin: usize) -> Client<C, RequestBody> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(idle_per_origin)
        .set_host(false)
        .http1_max_headers(headers::MAX_FIELDS)
        .build(connector)
}

fn with_authority(uri: Uri, authority: Authority) -> Result<Uri, ForwardError> {
    let mut parts = uri.into_parts();
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| INVALID_HOST)
}

fn host(uri: &Uri) -> Result<HeaderValue, ForwardError> {
    HeaderValue::from_str(uri.authority().map_or("", Authority::as_str)).map_err(|_| INVALID_HOST)
}

/// Whether the request logs in for its whole connection.
fn has_sticky_login(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        [b"NTLM".as_slice(), b"Negotiate"].iter().any(|name| name.eq_ignore_ascii_case(scheme))
    })
}
