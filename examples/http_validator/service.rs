//! A small authentication service, the counterpart of the validator.

use std::{collections::HashMap, io, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    routing,
};
use http::{HeaderMap, StatusCode, Uri, header};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tower_proxy_auth::{BasicCredentials, Realm, secret::constant_time_eq};

const TOKEN: &str = "token-of-the-proxy";

/// Enough for the longest name and the longest password, percent-encoded.
const MAX_FORM: usize = 20_000;

/// A running service; it ends when this is dropped.
pub(crate) struct Service {
    url: Uri,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// A user of the service. A real service stores hashes instead of passwords.
pub(crate) struct User {
    name: String,
    password: String,
    /// The lines of an answer between name and verdict.
    record: String,
    verdict: &'static str,
}

type Users = Arc<HashMap<String, User>>;

impl User {
    pub(crate) fn new(name: &str, password: &str) -> Self {
        let (name, password) = (name.to_owned(), password.to_owned());
        Self { name, password, record: String::new(), verdict: "accepted" }
    }

    pub(crate) fn with_group(mut self, group: &str) -> Self {
        self.record += &format!("group {group}\n");
        self
    }

    pub(crate) fn with_plan(mut self, plan: &str) -> Self {
        self.record += &format!("plan {plan}\n");
        self
    }

    pub(crate) fn disabled(mut self) -> Self {
        self.verdict = "disabled";
        self
    }

    fn answer(&self) -> String {
        let Self { name, record, verdict, .. } = self;
        format!("user {name}\n{record}verdict {verdict}\n")
    }
}

impl Service {
    /// Starts a service on a free port of the loopback address.
    pub(crate) async fn start(users: Vec<User>) -> io::Result<Self> {
        let users: Users =
            Arc::new(users.into_iter().map(|user| (user.name.clone(), user)).collect());
        let router = Router::new()
            .route("/check", routing::post(check))
            .layer(DefaultBodyLimit::max(MAX_FORM))
            .with_state(users);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/check", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let serve = axum::serve(listener, router).with_graceful_shutdown(async {
            drop(stopped.await);
        });
        let task = tokio::spawn(serve.into_future());
        Ok(Self { url: url.parse().map_err(io::Error::other)?, stop, task })
    }

    pub(crate) fn url(&self) -> Uri {
        self.url.clone()
    }

    pub(crate) const fn token(&self) -> &'static str {
        TOKEN
    }

    /// Stops the service and waits until its connections are closed.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        drop(self.task.await);
    }
}

async fn check(
    State(users): State<Users>,
    headers: HeaderMap,
    form: Bytes,
) -> Result<String, StatusCode> {
    let sent = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    if !constant_time_eq(sent, format!("Bearer {TOKEN}").as_bytes()) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let fields: HashMap<_, _> = form_urlencoded::parse(&form).collect();
    let field = |name| fields.get(name).map(AsRef::as_ref).ok_or(StatusCode::BAD_REQUEST);
    let realm = Realm::new(field("realm")?).map_err(|_| StatusCode::BAD_REQUEST)?;
    let (name, password) = (field("user")?, field("password")?);
    let user = users.get(name);
    // Does the same work for an unknown name.
    let stored = user.map(|user| user.password.as_str());
    let is_right = BasicCredentials::new(&realm, name, password).verify(stored);
    Ok(match user {
        Some(user) if is_right => user.answer(),
        Some(_) => "verdict wrong-password\n".to_owned(),
        None => "verdict unknown-user\n".to_owned(),
    })
}
