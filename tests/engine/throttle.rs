//! The throttle in memory behind the engine: who is limited, and what counts.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, Method, Request, header};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, UserId, Verdict,
    authenticator::AuthenticatorBuilder,
    backend::{OwnedCredentials, UnusableRecord},
    throttle::MemoryThrottle,
};

use crate::support::{
    digest::Digest,
    engine::{Answer, Body, Proxy, basic, field, realm, request, users},
};

const GUESSER: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
const MAX: usize = 5;

/// A validator that counts its calls.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn calls(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl CredentialValidator for Counted {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let (user, password) = (credentials.user_id(), credentials.password());
        Ok(match user.to_lowercase().split('@').next() {
            _ if password == "down" => return Err(BackendError::transient("down")),
            Some("alice") if password == "wonder" => Verdict::Accepted(Account::new("alice")),
            Some("alice") => Verdict::WrongPasswordOf(UserId::new("alice")),
            Some("locked") => Verdict::Unusable(UnusableRecord::new("a lock mark")),
            Some("former") => Verdict::Disabled(Account::new("former")),
            Some("late") => Verdict::Expired(Account::new("late")),
            Some("bcrypt") => Verdict::PasswordTooLong,
            _ => Verdict::UnknownUser,
        })
    }
}

/// The peer address of a request in these tests.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

fn limited(builder: AuthenticatorBuilder) -> (Proxy, MemoryThrottle) {
    let throttle = MemoryThrottle::builder().with_max_failures(MAX as u32).build().unwrap();
    let proxy = Proxy::of(builder.with_throttle(throttle.clone())).layer(|layer| {
        layer.with_peer_address(|head| head.extensions().get::<Peer>().map(|peer| peer.0))
    });
    (proxy, throttle)
}

/// Basic over a counting validator, Digest, and a limit.
fn proxy() -> (Proxy, Counted) {
    let counted = Counted::default();
    let builder = Authenticator::builder(realm()).with_basic(counted.clone());
    (limited(builder.with_digest(users())).0, counted)
}

fn from(peer: &str, mut request: Request<Body>) -> Request<Body> {
    if let Ok(address) = peer.parse() {
        request.extensions_mut().insert(Peer(address));
    }
    request
}

fn get(proxy: &Proxy, peer: &str, field: HeaderValue) -> Answer {
    proxy.send(from(peer, request(&Method::GET, "http://example.org/", [field])))
}

/// Sends this many different wrong passwords.
fn guess(proxy: &Proxy, peer: &str, user: &str, times: usize) -> Vec<u16> {
    let guess = |number| get(proxy, peer, basic(format!("{user}:guess {number}"))).status;
    (0..times).map(guess).collect()
}

#[test]
fn a_guesser_gets_no_back_end_call_past_the_limit() {
    let (proxy, back_end) = proxy();
    let statuses = guess(&proxy, GUESSER, "alice", 200);
    assert!(statuses.iter().take(MAX).all(|&status| status == 407), "{statuses:?}");
    assert!(statuses.iter().skip(MAX).all(|&status| status == 429), "{statuses:?}");
    assert_eq!(back_end.calls(), MAX);
    let right = get(&proxy, GUESSER, basic("alice:wonder"));
    right.is("the right password", 429, "too-many-failures");
    let seconds: u64 = right.fields(header::RETRY_AFTER)[0].parse().unwrap();
    assert!((60..=70).contains(&seconds), "{seconds}");
    let digest = Digest::new(proxy.nonce());
    get(&proxy, GUESSER, digest.field()).is("digest", 429, "too-many-failures");
    assert_eq!(back_end.calls(), 0);

    proxy.clock.set(seconds as i64);
    get(&proxy, GUESSER, basic("alice:wonder")).passes("later", "alice");
}

#[test]
fn only_guesses_count() {
    for (name, sent, counts) in [
        ("wrong", basic("alice:wrong"), true),
        ("unknown", basic("nobody:wonder"), true),
        ("unusable", basic("locked:wonder"), true),
        ("too long", basic("bcrypt:wonder"), true),
        ("disabled", basic("former:wonder"), false),
        ("expired", basic("late:wonder"), false),
        ("a failure", basic("alice:down"), false),
        ("right", basic("alice:wonder"), false),
        ("undecodable", field("Basic !"), false),
        ("no user", basic(":wonder"), false),
        ("empty password", basic("alice:"), false),
        ("malformed", field("Digest username=\"alice"), false),
        ("not offered", field("Bearer abc"), false),
        ("too long a field", field("x".repeat(20_000)), false),
    ] {
        let (proxy, _) = proxy();
        for _ in 0..4 * MAX {
            get(&proxy, GUESSER, sent.clone());
            proxy.send(from(GUESSER, request(&Method::GET, "http://example.org/", [])));
        }
        let reason = get(&proxy, GUESSER, basic("stranger:x")).reason();
        let expected = if counts { "too-many-failures" } else { "unknown-user" };
        assert_eq!(reason, expected, "{name}");
    }
}

#[test]
fn stale_nonces_do_not_count() {
    let (proxy, _) = proxy();
    let digest = Digest::new(proxy.nonce());
    get(&proxy, GUESSER, digest.field()).passes("first", "alice");
    for _ in 0..4 * MAX {
        get(&proxy, GUESSER, digest.field()).is("again", 407, "nonce-replayed");
    }
    assert_eq!(get(&proxy, GUESSER, basic("stranger:x")).reason(), "unknown-user");
}

#[test]
fn digest_guesses_count() {
    let (proxy, _) = proxy();
    for number in 0..4 * MAX {
        let guess = Digest { password: format!("guess {number}"), ..Digest::new(proxy.nonce()) };
        let status = get(&proxy, GUESSER, guess.field()).status;
        assert_eq!(status, if number < MAX { 407 } else { 429 }, "{number}");
    }
    let right = Digest::new(proxy.nonce());
    get(&proxy, GUESSER, right.field()).is("right", 429, "too-many-failures");
    get(&proxy, ELSEWHERE, right.field()).passes("from elsewhere", "alice");
}

#[test]
fn the_victim_gets_in() {
    let (proxy, back_end) = proxy();
    guess(&proxy, GUESSER, "alice", 200);
    get(&proxy, ELSEWHERE, basic("alice:wonder")).passes("from elsewhere", "alice");
    // The same credentials have succeeded.
    get(&proxy, GUESSER, basic("alice:wonder")).passes("from the guesser's address", "alice");
    assert_eq!(back_end.calls(), MAX + 2);
    get(&proxy, GUESSER, basic("bob:builder")).is("another user", 429, "too-many-failures");
    let unknown = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
    proxy.send(unknown).passes("from an unknown peer", "alice");
}

#[test]
fn revocation_ends_the_pass_of_proved_credentials() {
    let (proxy, _) = proxy();
    get(&proxy, ELSEWHERE, basic("alice:wonder")).passes("proved", "alice");
    guess(&proxy, GUESSER, "alice", 200);
    proxy.authenticator().revoke(&realm(), &UserId::new("alice"));
    get(&proxy, GUESSER, basic("alice:wonder")).is("revoked", 429, "too-many-failures");
}

#[test]
fn spellings_of_a_user_count_together() {
    let (proxy, back_end) = proxy();
    let names = ["Alice", "alice", "alice@example.org", "ALICE@example.org", "aLiCe"];
    let mut calls = 0;
    // Each peer stops before its own limit.
    for peer in 0..14 {
        for name in names.iter().take(MAX - 1) {
            guess(&proxy, &format!("198.51.100.{peer}"), name, 1);
            calls += back_end.calls();
        }
    }
    // Names are learned with their first failure, which always reaches the back end.
    assert!((10 * MAX + 1..=10 * MAX + 2).contains(&calls), "{calls}");
    for name in names {
        let refused = get(&proxy, ELSEWHERE, basic(format!("{name}:x")));
        refused.is(name, 429, "too-many-failures");
    }
    get(&proxy, ELSEWHERE, basic("nobody:x")).is("another user", 407, "unknown-user");
}

#[test]
fn forwarded_for_changes_nothing() {
    let (proxy, back_end) = proxy();
    for number in 0..4 * MAX {
        let mut request =
            request(&Method::GET, "http://example.org/", [basic(format!("alice:{number}"))]);
        let forwarded = HeaderValue::try_from(format!("203.0.113.{number}")).unwrap();
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            request.headers_mut().insert(name, forwarded.clone());
        }
        proxy.send(from(GUESSER, request));
    }
    assert_eq!(back_end.calls(), MAX);
}

#[test]
fn anonymous_requests_are_not_limited() {
    let counted = Counted::default();
    let builder = Authenticator::builder(realm()).with_basic(counted.clone());
    let (proxy, _) = limited(builder.with_anonymous(true));
    guess(&proxy, GUESSER, "alice", 4 * MAX);
    let anonymous = proxy.send(from(GUESSER, request(&Method::GET, "http://example.org/", [])));
    assert_eq!((anonymous.status, anonymous.user()), (200, None));
    assert_eq!(counted.calls(), MAX);
}

/// Keeps a copy of the credentials, as work that outlives its caller does.
#[derive(Clone, Default)]
struct Keeping(Arc<Mutex<Vec<OwnedCredentials>>>);

impl CredentialValidator for Keeping {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.0.lock().unwrap().push(credentials.to_owned());
        Ok(Verdict::WrongPassword)
    }
}

#[test]
fn a_place_is_held_until_the_work_ends() {
    let keeping = Keeping::default();
    let (proxy, throttle) = limited(Authenticator::builder(realm()).with_basic(keeping.clone()));
    guess(&proxy, GUESSER, "alice", 4);
    assert_eq!(throttle.running(), 4);
    let refused = get(&proxy, GUESSER, basic("alice:another"));
    refused.is("no place", 429, "too-many-checks");
    assert_eq!(refused.fields(header::RETRY_AFTER), ["1"]);
    keeping.0.lock().unwrap().clear();
    assert_eq!(throttle.running(), 0);
    get(&proxy, GUESSER, basic("alice:another")).is("a place", 407, "wrong-password");
}
