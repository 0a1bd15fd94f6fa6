//! A validator that checks passwords with an authentication service over HTTP.
//!
//!     cargo run --example http_validator
//!     cargo run --example http_validator --features cached
//!
//! It starts such a service on this machine, sends requests through an authentication layer that
//! uses it, and prints the results. The chapter `docs/guide/write-your-own-validator.md` explains
//! it.

mod answer;
mod queue;
mod service;
#[cfg(test)]
mod tests;
mod validator;

use std::{
    convert::Infallible,
    error::{self, Error as _},
    iter,
    process::ExitCode,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{ServiceBuilder, ServiceExt as _};
#[cfg(feature = "cached")]
use tower_proxy_auth::backend::cached::Cached;
use tower_proxy_auth::{
    Account, Authenticator, ConfigError, CredentialValidator, Identity, ProxyAuthLayer, Realm,
    Refusal,
};

use crate::{
    answer::Plan,
    service::{Service, User},
    validator::HttpValidator,
};

type Error = Box<dyn error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match demonstrate().await {
        Ok(results) => {
            println!("{}", results.join("\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            for cause in iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("caused by: {cause}");
            }
            ExitCode::from(2)
        }
    }
}

/// Sends requests while the service runs, and two after it has stopped.
async fn demonstrate() -> Result<Vec<String>, Error> {
    let service = Service::start(vec![
        User::new("alice", "wonder").with_group("staff").with_plan("paid"),
        User::new("bob", "builder").disabled(),
    ])
    .await?;
    // A service on this machine answers quickly or not at all.
    let validator = HttpValidator::new(service.url(), service.token())?
        .with_timeout(Duration::from_secs(2))
        .with_queue(16, 64);
    let auth =
        Authenticator::builder(Realm::new("corp proxy")?).with_basic(cached(validator)?).build()?;
    let layer = ProxyAuthLayer::new(auth);

    let mut results = Vec::new();
    for (name, password) in
        [("alice", "wonder"), ("alice", "guess"), ("carol", "wonder"), ("bob", "builder")]
    {
        results.push(send(&layer, name, password).await?);
    }
    service.stop().await;
    // A cache answers the first request; the second one needs the service.
    for (name, password) in [("alice", "wonder"), ("alice", "other")] {
        results.push(send(&layer, name, password).await?);
    }
    Ok(results)
}

/// Checks a right password once in five minutes, a wrong one once in ten seconds.
#[cfg(feature = "cached")]
fn cached(validator: HttpValidator) -> Result<impl CredentialValidator, ConfigError> {
    Cached::builder(validator)
        .with_lifetime(Duration::from_secs(300))
        .with_negative_lifetime(Duration::from_secs(10))
        .build()
}

/// Checks the password of every request.
#[cfg(not(feature = "cached"))]
fn cached(validator: HttpValidator) -> Result<impl CredentialValidator, ConfigError> {
    Ok(validator)
}

/// Sends a request through the layer, and describes the response in one line.
async fn send(layer: &ProxyAuthLayer, name: &str, password: &str) -> Result<String, Error> {
    let proxy = ServiceBuilder::new().layer(layer.clone()).service_fn(forward);
    let request = Request::get("http://example.org/")
        .header(header::PROXY_AUTHORIZATION, basic(name, password)?)
        .body(Empty::<Bytes>::new())?;
    let response = proxy.oneshot(request).await?;
    let status = response.status();
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        return Ok(format!("{name}: {} {}", status.as_u16(), reason(refusal)));
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(format!("{name}: {} {}", status.as_u16(), String::from_utf8_lossy(&body)))
}

fn basic(name: &str, password: &str) -> Result<HeaderValue, Error> {
    let encoded = BASE64_STANDARD.encode(format!("{name}:{password}"));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The reason and its causes, for the operator's log only.
fn reason(refusal: &Refusal) -> String {
    let mut text = refusal.reason().to_string();
    let mut next = refusal.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// Stands in for a proxy that forwards the request.
async fn forward(request: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let account = request.extensions().get::<Identity>().and_then(Identity::account);
    let text = account.map_or_else(|| "anonymous".to_owned(), describe);
    Ok(Response::new(Full::new(Bytes::from(text))))
}

/// Describes a user to the inner service: name, groups and custom data.
fn describe(account: &Account) -> String {
    let groups: Vec<&str> = account.groups().collect();
    let plan = account.data::<Plan>();
    format!("for {} of {groups:?}, plan {plan:?}", account.user().as_str())
}
