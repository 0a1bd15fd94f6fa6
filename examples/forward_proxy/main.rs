//! A forward proxy that asks for a password, complete enough to be used.
//!
//! ```text
//! cargo run --example forward_proxy -- --user alice:wonder
//! curl -x http://127.0.0.1:3128 -U alice:wonder --proxy-anyauth http://example.com/
//! ```
//!
//! The proxy is a tower service, [`forward::Forward`]; authentication is a layer round it, made in
//! `auth.rs`; hyper serves the two on every connection (`connection.rs`). The rest is what a proxy
//! needs that listens to strangers: limits, time-outs, and a polite end.
//!
//! It does not cache, does not look into tunnels, and speaks HTTP/1.1 to origins.
//!
//! | limit | | where |
//! |---|---|---|
//! | connections that have not authenticated | 1,024, of one peer 256, for 60 s | `admission.rs` |
//! | head of a request | 64 KiB, within 30 s | `connection.rs` |
//! | connection without a request | 30 s | `connection.rs` |
//! | requests of a connection that is to close | 15 min | `connection.rs` |
//! | reading on after an early answer | 8 MiB, 8 s, 2 s of silence | `lingering.rs` |
//! | look-up and connection to an origin | 10 s | `connector.rs` |
//! | origin's time to answer | 60 s since the request body last moved | `error.rs` |
//! | silent tunnel | 15 min | `tunnel.rs` |
//! | end of the process | 5 s | `shutdown.rs` |

mod access_log;
mod activity;
mod admission;
mod auth;
mod connection;
mod connector;
mod error;
mod forward;
mod guest;
mod headers;
mod idle_timer;
mod lingering;
mod logging;
mod options;
mod origin;
mod reachable;
mod request_body;
mod response_body;
mod shutdown;
mod sources;
mod target;
mod tunnel;
mod upgrade;

use std::{
    env,
    io::{self, Write},
    net::SocketAddr,
    num::NonZero,
    process::ExitCode,
    thread,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use tower::Layer;

use crate::{
    auth::Prepared,
    forward::Forward,
    options::{Early, Options},
    sources::User,
};

/// What is wrong, in one line.
type Mistake = String;

fn main() -> ExitCode {
    let done = match Options::parse(env::args_os()) {
        Ok(options) => start(options),
        Err(Early::Help(text)) => {
            let _ = write!(io::stdout(), "{text}");
            Ok(())
        }
        Err(Early::Mistake(mistake)) => Err(mistake),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            ExitCode::from(2)
        }
    }
}

fn start(options: Options) -> Result<(), Mistake> {
    let _log = logging::start();
    let runtime = runtime().map_err(|error| format!("cannot start: {error}"))?;
    let done = runtime.block_on(run(options));
    // What has not ended by now, such as a name look-up, is not waited for.
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

/// With one processor one thread does it all: a second could only wait for it.
fn runtime() -> io::Result<Runtime> {
    let mut builder = match thread::available_parallelism() {
        Ok(NonZero::<usize>::MIN) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn run(mut options: Options) -> Result<(), Mistake> {
    let signals = shutdown::signals().map_err(|error| format!("cannot see signals: {error}"))?;
    let guest = match &mut options.auth {
        Some(auth) if auth.sources.is_empty() => {
            let guest = User::made_up().map_err(|error| format!("no random bytes: {error}"))?;
            auth.sources.users.push(guest.clone());
            Some(guest)
        }
        _ => None,
    };
    let auth = match options.auth {
        Some(auth) => Some(Prepared::new(auth).await?),
        None => None,
    };
    let is_open = auth.is_none();
    let (listener, address) = bind(options.listen).await?;
    let layer = auth.map(|auth| auth.layer(address)).transpose()?;
    announce(address, guest.as_ref());
    if is_open && !address.ip().is_loopback() {
        tracing::warn!("this is an open proxy: --insecure-no-auth lets everybody in");
    }
    let (tasks, drain) = shutdown::tasks();
    let forward = Forward::new(tasks.clone());
    let accepting = async {
        match layer {
            Some(layer) => connection::serve(listener, layer.layer(forward), tasks).await,
            None => connection::serve(listener, forward, tasks).await,
        }
    };
    let stopping = async {
        signals.await;
        tracing::info!("shutting down: requests in progress may finish");
        drain.stop();
    };
    tokio::join!(accepting, stopping);
    if !drain.finished().await {
        tracing::warn!("shut down before all requests had finished");
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Mistake> {
    let cannot = |error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}

/// Says on stdout where the proxy listens: scripts read it from the first line.
fn announce(address: SocketAddr, guest: Option<&User>) {
    let mut lines = format!("listening on http://{address}\n");
    if let Some(guest) = guest {
        lines += &format!("{}\n", guest.curl_command(address));
    }
    let mut stdout = io::stdout().lock();
    // Whoever started this may have closed the pipe.
    let _ = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
}
