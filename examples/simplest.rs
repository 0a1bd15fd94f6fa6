//! The smallest service behind proxy authentication: it prints the user and the request target.
//!
//!     cargo run --example simplest
//!     curl --proxy-anyauth -U alice:wonder -x http://127.0.0.1:PORT http://example.org/a

use std::{error::Error, iter, process::ExitCode};

use axum::{Extension, Router, http::Uri};
use tokio::net::TcpListener;
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Realm, UserId, Users};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("caused by: {cause}");
            }
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let realm = Realm::new("corp proxy")?;
    let users = Users::new(&realm).with_user("alice", "wonder")?;
    let auth =
        Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
    let proxy = Router::new().fallback(forward).layer(ProxyAuthLayer::new(auth));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy_address = listener.local_addr()?;
    println!("curl --proxy-anyauth -U alice:wonder -x http://{proxy_address} http://example.org/a");
    axum::serve(listener, proxy).await?;
    Ok(())
}

async fn forward(Extension(identity): Extension<Identity>, target: Uri) -> String {
    let user = identity.user().map_or("anonymous", UserId::as_str);
    format!("{user} requests {target} by {}\n", identity.scheme())
}
