//! The log of tower-http's `TraceLayer`, and what it must not contain.

use std::io;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::trace::TraceLayer;
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, DigestAccount, DigestSecrets,
    DigestUser, HashedA1, ProxyAuthLayer, SecretLookup, Verdict,
    backend::{AccountStatus, UnusableRecord, from_fn},
    digest::{HashFunction, HashFunctions},
    middleware::{AuthMakeSpan, AuthOnResponse},
};

use crate::support::{
    digest::{Digest, quoted},
    engine::{self, Proxy, Secrets, basic, field},
    layer::{
        Origin, RIGHT, URL, WRONG, alice, both, get, realm, request, users, waiting,
        with_credentials,
    },
    log::Log,
};

async fn send(layer: &ProxyAuthLayer, sent: Request<Full<Bytes>>) -> http::HeaderMap {
    let trace = TraceLayer::new_for_http()
        .make_span_with(AuthMakeSpan::new())
        .on_response(AuthOnResponse::new());
    let service = ServiceBuilder::new().layer(trace).layer(layer.clone()).service(Origin::new());
    service.oneshot(sent).await.unwrap().headers().clone()
}

#[track_caller]
fn assert_has(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}

#[tokio::test]
async fn shows_user_and_scheme_of_a_forwarded_request() {
    let (log, _guard) = Log::capture();
    let layer = ProxyAuthLayer::new(both()).with_identity_in_response(true);
    send(&layer, get(RIGHT)).await;
    let line = log.line();
    assert!(line.trim_start().starts_with("INFO "), "{line}");
    assert_has(
        &line,
        &["request{method=GET host=\"example.org\"", "scheme=\"Basic\"", "user=alice"],
    );
    assert_has(&line, &["outcome=\"forwarded\"", "request forwarded status=200 latency_us="]);

    let headers = send(&layer, request(Method::GET, URL)).await;
    log.take();
    let digest = Digest::of_headers(&headers).answer("GET", "/a?b=c");
    send(&layer, get(&digest)).await;
    assert_has(&log.line(), &["scheme=\"Digest\"", "user=alice", "outcome=\"forwarded\""]);
}

#[tokio::test]
async fn shows_the_same_after_a_pending_check() {
    let (log, _guard) = Log::capture();
    let (layer, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    send(&layer.clone().with_identity_in_response(true), get(RIGHT)).await;
    assert_has(&log.line(), &["scheme=\"Basic\"", "user=alice", "outcome=\"forwarded\""]);
    answers.send(Ok(Verdict::WrongPassword)).unwrap();
    send(&layer, get(RIGHT)).await;
    let line = log.line();
    assert_has(&line, &["WARN", "outcome=\"wrong-password\"", "request refused status=407"]);
    assert!(!line.contains("user="), "{line}");
}

#[tokio::test]
async fn shows_no_user_for_an_anonymous_request() {
    let (log, _guard) = Log::capture();
    let auth = Authenticator::builder(realm()).with_basic(users()).with_anonymous(true);
    let layer = ProxyAuthLayer::new(auth.build().unwrap()).with_identity_in_response(true);
    send(&layer, request(Method::GET, URL)).await;
    let line = log.line();
    assert_has(&line, &["scheme=\"anonymous\"", "outcome=\"forwarded\""]);
    assert!(!line.contains("user="), "{line}");
}

#[tokio::test]
async fn shows_the_reason_and_a_proved_user_of_a_refusal() {
    let (log, _guard) = Log::capture();
    let layer = ProxyAuthLayer::new(both());
    let table = [
        // Most clients wait for a challenge.
        ("DEBUG ", request(Method::GET, URL), "missing-credentials", 407),
        ("WARN ", get(WRONG), "wrong-password", 407),
        ("WARN ", get("Basic Ym9iOmJ1aWxkZXI="), "unknown-user", 407),
        ("WARN ", with_credentials(get(RIGHT), RIGHT), "several-fields", 400),
    ];
    for (level, sent, outcome, status) in table {
        send(&layer, sent).await;
        let line = log.line();
        assert!(line.trim_start().starts_with(level), "{line}");
        let (outcome, status) = (format!("outcome=\"{outcome}\""), format!("status={status} "));
        assert_has(&line, &[&outcome, &status, "request refused"]);
        assert!(!line.contains("user="), "{line}");
    }
    let headers = send(&layer, request(Method::GET, URL)).await;
    let answer = Digest::of_headers(&headers).answer("GET", "/a?b=c");
    send(&layer, get(&answer)).await;
    log.take();
    send(&layer, get(&answer)).await;
    let line = log.line();
    assert!(line.trim_start().starts_with("DEBUG "), "{line}");
    assert_has(&line, &["outcome=\"nonce-replayed\"", "scheme=\"Digest\"", "user=alice"]);
}

#[tokio::test]
async fn shows_the_cause_of_a_failed_back_end() {
    let (log, _guard) = Log::capture();
    let (layer, answers) = waiting();
    let cause = io::Error::other(BackendError::new("no route to 192.0.2.7"));
    answers.send(Err(BackendError::transient(cause))).unwrap();
    send(&layer, get(RIGHT)).await;
    let line = log.line();
    assert!(line.trim_start().starts_with("ERROR "), "{line}");
    assert_has(&line, &["outcome=\"backend-failed\"", "status=503", "no route to 192.0.2.7"]);
    assert_has(&line, &["failed for the time being"]);
}

#[tokio::test]
async fn shows_the_cause_of_an_unusable_record_without_the_name() {
    let (log, _guard) = Log::capture();
    let locked = || UnusableRecord::new("the hash is a lock mark");
    let validator = from_fn(move |_: &BasicCredentials<'_>| Verdict::Unusable(locked()));
    let secrets = Secrets(move |_: DigestUser<'_>| Ok(SecretLookup::Unusable(locked())));
    let auth = Authenticator::builder(realm()).with_basic(validator).with_digest(secrets);
    let layer = ProxyAuthLayer::new(auth.build().unwrap()).with_identity_in_response(true);
    let headers = send(&layer, request(Method::GET, URL)).await;
    let digest = Digest::of_headers(&headers).answer("GET", "/a?b=c");
    log.take();
    for (credentials, scheme) in [(RIGHT, "Basic"), (&digest, "Digest")] {
        send(&layer, get(credentials)).await;
        let line = log.line();
        assert!(line.trim_start().starts_with("WARN "), "{line}");
        assert_has(&line, &["outcome=\"unusable-record\"", "status=407", scheme]);
        assert_has(&line, &["the hash is a lock mark"]);
        assert!(!line.contains("alice") && !line.contains("user="), "{line}");
    }
}

/// A name that would forge a line and change colours in a terminal.
const HOSTILE: &str = "mallory\r\nINFO forged\u{1b}[31m\u{9b}1m\u{7}\0";

#[tokio::test]
async fn escapes_and_cuts_a_hostile_user_name() {
    let (log, _guard) = Log::capture();
    let name = HOSTILE.to_owned() + &"x".repeat(1_000);
    let account = Account::new(name);
    let accepted = account.clone();
    let validator = from_fn(move |_: &BasicCredentials<'_>| Verdict::Accepted(accepted.clone()));
    let auth = Authenticator::builder(realm()).with_basic(validator).with_digest(Disabled(account));
    let layer = ProxyAuthLayer::new(auth.build().unwrap()).with_identity_in_response(true);
    let headers = send(&layer, request(Method::GET, URL)).await;
    let digest = Digest::of_headers(&headers).answer("GET", "/a?b=c");
    log.take();
    for (credentials, outcome) in [(RIGHT, "forwarded"), (&digest, "account-disabled")] {
        send(&layer, get(credentials)).await;
        let text = log.take();
        assert!(text.contains(&format!("outcome=\"{outcome}\"")), "{text}");
        let line = text.lines().find(|line| line.contains(": request ")).unwrap();
        assert!(line.contains("user=mallory\\r\\nINFO\\u{20}forged\\u{1b}[31m"), "{line}");
        assert!(line.contains("xx..."), "{line}");
        assert!(!line.contains(&"x".repeat(65)), "{line}");
        assert!(!text.contains(|one: char| one.is_control() && one != '\n'), "{text:?}");
        assert!(text.lines().all(|line| !line.starts_with("INFO forged")), "{text}");
    }
}

/// Holds alice under another canonical name and a disabled account.
struct Disabled(Account);

impl DigestSecrets for Disabled {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::NONE.with(HashFunction::Sha256)
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        let ha1 = HashedA1::new(user.function(), "alice", user.realm(), "wonder");
        let account = DigestAccount::new(self.0.clone(), ha1);
        Ok(SecretLookup::Found(account.with_status(AccountStatus::Disabled)))
    }
}

#[tokio::test]
async fn hides_secrets_and_unproved_names_at_every_level() {
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
    let (log, _guard) = Log::capture();
    let layer = ProxyAuthLayer::new(proxy.authenticator().clone()).with_identity_in_response(true);
    for field in fields {
        send(&layer, engine::request(&Method::GET, "http://example.org/", [field])).await;
    }
    let with_query = "http://example.org/?token=wonder";
    send(&layer, engine::request(&Method::GET, with_query, [basic("alice:wonder")])).await;
    let log = log.take();
    assert_eq!(log.matches("request forwarded").count(), 3, "{log}");
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
