//! A complete forward proxy that requires authentication.
//!
//! ```text
//! cargo run --example forward_proxy -- --user alice:wonder
//! curl -x http://127.0.0.1:3128 -U alice:wonder --proxy-anyauth http://example.com/
//! ```
//!
//! The proxy is a tower service, [`forward::Forward`]; authentication is a layer around it, built
//! in `auth.rs`; hyper serves both on every connection (`connection.rs`). The other files contain
//! what a proxy on an untrusted network needs: limits, timeouts and an orderly shutdown.
//!
//! It does not cache, does not look into tunnels, and speaks HTTP/1.1 to origins.
//!
//! | limit | | where |
//! |---|---|---|
//! | connections that have not authenticated | at most 1,024, and 256 of one peer; fewer with few descriptors; 60 s | `descriptors.rs`, `admission.rs` |
//! | other connections, and tunnels | depends on the limit of open files; half of it for one user | `descriptors.rs` |
//! | head of a request | 64 KiB, 256 fields, within 40 s | `connection.rs` |
//! | connection without a request | 30 s | `connection.rs` |
//! | reading on after an early response | 8 MiB, 8 s, 2 s of silence | `lingering.rs` |
//! | look-up of an origin and connecting to it | 10 s | `connector.rs` |
//! | time to a response since the request body last moved | 60 s | `error.rs` |
//! | wrong passwords and unknown names | 50 of a peer within a minute; see `--max-failures` | `limit_arguments.rs` |
//! | lines that wait for the audit file | 4,096 | `observe/audit.rs` |
//! | silent tunnel | 15 min | `tunnel.rs` |
//! | shutdown | 5 s | `shutdown.rs` |

mod access;
mod access_log;
mod activity;
mod addresses;
mod admission;
mod auth;
mod cause_log;
mod client;
mod connection;
mod connector;
mod descriptors;
mod error;
mod forward;
mod hangup;
mod headers;
mod idle_timer;
mod kept;
mod limit_arguments;
mod lingering;
mod listener;
mod logging;
mod maintenance;
mod observe;
mod options;
mod origin;
mod places;
mod read_gate;
mod request_body;
mod response_body;
mod rules;
mod shutdown;
mod sources;
mod target;
mod tunnel;
mod upgrade;
mod upkeep;
mod watched_file;

use std::{
    env,
    io::{self, Write},
    num::NonZero,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{BoxError, Layer, Service, ServiceBuilder};
use tower_proxy_auth::ProxyAuthLayer;

use crate::{
    auth::Prepared,
    cause_log::CauseLog,
    descriptors::Descriptors,
    forward::Forward,
    hangup::Hangups,
    observe::Observation,
    options::{Early, Options},
    places::Limits,
    rules::RulesFile,
    sources::User,
};

/// The description of a mistake, in one line.
type Mistake = String;

fn main() -> ExitCode {
    let result = match Options::parse(env::args_os()) {
        Ok(options) => start(options),
        Err(Early::Help(text)) => {
            let _ = write!(io::stdout(), "{text}");
            Ok(())
        }
        Err(Early::Mistake(mistake)) => Err(mistake),
    };
    match result {
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
    let mut observation = match &options.auth {
        Some(auth) => Observation::start(&auth.observe)?,
        None => Observation::default(),
    };
    let result = runtime.block_on(run(options, &mut observation));
    // Does not wait for blocking tasks, such as a name look-up.
    runtime.shutdown_timeout(Duration::ZERO);
    observation.finish();
    result
}

/// Uses a single thread on a machine with one processor.
fn runtime() -> io::Result<Runtime> {
    let mut builder = match thread::available_parallelism() {
        Ok(NonZero::<usize>::MIN) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn run(mut options: Options, observation: &mut Observation) -> Result<(), Mistake> {
    let cannot_handle = |error| format!("cannot handle signals: {error}");
    let signal = shutdown::signal().map_err(cannot_handle)?;
    let hangups = || Hangups::subscribe().map_err(cannot_handle);
    // From here on, SIGHUP does not end the process.
    let (reloads, rule_changes, maintenance) = (hangups()?, hangups()?, hangups()?);
    observation.reopen_at(hangups()?);
    let generated = match &mut options.auth {
        Some(auth) if auth.sources.is_empty() => {
            let user = User::generate().map_err(|error| format!("no random bytes: {error}"))?;
            auth.sources.users.push(user.clone());
            Some(user)
        }
        _ => None,
    };
    let rules = options.rules.map(RulesFile::open).transpose()?;
    let auth = match options.auth {
        Some(auth) => Some(Prepared::new(auth).await?),
        None => None,
    };
    let (listener, address) = listener::bind(options.listen).await?;
    let auth = auth.map(|auth| auth.layer(address, &options.pages, observation)).transpose()?;
    let (layer, upkeep) = auth.unzip();
    listener::announce(address, generated.as_ref());
    if layer.is_none() && !address.ip().is_loopback() {
        tracing::warn!("this is an open proxy: --insecure-no-auth admits everyone");
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let descriptors = Descriptors::raise();
    let forward = Forward::new(tasks.clone(), descriptors, rules.is_some());
    let access = rules.as_ref().map(|rules| rules.layer().with_pages(options.pages));
    let pending = descriptors.pending();
    let causes = Arc::new(CauseLog::default());
    let keeping = async {
        if let Some(upkeep) = upkeep {
            upkeep.run(reloads, maintenance, &causes).await;
        }
    };
    let watching = async {
        if let Some(rules) = rules {
            rules.watch(rule_changes).await;
        }
    };
    let background = stop.run_until_cancelled(async { tokio::join!(keeping, watching) });
    let serving = async {
        let server = Server { listener, pending, tasks: tasks.clone(), stop: stop.clone() };
        let causes = Arc::clone(&causes);
        match access {
            Some(access) => server.serve(layer, causes, access.layer(forward)).await,
            None => server.serve(layer, causes, forward).await,
        }
    };
    let stopping = async {
        signal.await;
        tracing::info!("shutting down: requests in progress may finish");
        stop.cancel();
    };
    tokio::join!(serving, background, stopping);
    tasks.close();
    if timeout(shutdown::DRAIN_TIME, tasks.wait()).await.is_err() {
        tracing::warn!("shut down before all requests had finished");
    }
    Ok(())
}

/// What serves connections.
struct Server {
    listener: TcpListener,
    pending: Limits,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Server {
    /// Serves `inner` behind authentication, if there is a layer for it.
    async fn serve<S, B>(self, layer: Option<ProxyAuthLayer>, causes: Arc<CauseLog>, inner: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Self { listener, pending, tasks, stop } = self;
        let Some(layer) = layer else {
            return connection::serve(listener, pending, inner, tasks, stop).await;
        };
        let record = move |response| {
            causes.record(&response);
            response
        };
        let service = ServiceBuilder::new().map_response(record).layer(layer).service(inner);
        connection::serve(listener, pending, service, tasks, stop).await;
    }
}
