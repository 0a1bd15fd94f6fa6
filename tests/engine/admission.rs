//! The engine consults its throttle, and settles the ticket with the outcome.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, header};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, UserId, Verdict,
    backend::{OwnedCredentials, UnusableRecord},
    event::ClaimedUsers,
    scheme::Claimant,
    throttle::{Admission, Attempt, Overload, Settle, Settlement, Throttle, Ticket},
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, field, realm, request, users},
};

/// Records attempts and settlements, and refuses all attempts if there is an overload.
#[derive(Clone, Default)]
struct Recorder {
    overload: Option<Overload>,
    fails: bool,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn note(&self, text: String) {
        self.seen.lock().unwrap().push(text);
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Throttle for Recorder {
    async fn admit(&self, attempt: Attempt<'_>) -> Result<Admission, BackendError> {
        let name = match attempt.claim.claimant() {
            Claimant::Name(name) => name,
            _ => "-",
        };
        let secret = attempt.claim.fixed_secret().unwrap_or("-");
        let algorithm = attempt.claim.algorithm().unwrap_or("-");
        self.note(format!("admit {name} {secret} {algorithm}"));
        if self.fails {
            return Err(BackendError::transient("no throttle"));
        }
        Ok(match self.overload {
            Some(overload) => Admission::Refused(overload),
            None => Admission::Allowed(Ticket::new(Recorded(self.clone()))),
        })
    }
}

/// Records the settlement of a ticket, and that its last clone was dropped.
struct Recorded(Recorder);

impl Settle for Recorded {
    fn settle(&self, settlement: Settlement<'_>) {
        self.0.note(match settlement {
            Settlement::Accepted { user, revocation } => {
                format!("accepted {user}, {}", revocation.is_revoked())
            }
            Settlement::Strike { user } => {
                format!("strike {}", user.map_or("-", UserId::as_str))
            }
            _ => "neutral".to_owned(),
        });
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.0.note("released".to_owned());
    }
}

type MakeVerdict = fn() -> Result<Verdict, BackendError>;

/// Returns a verdict, and keeps a copy of the credentials, as work that outlives its caller does.
struct Fixed {
    verdict: MakeVerdict,
    kept: Mutex<Option<OwnedCredentials>>,
}

impl CredentialValidator for Fixed {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        *self.kept.lock().unwrap() = Some(credentials.to_owned());
        (self.verdict)()
    }
}

fn proxy(recorder: &Recorder, verdict: MakeVerdict) -> Proxy {
    let validator = Fixed { verdict, kept: Mutex::default() };
    let builder = Authenticator::builder(realm()).with_basic(validator).with_digest(users());
    Proxy::of(builder.with_throttle(recorder.clone()))
}

#[test]
fn settles_each_outcome_and_keeps_the_place_of_running_work() {
    let table: [(_, MakeVerdict, _, _); 9] = [
        ("right", || Ok(Verdict::Accepted(Account::new("Alice"))), 200, "accepted Alice, false"),
        ("wrong", || Ok(Verdict::WrongPassword), 407, "strike -"),
        ("of a user", || Ok(Verdict::WrongPasswordOf(UserId::new("Al"))), 407, "strike Al"),
        ("too long", || Ok(Verdict::PasswordTooLong), 407, "strike -"),
        ("unknown", || Ok(Verdict::UnknownUser), 407, "strike -"),
        ("unusable", || Ok(Verdict::Unusable(UnusableRecord::new("x"))), 407, "strike -"),
        ("disabled", || Ok(Verdict::Disabled(Account::new("alice"))), 403, "neutral"),
        ("expired", || Ok(Verdict::Expired(Account::new("alice"))), 403, "neutral"),
        ("a failure", || Err(BackendError::new("down")), 503, "neutral"),
    ];
    for (name, verdict, status, settlement) in table {
        let recorder = Recorder::default();
        let proxy = proxy(&recorder, verdict);
        assert_eq!(proxy.get(basic("alice:wonder")).status, status, "{name}");
        assert_eq!(recorder.seen(), ["admit alice wonder -", settlement], "{name}");
        // The copy of the credentials keeps the ticket.
        drop(proxy);
        assert_eq!(recorder.seen(), ["released"], "{name}");
    }
}

#[test]
fn admits_digest_by_name_and_algorithm() {
    let recorder = Recorder::default();
    let proxy = proxy(&recorder, || unreachable!("not Basic"));
    let digest = proxy.fresh();
    proxy.login(&digest).passes("right", "alice");
    let admit = "admit alice - SHA-256";
    assert_eq!(recorder.seen(), [admit, "accepted alice, false", "released"]);
    proxy.login(&digest).is("again", 407, "nonce-replayed");
    assert_eq!(recorder.seen(), [admit, "neutral", "released"]);
    let refused = proxy.login(&Digest { password: "wrong".into(), ..proxy.fresh() });
    refused.is("wrong", 407, "wrong-password");
    assert_eq!(refused.refused.unwrap().algorithm(), Some("SHA-256"));
    assert_eq!(recorder.seen(), [admit, "strike alice", "released"]);
}

#[test]
fn a_refusal_contains_the_claimed_user_as_configured() {
    let claimed = |shown: ClaimedUsers, sent| {
        let builder = Authenticator::builder(realm()).with_basic(users());
        let answer = Proxy::of(builder.with_claimed_users(shown)).get(sent);
        answer.refused.unwrap().claimed_user().map(ToString::to_string)
    };
    let name = |text: &str| Some(text.to_owned());
    for (sent, expected) in [
        (basic("bob x:wrong"), name(r"bob\u{20}x")),
        (basic(":wrong"), None),
        (field("Basic !"), None),
    ] {
        assert_eq!(claimed(ClaimedUsers::Name, sent), expected);
    }
    assert_eq!(claimed(ClaimedUsers::Omitted, basic("bob:wrong")), None);
    let fingerprint = claimed(ClaimedUsers::Fingerprint, basic("bob:wrong")).unwrap();
    assert!(fingerprint.len() == 12 && !fingerprint.contains("bob"), "{fingerprint}");
}

#[test]
fn refuses_with_429_without_a_back_end_call() {
    let seconds = Duration::from_secs;
    for (overload, reason, retry_after) in [
        (Overload::Failures(seconds(7)), "too-many-failures", "7"),
        (Overload::Failures(seconds(6) + Duration::from_nanos(1)), "too-many-failures", "7"),
        (Overload::Checks(seconds(1)), "too-many-checks", "1"),
    ] {
        let recorder = Recorder { overload: Some(overload), ..Recorder::default() };
        let proxy = proxy(&recorder, || unreachable!("not called"));
        for field in [basic("alice:wonder"), proxy.fresh().field()] {
            let answer = proxy.get(field);
            answer.is("refused", 429, reason);
            assert_eq!(answer.fields(header::RETRY_AFTER), [retry_after]);
        }
        assert_eq!(recorder.seen(), ["admit alice wonder -", "admit alice - SHA-256"]);
    }
}

#[test]
fn a_throttle_that_fails_refuses_with_503() {
    let recorder = Recorder { fails: true, ..Recorder::default() };
    let proxy = proxy(&recorder, || unreachable!("not called"));
    proxy.get(basic("alice:wonder")).is("no throttle", 503, "backend-failed");
}

#[test]
fn only_parsed_credentials_are_attempts() {
    let recorder = Recorder::default();
    let proxy = proxy(&recorder, || unreachable!("not called"));
    proxy.challenge().is("missing", 407, "missing-credentials");
    for (name, sent, reason) in [
        ("not offered", field("Bearer abc"), "scheme-not-offered"),
        ("undecodable", field("Basic !"), "undecodable"),
        ("no user", basic(":wonder"), "empty-user-id"),
        ("malformed", field("Digest username=\"alice"), "malformed"),
        ("too long", field("x".repeat(16_385)), "field-too-long"),
    ] {
        assert_eq!(proxy.get(sent).reason(), reason, "{name}");
    }
    let twice = [basic("alice:wonder"), basic("alice:wonder")];
    let twice = request(&Method::GET, "http://example.org/", twice);
    proxy.send(twice).is("twice", 400, "several-fields");
    assert_eq!(recorder.seen(), [""; 0]);
}
