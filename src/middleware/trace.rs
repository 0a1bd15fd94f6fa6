//! Adds authentication to the spans and events of tower-http's `TraceLayer`.

use std::time::Duration;

use http::{Request, Response};
use tower_http::trace::{MakeSpan, OnResponse};
use tracing::{Level, Span, field};

use crate::{
    authenticator::Refusal,
    event::{Escaped, MAX_NAME},
    identity::Identity,
};

/// Makes a span with fields for user, scheme and outcome, for `TraceLayer::make_span_with`.
///
/// The span is named `request` and has method and host. The path may contain secrets and is left
/// out. [`AuthOnResponse`] records the other fields.
///
/// # Examples
/// ```
/// use tower::ServiceBuilder;
/// use tower_http::trace::TraceLayer;
/// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users, middleware::{AuthMakeSpan, AuthOnResponse}};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_basic(users).build()?;
/// let trace = TraceLayer::new_for_http()
///     .make_span_with(AuthMakeSpan::new())
///     .on_response(AuthOnResponse::new());
/// let stack = ServiceBuilder::new()
///     .layer(trace)
///     .layer(ProxyAuthLayer::new(auth).with_identity_in_response(true));
/// # let _ = stack;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AuthMakeSpan;

impl AuthMakeSpan {
    /// Spans at level `INFO`.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<B> MakeSpan<B> for AuthMakeSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        tracing::span!(
            Level::INFO,
            "request",
            method = %request.method(),
            host = request.uri().host(),
            user = field::Empty,
            scheme = field::Empty,
            outcome = field::Empty,
        )
    }
}

/// Records user, scheme and outcome in the span and emits one event, for
/// `TraceLayer::on_response`.
///
/// `outcome` is `forwarded` or the name of a [`Reason`](crate::Reason). User and scheme of a
/// forwarded request are recorded with
/// [`with_identity_in_response`](crate::ProxyAuthLayer::with_identity_in_response).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AuthOnResponse;

impl AuthOnResponse {
    /// Emits forwarded requests at level `INFO`. Refused ones are at `WARN`, but at `DEBUG` if the
    /// reason [is routine](crate::Reason::is_routine), and at `ERROR` for a failure of a back end or
    /// upstream.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<B> OnResponse<B> for AuthOnResponse {
    fn on_response(self, response: &Response<B>, latency: Duration, span: &Span) {
        let status = response.status().as_u16();
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(refusal) = response.extensions().get::<Refusal>() {
            let outcome = refusal.reason().as_str();
            span.record("outcome", outcome);
            if let Some(scheme) = refusal.scheme() {
                span.record("scheme", scheme);
            }
            if let Some(account) = refusal.account() {
                span.record(
                    "user",
                    field::display(Escaped::new(account.user().as_str(), MAX_NAME)),
                );
            }
            let cause = refusal.causes().map(|causes| causes.to_string());
            if refusal.reason().is_routine() {
                tracing::debug!(status, outcome, latency_us, cause, "request refused");
            } else if response.status().is_server_error() {
                tracing::error!(status, outcome, latency_us, cause, "request refused");
            } else {
                tracing::warn!(status, outcome, latency_us, cause, "request refused");
            }
            return;
        }
        span.record("outcome", "forwarded");
        if let Some(identity) = response.extensions().get::<Identity>() {
            span.record("scheme", identity.scheme());
            if let Some(user) = identity.user() {
                span.record("user", field::display(Escaped::new(user.as_str(), MAX_NAME)));
            }
        }
        tracing::info!(status, latency_us, "request forwarded");
    }
}
