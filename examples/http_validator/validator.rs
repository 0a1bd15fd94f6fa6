//! The validator: sends a form to the service and reads the answer, within limits.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time;
use tower_proxy_auth::{BackendError, BasicCredentials, CredentialValidator, Verdict};

use zeroize::Zeroizing;

use super::{answer, queue::Queue};

/// The maximum length of a name in bytes.
const MAX_NAME: usize = 1_024;
/// The maximum length of a password in bytes.
const MAX_PASSWORD: usize = 4_096;
/// The maximum length of an answer in bytes.
const MAX_ANSWER: usize = 16 * 1_024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the time after which the service closes idle connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const RUNNING_CHECKS: usize = 32;
const WAITING_CHECKS: usize = 256;

/// Checks passwords with a service over HTTP; [`answer`](super::answer) describes its answers.
///
/// Needs a tokio runtime with I/O and time.
///
/// # Security
/// The service sees passwords. On another machine it needs TLS: use a connector with TLS, and
/// replace the check that refuses other hosts.
pub(crate) struct HttpValidator {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    authorization: HeaderValue,
    queue: Queue,
    timeout: Duration,
}

impl HttpValidator {
    /// Uses the service at `url` and authenticates the proxy by `token`.
    ///
    /// # Errors
    /// The URL is for another machine, or the token is not valid in a header field.
    pub(crate) fn new(url: Uri, token: &str) -> Result<Self, &'static str> {
        if url.scheme() != Some(&Scheme::HTTP) || !is_loopback(url.host().unwrap_or_default()) {
            return Err(
                "without TLS, the service must be http:// at a loopback address such as 127.0.0.1",
            );
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token contains characters that are not valid in a header field")?;
        // Keeps it out of the `Debug` of a request.
        authorization.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(RUNNING_CHECKS)
            .http1_max_buf_size(MAX_ANSWER)
            .build(connector);
        let queue = Queue::new(RUNNING_CHECKS, WAITING_CHECKS);
        Ok(Self { client, url, authorization, queue, timeout: TIMEOUT })
    }

    /// Limits the time of a check, including its time in the queue; 5 s by default.
    pub(crate) const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits the checks that run at once and those that wait; 32 and 256 by default.
    pub(crate) fn with_queue(mut self, running: usize, waiting: usize) -> Self {
        self.queue = Queue::new(running, waiting);
        self
    }

    async fn check(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let _turn = self.queue.enter(credentials.is_recheck()).await?;
        let request = self.request(credentials)?;
        let response = self.client.request(request).await.map_err(BackendError::transient)?;
        // Follows no redirect: it could send the password anywhere.
        if response.status() != StatusCode::OK {
            return Err(failure(response.status()));
        }
        let body = read(response.into_body()).await?;
        answer::verdict(&body, credentials.user_id())
    }

    fn request(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Result<Request<Full<Bytes>>, BackendError> {
        let form = encode(&[
            ("realm", credentials.realm().as_str()),
            ("user", credentials.user_id()),
            ("password", credentials.password()),
        ]);
        Request::post(self.url.clone())
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from_owner(form)))
            .map_err(BackendError::new)
    }
}

impl CredentialValidator for HttpValidator {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if let Some(verdict) = local_verdict(&credentials) {
            return Ok(verdict);
        }
        let check = time::timeout(self.timeout, self.check(credentials));
        check.await.unwrap_or_else(|_| {
            let limit = self.timeout;
            Err(BackendError::transient(format!("no answer from the service within {limit:?}")))
        })
    }
}

/// The verdict on credentials that no user of the service can have.
fn local_verdict(credentials: &BasicCredentials<'_>) -> Option<Verdict> {
    let is_valid =
        |text: &str, max| (1..=max).contains(&text.len()) && !text.contains(char::is_control);
    if !is_valid(credentials.user_id(), MAX_NAME) {
        return Some(Verdict::UnknownUser);
    }
    (!is_valid(credentials.password(), MAX_PASSWORD)).then_some(Verdict::WrongPassword)
}

/// A status other than 200 is not a verdict: a wrong path gives 404 for all users, a gateway 403.
fn failure(status: StatusCode) -> BackendError {
    let text = format!("the service answered with status {}", status.as_u16());
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => BackendError::transient(text),
        _ => BackendError::new(text),
    }
}

/// Encodes a form, which is wiped when it is dropped. (Copies in hyper and the operating system are
/// not.)
fn encode(fields: &[(&str, &str)]) -> Zeroizing<String> {
    // A string that grows would leave a copy behind.
    let capacity = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(capacity));
    Zeroizing::new(form.extend_pairs(fields).finish())
}

async fn read(body: Incoming) -> Result<Bytes, BackendError> {
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(BackendError::new("the service's answer is too long"))
        }
        Err(error) => Err(BackendError::transient(error)),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

impl fmt::Debug for HttpValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpValidator").field("url", &self.url).finish_non_exhaustive()
    }
}
