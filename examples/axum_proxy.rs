//! An axum router behind proxy authentication, with other common layers.
//!
//!     cargo run --example axum_proxy [ADDRESS]
//!     curl --proxy-digest -U alice:wonder -x http://127.0.0.1:PORT http://example.org/a?b=c
//!     curl --proxy-digest -U bob:builder -x http://127.0.0.1:PORT http://example.org/staff/hello
//!
//! `/staff` is a nested router with its own users. `nest` removes the prefix from the path, but a
//! Digest client hashes the path that it sent: `with_request_target` restores it.

use std::{
    env,
    error::Error,
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, OriginalUri},
    http::{StatusCode, Uri, header},
    routing,
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::{
    sensitive_headers::SetSensitiveRequestHeadersLayer, timeout::TimeoutLayer, trace::TraceLayer,
};
use tower_proxy_auth::{
    Authenticator, Identity, ProxyAuthLayer, Realm, RequestHead, UserId, Users,
};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).init();

    let staff = Router::new()
        .route("/hello", routing::get(hello))
        .layer(protected("staff", "bob", "builder")?.with_request_target(original_target));
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([header::PROXY_AUTHORIZATION]))
        .layer(TraceLayer::new_for_http())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(30),
        ));
    let router = Router::new()
        .fallback(routing::any(forward).layer(protected("corp proxy", "alice", "wonder")?))
        .nest("/staff", staff)
        .layer(layers);

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// A layer with one user that finds the peer address where axum stores it.
fn protected(realm: &str, user: &str, password: &str) -> Result<ProxyAuthLayer, Box<dyn Error>> {
    let realm = Realm::new(realm)?;
    let users = Users::new(&realm).with_user(user, password)?;
    let auth =
        Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
    Ok(ProxyAuthLayer::new(auth).with_peer_address(peer_address))
}

fn peer_address(head: &RequestHead<'_>) -> Option<IpAddr> {
    let ConnectInfo(address) = head.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip())
}

fn original_target(head: &RequestHead<'_>) -> Option<Uri> {
    let OriginalUri(target) = head.extensions().get()?;
    Some(target.clone())
}

/// Stands in for a proxy that forwards the request.
async fn forward(Extension(identity): Extension<Identity>, target: Uri) -> String {
    format!("{} requests {target} by {}\n", name(&identity), identity.scheme())
}

async fn hello(Extension(identity): Extension<Identity>, target: Uri) -> String {
    format!("hello {}, this is {target} for staff\n", name(&identity))
}

fn name(identity: &Identity) -> &str {
    identity.user().map_or("anonymous", UserId::as_str)
}
