//! Tests the validator with the real service, and with servers that misbehave.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use http::Uri;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time,
};
use tower_proxy_auth::{BackendError, BasicCredentials, CredentialValidator as _, Realm, Verdict};

use crate::{
    answer::Plan,
    demonstrate,
    service::{Service, User},
    validator::HttpValidator,
};

const TOKEN: &str = "the-token-of-the-proxy";
/// A timeout for an answer that never comes.
const SHORT: Duration = Duration::from_millis(300);
/// Longer than any check takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

async fn check(
    validator: &HttpValidator,
    name: &str,
    password: &str,
) -> Result<Verdict, BackendError> {
    let realm = Realm::new("proxy").unwrap();
    let checking = validator.validate(BasicCredentials::new(&realm, name, password));
    time::timeout(LONG, checking).await.expect("an answer in time")
}

/// The text of a failure for the operator's log, and whether it is transient. Fails if the text
/// contains a secret.
#[track_caller]
fn failure(answer: Result<Verdict, BackendError>) -> (String, bool) {
    let error = answer.expect_err("no verdict");
    let (mut text, mut next) = (String::new(), error.source());
    let shown = format!("{error:?}");
    while let Some(source) = next {
        text += &format!("{source}; ");
        next = source.source();
    }
    for secret in ["wonder", TOKEN] {
        assert!(!shown.contains(secret) && !text.contains(secret), "{shown} {text}");
    }
    (text, error.is_transient())
}

/// A server that replaces the service, until it is dropped.
struct Fake {
    url: Uri,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Fake {
    /// Calls `serve` for each connection once a request has arrived.
    async fn start<F>(serve: impl Fn(TcpStream, String) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/check", listener.local_addr().unwrap()).parse().unwrap();
        let (connections, mut tasks) = (Arc::<AtomicUsize>::default(), JoinSet::new());
        let count = Arc::clone(&connections);
        tasks.spawn(async move {
            let mut served = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, SeqCst);
                let request = read_request(&mut stream).await;
                served.spawn(serve(stream, request));
            }
        });
        Self { url, connections, _tasks: tasks }
    }

    /// Answers each request with these bytes and closes the connection.
    async fn answering(bytes: impl Into<String>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut stream, _| {
            let bytes = bytes.clone();
            async move { drop(stream.write_all(bytes.as_bytes()).await) }
        })
        .await
    }

    fn validator(&self) -> HttpValidator {
        HttpValidator::new(self.url.clone(), TOKEN).unwrap().with_timeout(SHORT * 10)
    }
}

/// Reads a request with a `Content-Length`.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.unwrap_or(0) > 0 {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, after)| after.lines().next()?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            break;
        }
    }
    String::from_utf8(request).unwrap()
}

async fn hang(stream: TcpStream) {
    let _open = stream;
    std::future::pending::<()>().await;
}

fn response(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn service() -> (Service, HttpValidator) {
    let users = vec![
        User::new("alice", "wonder").with_group("staff").with_plan("paid"),
        User::new("bob", "builder").disabled(),
    ];
    let service = Service::start(users).await.unwrap();
    let validator = HttpValidator::new(service.url(), service.token()).unwrap();
    (service, validator)
}

#[tokio::test]
async fn returns_the_account_of_the_service() {
    let (_service, validator) = service().await;
    let Ok(Verdict::Accepted(account)) = check(&validator, "alice", "wonder").await else {
        panic!("not accepted")
    };
    assert_eq!(account.user().as_str(), "alice");
    assert_eq!(account.groups().collect::<Vec<_>>(), ["staff"]);
    assert_eq!(account.data(), Some(&Plan::Paid));
}

#[tokio::test]
async fn distinguishes_all_verdicts() {
    let (_service, validator) = service().await;
    let of = async |name, password| check(&validator, name, password).await.unwrap();
    assert!(matches!(of("alice", "guess").await, Verdict::WrongPassword));
    assert!(matches!(of("carol", "wonder").await, Verdict::UnknownUser));
    assert!(matches!(of("Alice", "wonder").await, Verdict::UnknownUser));
    assert!(matches!(of("bob", "builder").await, Verdict::Disabled(_)));
    assert!(matches!(of("bob", "guess").await, Verdict::WrongPassword), "not yet proved");
}

#[tokio::test]
async fn sends_the_password_in_a_form_only() {
    let (sent, mut seen) = mpsc::unbounded_channel();
    let fake = Fake::start(move |mut stream, request| {
        sent.send(request).unwrap();
        async move {
            let answer = response("verdict unknown-user\n");
            drop(stream.write_all(answer.as_bytes()).await);
        }
    })
    .await;
    let verdict = check(&fake.validator(), "a&b=c +%", "wonder\u{e4}&").await;
    assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{verdict:?}");
    let request = seen.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /check HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nauthorization: Bearer {TOKEN}\r\n")), "{head}");
    assert!(!head.contains("wonder"), "{head}");
    assert_eq!(body, "realm=proxy&user=a%26b%3Dc+%2B%25&password=wonder%C3%A4%26");
}

#[tokio::test]
async fn a_stopped_service_is_a_transient_failure() {
    let (service, validator) = service().await;
    assert!(check(&validator, "alice", "wonder").await.is_ok());
    let url = service.url();
    service.stop().await;
    for password in ["wonder", "guess"] {
        let (text, is_transient) = failure(check(&validator, "alice", password).await);
        assert!(is_transient && text.contains("onnect"), "{text}");
    }
    let listener = TcpListener::bind(url.authority().unwrap().as_str()).await.unwrap();
    let back = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let answer = response("user alice\nverdict accepted\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    assert!(matches!(check(&validator, "alice", "wonder").await, Ok(Verdict::Accepted(_))));
    back.await.unwrap();
}

#[tokio::test]
async fn a_hanging_service_costs_only_the_timeout() {
    let silent = Fake::start(|stream, _| hang(stream)).await;
    let half = Fake::start(|mut stream, _| async move {
        let answer = response("user alice\nverdict accepted\n");
        drop(stream.write_all(&answer.as_bytes()[..answer.len() - 1]).await);
        hang(stream).await;
    })
    .await;
    let trickle = Fake::start(|mut stream, _| async move {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
        while stream.write_all(b"x").await.is_ok() {
            time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for fake in [silent, half, trickle] {
        let validator = fake.validator().with_timeout(SHORT);
        let start = Instant::now();
        let (text, is_transient) = failure(check(&validator, "alice", "wonder").await);
        assert_eq!(
            (text.as_str(), is_transient),
            ("no answer from the service within 300ms; ", true)
        );
        assert!(start.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn limits_the_length_of_an_answer() {
    for (head, filler) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "group of many\n"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "6\r\ngroup \r\n"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n", "group of many\n"),
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n"),
    ] {
        let endless = Fake::start(move |mut stream, _| async move {
            drop(stream.write_all(head.as_bytes()).await);
            while stream.write_all(filler.repeat(100).as_bytes()).await.is_ok() {}
        })
        .await;
        let validator = endless.validator().with_timeout(LONG * 2);
        let (text, _) = failure(check(&validator, "alice", "wonder").await);
        assert!(!text.contains("no answer"), "{head:?}: {text}");
    }
}

#[tokio::test]
async fn anything_but_a_verdict_is_a_failure() {
    let accepted = "user alice\nverdict accepted\n";
    let with_status = |status: &str| {
        let length = accepted.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{accepted}")
    };
    for (answer, is_transient) in [
        (with_status("201 Created"), Some(false)),
        (with_status("203 Non-Authoritative Information"), Some(false)),
        (with_status("400 Bad Request"), Some(false)),
        (with_status("401 Unauthorized"), Some(false)),
        (with_status("403 Forbidden"), Some(false)),
        (with_status("404 Not Found"), Some(false)),
        (with_status("407 Proxy Authentication Required"), Some(false)),
        (with_status("429 Too Many Requests"), Some(true)),
        (with_status("500 Internal Server Error"), Some(false)),
        (with_status("502 Bad Gateway"), Some(true)),
        (with_status("503 Service Unavailable"), Some(true)),
        (with_status("504 Gateway Timeout"), Some(true)),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), Some(false)),
        (response(""), Some(false)),
        (response("true\n"), Some(false)),
        (response("<html>Please log in</html>\n"), Some(false)),
        (response("{\"verdict\": \"accepted\"}\n"), Some(false)),
        // Truncated, with and without a length.
        (with_status("200 OK").replace("accepted\n", ""), None),
        ("HTTP/1.1 200 OK\r\n\r\nuser alice\nverdict accep".to_owned(), Some(false)),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), None),
        ("\u{0}\u{1}\u{2}".to_owned(), None),
        (String::new(), None),
    ] {
        let fake = Fake::answering(answer.clone()).await;
        let (text, passes) = failure(check(&fake.validator(), "alice", "wonder").await);
        assert!(
            is_transient.is_none_or(|is_transient| is_transient == passes),
            "{answer:?}: {text}"
        );
    }
}

#[tokio::test]
async fn follows_no_redirect() {
    let other = Fake::answering(response("user alice\nverdict accepted\n")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = &other.url;
        let moved =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let fake = Fake::answering(moved).await;
        let (text, is_transient) = failure(check(&fake.validator(), "alice", "wonder").await);
        assert_eq!(text, format!("the service answered with status {status}; "));
        assert!(!is_transient);
    }
    assert_eq!(other.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn logs_no_answer_that_repeats_the_password() {
    for prefix in ["", "user ", "verdict ", "user alice\n"] {
        let echo = Fake::start(move |mut stream, request| async move {
            drop(stream.write_all(response(&format!("{prefix}{request}\n")).as_bytes()).await);
        })
        .await;
        failure(check(&echo.validator(), "alice", "wonder").await);
    }
}

#[tokio::test]
async fn refuses_invalid_credentials_without_the_service() {
    let unused = Fake::start(|stream, _| hang(stream)).await;
    let (validator, longest) = (unused.validator(), "a".repeat(4_097));
    for password in ["", "wonder\n", "\0", "wonder\u{85}", longest.as_str()] {
        let verdict = check(&validator, "alice", password).await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{password:?}");
    }
    for name in ["", "alice\r", "\0", &longest[..1_025]] {
        let verdict = check(&validator, name, "wonder").await;
        assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{name:?}");
    }
    assert_eq!(unused.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn limits_running_and_waiting_checks() {
    let hangs = Fake::start(|stream, _| hang(stream)).await;
    let validator = Arc::new(hangs.validator().with_timeout(LONG * 2).with_queue(2, 3));
    let mut checks = JoinSet::new();
    for _ in 0..7 {
        let validator = Arc::clone(&validator);
        checks.spawn(async move { check(&validator, "alice", "wonder").await });
    }
    for _ in 0..2 {
        let (text, is_transient) = failure(checks.join_next().await.unwrap().unwrap());
        assert_eq!(text, "too many checks are waiting for the service; ");
        assert!(is_transient);
    }
    time::sleep(SHORT).await;
    assert_eq!((checks.len(), hangs.connections.load(SeqCst)), (5, 2));
    // A cancelled check leaves its place.
    checks.shutdown().await;
    let another = check(&validator, "alice", "wonder");
    assert!(time::timeout(SHORT, another).await.is_err(), "it waits for the service");
    assert_eq!(hangs.connections.load(SeqCst), 3);
}

#[tokio::test]
async fn reuses_connections() {
    let keeps = Fake::start(|mut stream, _| async move {
        loop {
            let answer = response("verdict wrong-password\n");
            if stream.write_all(answer.as_bytes()).await.is_err()
                || read_request(&mut stream).await.is_empty()
            {
                return;
            }
        }
    })
    .await;
    let validator = keeps.validator();
    for _ in 0..10 {
        let verdict = check(&validator, "alice", "guess").await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{verdict:?}");
    }
    assert_eq!(keeps.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn a_wrong_token_is_a_failure() {
    let (service, _) = service().await;
    let validator = HttpValidator::new(service.url(), "another").unwrap();
    let (text, is_transient) = failure(check(&validator, "alice", "wonder").await);
    assert_eq!((text.as_str(), is_transient), ("the service answered with status 401; ", false));
}

#[test]
fn refuses_another_machine_without_tls() {
    for url in ["http://127.0.0.1:1/check", "http://127.9.9.9/", "http://[::1]:1/check"] {
        assert!(HttpValidator::new(Uri::from_static(url), TOKEN).is_ok(), "{url}");
    }
    for url in [
        "http://10.0.0.1/check",
        "http://localhost.example.org/check",
        "http://127.0.0.1.example.org/",
        "http://[2001:db8::1]/",
        "https://127.0.0.1/",
        "/check",
    ] {
        assert!(HttpValidator::new(Uri::from_static(url), TOKEN).is_err(), "{url}");
    }
    let url = Uri::from_static("http://127.0.0.1:1/check");
    assert!(HttpValidator::new(url.clone(), "a\nb").is_err());
    assert!(!format!("{:?}", HttpValidator::new(url, TOKEN)).contains(TOKEN));
}

#[tokio::test]
async fn prints_the_output_in_the_guide() {
    let seen = demonstrate().await.unwrap();
    assert_eq!(
        seen[..4],
        [
            "alice: 200 for alice of [\"staff\"], plan Some(Paid)",
            "alice: 407 wrong-password",
            "carol: 407 unknown-user",
            "bob: 403 account-disabled",
        ]
    );
    let failed =
        "alice: 503 backend-failed: the authentication back end failed for the time being: ";
    match cfg!(feature = "cached") {
        true => assert_eq!(seen[4], seen[0]),
        false => assert!(seen[4].starts_with(failed), "{}", seen[4]),
    }
    assert!(seen[5].starts_with(failed), "{}", seen[5]);
    assert_eq!(seen.len(), 6);
}
