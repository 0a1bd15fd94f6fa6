//! Logs each request.

use tracing::field;

use super::{AuthEvent, Escaped, Observer, Outcome, escaped::MAX_NAME};

/// The longest shown method and host, in characters.
const MAX_TEXT: usize = 200;

/// Logs each request with `tracing`, for a proxy without tower-http's `TraceLayer`.
///
/// Forwarded requests are logged at level `INFO`. Refused ones are at `WARN`, but at `DEBUG` if
/// the reason [is routine](crate::Reason::is_routine), and at `ERROR` for a failure of a back end or
/// upstream. Cancelled ones are at `DEBUG`.
///
/// | field | value |
/// |---|---|
/// | `outcome` | [`AuthEvent::name`] |
/// | `status` | the status of the response |
/// | `scheme`, `algorithm` | of the credentials |
/// | `user` or `claimed` | the user, or the name that a refused client sent; escaped, at most 64 characters |
/// | `peer` | the address of the client |
/// | `method`, `host` | of the request; escaped, at most 200 characters. The path may contain secrets and is left out |
/// | `check_us` | [`AuthEvent::check_time`] in microseconds |
/// | `id` | the reference of the request |
/// | `cause` | the causes of a refusal |
///
/// Fields without a value are omitted.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users, event::TracingObserver};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_basic(users).build()?;
/// let layer = ProxyAuthLayer::new(auth).with_observer(TracingObserver::new());
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl TracingObserver {
    /// Logs with the default subscriber of the thread.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

macro_rules! log {
    ($level:ident, $event:ident, $message:literal) => {
        tracing::$level!(
            outcome = $event.name(),
            status = $event.status().map(|status| status.as_u16()),
            scheme = $event.scheme(),
            algorithm = $event.algorithm(),
            user = $event.user().map(|user| field::display(Escaped::new(user.as_str(), MAX_NAME))),
            claimed = $event.claimed_user().map(field::display),
            peer = $event.peer().map(field::display),
            method = %Escaped::new($event.method().as_str(), MAX_TEXT),
            host = $event.target().host().map(|host| field::display(Escaped::new(host, MAX_TEXT))),
            check_us = $event.check_time().and_then(|time| u64::try_from(time.as_micros()).ok()),
            id = %$event.id(),
            cause = $event.causes().map(field::display),
            $message
        )
    };
}

impl Observer for TracingObserver {
    fn on_event(&self, event: &AuthEvent) {
        match event.outcome() {
            Outcome::Forwarded | Outcome::Bypassed => log!(info, event, "request forwarded"),
            Outcome::Cancelled => log!(debug, event, "request cancelled"),
            Outcome::Refused(reason) if reason.is_routine() => {
                log!(debug, event, "request refused");
            }
            Outcome::Refused(reason) if reason.status().is_server_error() => {
                log!(error, event, "request refused");
            }
            Outcome::Refused(_) => log!(warn, event, "request refused"),
        }
    }
}
