//! The validator: one form to the service, one answer, and an end to everything.

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

use super::{answer, form, queue::Queue};

/// A longer name is nobody's.
const LONGEST_NAME: usize = 1_024;
/// A longer password is wrong.
const LONGEST_PASSWORD: usize = 4_096;
/// No answer needs more, in bytes.
const LONGEST_ANSWER: usize = 16 * 1_024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
/// A shorter time than that after which the service ends connections that nobody uses.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const CHECKS_AT_ONCE: usize = 32;
const CHECKS_WAITING: usize = 256;

/// Passwords are checked by a service over HTTP; see [`answer`](super::answer) for what it says.
///
/// Needs a tokio runtime with I/O and time.
///
/// # Security
/// The service sees passwords. Anywhere but on this machine it needs TLS: put in a connector that
/// has it, and take out the check that refuses other hosts.
pub(crate) struct HttpValidator {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    authorization: HeaderValue,
    queue: Queue,
    timeout: Duration,
}

impl HttpValidator {
    /// Asks the service at `url`, and proves by `token` that it is the proxy who asks.
    ///
    /// # Errors
    /// A URL without TLS to another machine, or a token that cannot stand in a header field.
    pub(crate) fn new(url: Uri, token: &str) -> Result<Self, &'static str> {
        if url.scheme() != Some(&Scheme::HTTP) || !is_loopback(url.host().unwrap_or_default()) {
            return Err("without TLS, the service has to be http:// at an address like 127.0.0.1");
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token holds characters that cannot stand in a header field")?;
        // No `Debug` of a request shows it.
        authorization.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(CHECKS_AT_ONCE)
            .http1_max_buf_size(LONGEST_ANSWER)
            .build(connector);
        let queue = Queue::new(CHECKS_AT_ONCE, CHECKS_WAITING);
        Ok(Self { client, url, authorization, queue, timeout: TIMEOUT })
    }

    /// Ends each check after so long, the time in the queue included; 5 s by default.
    pub(crate) const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks about so many passwords at a time, and lets so many more wait; 32 and 256 by default.
    pub(crate) fn with_queue(mut self, at_once: usize, waiting: usize) -> Self {
        self.queue = Queue::new(at_once, waiting);
        self
    }

    async fn check(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let _turn = self.queue.enter().await?;
        let request = self.request(credentials)?;
        let response = self.client.request(request).await.map_err(BackendError::transient)?;
        // Redirects are not followed: they would take the password to whoever they name.
        if response.status() != StatusCode::OK {
            return Err(failure_of(response.status()));
        }
        let body = read(response.into_body()).await?;
        answer::verdict(&body, credentials.user_id())
    }

    fn request(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Result<Request<Full<Bytes>>, BackendError> {
        let form = form::encode(&[
            ("realm", credentials.realm().as_str()),
            ("user", credentials.user_id()),
            ("password", credentials.password()),
        ]);
        Request::post(self.url.clone())
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::CONTENT_TYPE, form::MEDIA_TYPE)
            .body(Full::new(Bytes::from_owner(form)))
            .map_err(BackendError::new)
    }
}

impl CredentialValidator for HttpValidator {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if let Some(verdict) = verdict_without_asking(&credentials) {
            return Ok(verdict);
        }
        let check = time::timeout(self.timeout, self.check(credentials));
        check.await.unwrap_or_else(|_| {
            let limit = self.timeout;
            Err(BackendError::transient(format!("no verdict of the service within {limit:?}")))
        })
    }
}

/// For what is not worth a question, whoever the user is.
fn verdict_without_asking(credentials: &BasicCredentials<'_>) -> Option<Verdict> {
    let is_sound = |text: &str, longest| {
        (1..=longest).contains(&text.len()) && !text.contains(char::is_control)
    };
    if !is_sound(credentials.user_id(), LONGEST_NAME) {
        return Some(Verdict::UnknownUser);
    }
    (!is_sound(credentials.password(), LONGEST_PASSWORD)).then_some(Verdict::WrongPassword)
}

/// A status other than 200 is no verdict: a wrong path gives 404, and a gateway 403, for all users.
fn failure_of(status: StatusCode) -> BackendError {
    let text = format!("the service answered with status {}", status.as_u16());
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => BackendError::transient(text),
        _ => BackendError::new(text),
    }
}

async fn read(body: Incoming) -> Result<Bytes, BackendError> {
    let body =
        Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| match error
            .is::<LengthLimitError>(
        ) {
            true => BackendError::new("the service's answer is too long"),
            false => BackendError::transient(error),
        })?;
    Ok(body.to_bytes())
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
