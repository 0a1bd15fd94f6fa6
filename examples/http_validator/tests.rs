//! The validator before the service as it should be, and before all that may be in its place.

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
    service::{Service, User},
    show,
    validator::HttpValidator,
};

const TOKEN: &str = "the-token-of-the-proxy";
/// A time-out for what never comes.
const SHORT: Duration = Duration::from_millis(300);
/// No check takes as long, on a machine that is busy.
const LONG: Duration = Duration::from_secs(20);

async fn ask(
    validator: &HttpValidator,
    name: &str,
    password: &str,
) -> Result<Verdict, BackendError> {
    let realm = Realm::new("proxy").unwrap();
    let check = validator.validate(BasicCredentials::new(&realm, name, password));
    time::timeout(LONG, check).await.expect("an answer in time")
}

/// What the operator's log gets of a failure, and whether it may pass. It holds no secret.
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

/// Whatever it is that listens where the service should be. It ends with the test.
struct Fake {
    url: Uri,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Fake {
    /// Each connection is given to `serve` once the head of a request has come.
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

    /// Answers each request with these bytes, and ends the connection.
    async fn saying(bytes: impl Into<String>) -> Self {
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

/// Reads a request whose length is in its head.
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
async fn a_right_password_brings_the_account_that_the_service_holds() {
    let (_service, validator) = service().await;
    let Ok(Verdict::Accepted(account)) = ask(&validator, "alice", "wonder").await else {
        panic!("not accepted")
    };
    assert_eq!(account.user().as_str(), "alice");
    assert_eq!(account.groups().collect::<Vec<_>>(), ["staff"]);
    assert_eq!(account.data(), Some(&Plan::Paid));
}

#[tokio::test]
async fn tells_a_wrong_password_from_an_unknown_user_and_a_disabled_one() {
    let (_service, validator) = service().await;
    let of = async |name, password| ask(&validator, name, password).await.unwrap();
    assert!(matches!(of("alice", "guess").await, Verdict::WrongPassword));
    assert!(matches!(of("carol", "wonder").await, Verdict::UnknownUser));
    assert!(matches!(of("Alice", "wonder").await, Verdict::UnknownUser));
    assert!(matches!(of("bob", "builder").await, Verdict::Disabled(_)));
    assert!(matches!(of("bob", "guess").await, Verdict::WrongPassword), "no word of the rest");
}

#[tokio::test]
async fn a_form_goes_to_the_service_and_the_password_stands_in_it_alone() {
    let (sent, mut seen) = mpsc::unbounded_channel();
    let fake = Fake::start(move |mut stream, request| {
        sent.send(request).unwrap();
        async move {
            let answer = response("verdict unknown-user\n");
            drop(stream.write_all(answer.as_bytes()).await);
        }
    })
    .await;
    let verdict = ask(&fake.validator(), "a&b=c +%", "wonder\u{e4}&").await;
    assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{verdict:?}");
    let request = seen.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /check HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nauthorization: Bearer {TOKEN}\r\n")), "{head}");
    assert!(!head.contains("wonder"), "{head}");
    assert_eq!(body, "realm=proxy&user=a%26b%3Dc%20%2B%25&password=wonder%C3%A4%26");
}

#[tokio::test]
async fn a_service_that_is_down_is_a_failure_that_may_pass_and_it_is_found_when_it_is_back() {
    let (service, validator) = service().await;
    assert!(ask(&validator, "alice", "wonder").await.is_ok());
    let url = service.url();
    service.stop().await;
    for password in ["wonder", "guess"] {
        let (text, may_pass) = failure(ask(&validator, "alice", password).await);
        assert!(may_pass && text.contains("onnect"), "{text}");
    }
    let listener = TcpListener::bind(url.authority().unwrap().as_str()).await.unwrap();
    let back = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let answer = response("user alice\nverdict accepted\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    assert!(matches!(ask(&validator, "alice", "wonder").await, Ok(Verdict::Accepted(_))));
    back.await.unwrap();
}

#[tokio::test]
async fn a_service_that_hangs_costs_the_time_out_and_no_more() {
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
        let (text, may_pass) = failure(ask(&validator, "alice", "wonder").await);
        assert_eq!((text.as_str(), may_pass), ("no verdict of the service within 300ms; ", true));
        assert!(start.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_short() {
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
        let (text, _) = failure(ask(&validator, "alice", "wonder").await);
        assert!(!text.contains("no verdict"), "{head:?}: {text}");
    }
}

#[tokio::test]
async fn whatever_is_no_verdict_is_a_failure() {
    let accepted = "user alice\nverdict accepted\n";
    let with_status = |status: &str| {
        let length = accepted.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{accepted}")
    };
    for (answer, may_pass) in [
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
        // Cut off: with a length, and without one.
        (with_status("200 OK").replace("accepted\n", ""), None),
        ("HTTP/1.1 200 OK\r\n\r\nuser alice\nverdict accep".to_owned(), Some(false)),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), None),
        ("\u{0}\u{1}\u{2}".to_owned(), None),
        (String::new(), None),
    ] {
        let fake = Fake::saying(answer.clone()).await;
        let (text, passes) = failure(ask(&fake.validator(), "alice", "wonder").await);
        assert!(may_pass.is_none_or(|may_pass| may_pass == passes), "{answer:?}: {text}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Fake::saying(response("user alice\nverdict accepted\n")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = &other.url;
        let moved =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let fake = Fake::saying(moved).await;
        let (text, may_pass) = failure(ask(&fake.validator(), "alice", "wonder").await);
        assert_eq!(text, format!("the service answered with status {status}; "));
        assert!(!may_pass);
    }
    assert_eq!(other.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_repeats_the_question_is_not_logged() {
    for prefix in ["", "user ", "verdict ", "user alice\n"] {
        let echo = Fake::start(move |mut stream, request| async move {
            drop(stream.write_all(response(&format!("{prefix}{request}\n")).as_bytes()).await);
        })
        .await;
        failure(ask(&echo.validator(), "alice", "wonder").await);
    }
}

#[tokio::test]
async fn what_is_not_worth_a_question_is_refused_without_one() {
    let nobody = Fake::start(|stream, _| hang(stream)).await;
    let (validator, longest) = (nobody.validator(), "a".repeat(4_097));
    for password in ["", "wonder\n", "\0", "wonder\u{85}", longest.as_str()] {
        let verdict = ask(&validator, "alice", password).await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{password:?}");
    }
    for name in ["", "alice\r", "\0", &longest[..1_025]] {
        let verdict = ask(&validator, name, "wonder").await;
        assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{name:?}");
    }
    assert_eq!(nobody.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn no_more_checks_than_allowed_at_a_time_and_no_more_waiting() {
    let hangs = Fake::start(|stream, _| hang(stream)).await;
    let validator = Arc::new(hangs.validator().with_timeout(LONG * 2).with_queue(2, 3));
    let mut checks = JoinSet::new();
    for _ in 0..7 {
        let validator = Arc::clone(&validator);
        checks.spawn(async move { ask(&validator, "alice", "wonder").await });
    }
    for _ in 0..2 {
        let (text, may_pass) = failure(checks.join_next().await.unwrap().unwrap());
        assert_eq!(text, "too many checks wait for the service already; ");
        assert!(may_pass);
    }
    time::sleep(SHORT).await;
    assert_eq!((checks.len(), hangs.connections.load(SeqCst)), (5, 2));
    // Who is cancelled makes room.
    checks.shutdown().await;
    let check = ask(&validator, "alice", "wonder");
    assert!(time::timeout(SHORT, check).await.is_err(), "it has a turn, and waits for the service");
    assert_eq!(hangs.connections.load(SeqCst), 3);
}

#[tokio::test]
async fn connections_are_used_again() {
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
        let verdict = ask(&validator, "alice", "guess").await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{verdict:?}");
    }
    assert_eq!(keeps.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_is_wrong_is_a_failure_and_no_wrong_password() {
    let (service, _) = service().await;
    let validator = HttpValidator::new(service.url(), "another").unwrap();
    let (text, may_pass) = failure(ask(&validator, "alice", "wonder").await);
    assert_eq!((text.as_str(), may_pass), ("the service answered with status 401; ", false));
}

#[test]
fn passwords_go_to_no_other_machine_without_tls() {
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
async fn the_show_is_as_the_guide_says() {
    let seen = show().await.unwrap();
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
