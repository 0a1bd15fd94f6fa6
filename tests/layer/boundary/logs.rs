//! What is logged, at TRACE and by everything.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};

use http::{HeaderValue, Method, Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::trace::TraceLayer;
use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, ProxyAuthLayer, Verdict,
    backend::from_fn,
    middleware::{AuthMakeSpan, AuthOnResponse},
};
use tracing::subscriber::with_default;
use tracing_subscriber::filter::LevelFilter;

use crate::support::{
    digest::{Digest, quoted},
    engine::{Body, Proxy, basic, field, now, realm, request},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends requests through a traced stack and returns what was logged.
fn logged(auth: &Authenticator, fields: impl IntoIterator<Item = HeaderValue>) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, || {
        for field in fields {
            let trace = TraceLayer::new_for_http()
                .make_span_with(AuthMakeSpan::new())
                .on_response(AuthOnResponse::new());
            let service = ServiceBuilder::new()
                .layer(trace)
                .layer(ProxyAuthLayer::new(auth.clone()).with_identity_in_response(true))
                .service(service_fn(|_: Request<Body>| async {
                    Ok::<_, Infallible>(Response::new(Body::default()))
                }));
            now(service.oneshot(request(&Method::GET, "http://example.org/", [field]))).unwrap();
        }
    });
    let lines = lines.0.lock().unwrap();
    String::from_utf8(lines.clone()).unwrap()
}

#[test]
fn no_line_holds_a_secret_or_a_name_that_was_only_typed() {
    let proxy = Proxy::new();
    let right = proxy.fresh();
    let typed = "hunter2-typed-into-the-wrong-box";
    let wrong = Digest { password: typed.into(), ..right.clone() };
    let nobody = Digest { user: typed.into(), ..right.clone() };
    let extended = right.params().without("username").and("username*", format!("UTF-8''{typed}%"));
    let fields = [
        basic("alice:wonder"),
        right.field(),
        right.field(),
        Digest { nonce: "unknown".into(), ..right.clone() }.field(),
        basic(format!("alice:{typed}")),
        basic(format!("{typed}:wonder")),
        basic(format!("{typed}\n:x")),
        wrong.field(),
        nobody.field(),
        extended.field(),
        right.params().with("uri", quoted(&format!("/{typed}"))).field(),
        right.params().with("realm", quoted(typed)).field(),
        right.params().with("nc", quoted(typed)).field(),
        right.params().and(typed, "1").and(typed, "2").field(),
        field(format!("Basic {typed}")),
        field(format!("Digest {typed}")),
        field(typed),
    ];
    let count = fields.len();
    let log = logged(proxy.authenticator(), fields);
    assert_eq!(log.matches("request forwarded").count(), 2, "{log}");
    assert_eq!(log.matches("request refused").count(), count - 2, "{log}");
    let base64 = basic("alice:wonder");
    let base64 = base64.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let secrets =
        [typed, "wonder", base64, &right.ha1(), &right.response(), &wrong.response(), &wrong.ha1()];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for shown in ["user=alice", "scheme=\"Digest\"", "outcome=\"wrong-password\""] {
        assert!(log.contains(shown), "no {shown} in {log}");
    }
}

#[test]
fn a_hostile_name_is_cut_and_has_no_control_characters() {
    let name = format!("eve\n\r\u{1b}[31m\u{7f}\u{85}{}", "x".repeat(1_000));
    let account = Account::new(name.as_str());
    let everybody = from_fn(move |_: &BasicCredentials<'_>| Verdict::Accepted(account.clone()));
    let auth = Authenticator::builder(realm()).with_basic(everybody).build().unwrap();
    let log = logged(&auth, [basic("eve:x")]);
    assert!(log.lines().all(|line| !line.chars().any(char::is_control)), "{log:?}");
    assert_eq!(log.lines().filter(|line| line.contains("request forwarded")).count(), 1);
    let shown = format!("user=eve\\n\\r\\u{{1b}}[31m\\u{{7f}}\\u{{85}}{}...", "x".repeat(52));
    assert!(log.contains(&shown), "{log}");
}
