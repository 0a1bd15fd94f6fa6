//! A forward proxy on axum, with layers of tower-http: absolute-form requests and CONNECT.
//!
//!     cargo run --example axum_proxy [ADDRESS]
//!     curl --proxy-anyauth -U alice:wonder -x http://127.0.0.1:PORT http://example.org/
//!
//! `examples/hyper_proxy.rs` also serves HTTP/2 and TLS, and limits the time of each step.

use std::{env, error::Error, iter, net::SocketAddr, process::ExitCode, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tower::ServiceBuilder;
use tower_http::{sensitive_headers::SetSensitiveRequestHeadersLayer, timeout::TimeoutLayer};
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Realm, UserId, Users};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    for cause in iter::successors(error.source(), |&cause| cause.source()) {
        eprintln!("caused by: {cause}");
    }
    ExitCode::from(2)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let realm = Realm::new("corp proxy")?;
    let users = Users::new(&realm).with_user("alice", "wonder")?;
    let auth =
        Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
    // The address of the peer is where axum stores it.
    let auth = ProxyAuthLayer::new(auth).with_peer_address(|head| {
        head.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
    });
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([header::PROXY_AUTHORIZATION]))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
        .layer(auth);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let router = Router::new().fallback(forward).layer(layers).with_state(client);

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn forward(
    State(client): State<Client<HttpConnector, Body>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(identity): Extension<Identity>,
    mut request: Request,
) -> Response {
    let user = identity.user().map_or("-", UserId::as_str);
    println!("{peer} {user:?} {} {}", request.method(), request.uri().host().unwrap_or("-"));
    let Some(authority) = request.uri().authority().cloned() else {
        return (StatusCode::BAD_REQUEST, "this is a proxy: the target must have a host\n")
            .into_response();
    };
    let failed =
        |error: &dyn Error| (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response();
    if request.method() == Method::CONNECT {
        return match TcpStream::connect(authority.as_str()).await {
            Ok(origin) => {
                tokio::spawn(tunnel(request, origin, identity));
                StatusCode::OK.into_response()
            }
            Err(error) => failed(&error),
        };
    }
    remove_hop_by_hop(request.headers_mut());
    match client.request(request).await {
        Ok(mut response) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(Body::new)
        }
        Err(error) => failed(&error),
    }
}

/// Copies in both directions until one side fails, both have finished, or the user's access ends.
async fn tunnel(request: Request, mut origin: TcpStream, identity: Identity) {
    let Ok(client) = hyper::upgrade::on(request).await else { return };
    let mut client = TokioIo::new(client);
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut origin) => {}
        () = identity.revoked() => {}
    }
}

/// Removes the fields that are for one connection only: RFC 9110, section 7.6.1.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let listed: Vec<String> =
        lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_owned()).collect();
    let known =
        ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    for name in listed.iter().map(String::as_str).chain(known) {
        headers.remove(name);
    }
}
