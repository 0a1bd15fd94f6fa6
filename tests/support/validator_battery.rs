//! Tests that every validator must pass.
//!
//! A [`BackEnd`] makes validators that hold given users, and [`battery`] makes one test of each
//! case for it:
//!
//! ```ignore
//! battery!(in_memory: InMemory);
//! battery!(#[ignore = "needs slapd"] by_search: Slapd::start().await);
//! ```

use std::{
    error::Error,
    future::{Future, poll_fn},
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time};
use tower_proxy_auth::{BackendError, BasicCredentials, CredentialValidator, Realm, Verdict};

/// A back end under test. What it starts lives as long as it does, until the test ends.
pub(crate) trait BackEnd {
    type Validator: CredentialValidator;

    /// The length of the longest password that it can hold, in bytes.
    const LONGEST_PASSWORD: usize = 4_096;
    /// Whether it distinguishes an unknown user from a wrong password.
    const TELLS_UNKNOWN_USERS: bool = true;
    /// Whether the crate determines the time of a check, rather than a server.
    const HAS_ITS_OWN_TIME: bool = true;

    /// A validator for [`realm`] with these users alone, by name and password. Called once in a
    /// test.
    async fn holding(&self, users: &[(&str, &str)]) -> Self::Validator;

    /// A validator whose back end accepts requests and never answers, with a timeout of at most
    /// [`SOON`]; `None` if it never waits.
    async fn hanging(&self) -> Option<Self::Validator> {
        None
    }

    /// A validator whose back end fails; `None` if it cannot fail.
    async fn failing(&self) -> Option<Self::Validator> {
        None
    }
}

/// The timeout of a validator whose back end hangs.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// The time after which a wait of [`SOON`] is over even on a busy machine.
const IN_TIME: Duration = Duration::from_secs(20);

/// The realm of the users.
pub(crate) fn realm() -> Realm {
    Realm::new("proxy").unwrap()
}

/// Users with names and passwords of every kind, in normalization form C.
pub(crate) const USERS: &[(&str, &str)] = &[
    ("alice", "wonder"),
    ("bob", "with:colons::"),
    ("J\u{e4}s\u{f8}n Doe", "p\u{e4}ssw\u{f6}rd \u{2603} \u{5bc6}\u{7801}"),
    ("o'brien", "' OR '1'='1"),
    ("smith, john (cn=*)\\", "a\"b'c`d$e%f\\g"),
    ("50%_\"off\"<&>;--", "  blanks around  "),
];

/// Names of no user that mean something in a query language.
const METACHARACTERS: &[&str] = &[
    "*",
    "a*",
    "alic?",
    "al%",
    "alic_",
    "(uid=*)",
    ")(uid=*",
    "*)(uid=*))(|(uid=*",
    "alice)(objectClass=*",
    "\\61lice",
    "\\2a",
    "alice,ou=people",
    "alice+cn=alice",
    "#616c696365",
    "uid=alice",
    "' OR '1'='1",
    "alice' --",
    "alice'; DROP TABLE users; --",
    "alice\" OR \"\"=\"",
    "alice`",
    "$1",
    "?",
    "${alice}",
    "{alice}",
    "../alice",
    "alice@proxy",
];

/// Names that look like `alice` and are different.
const LOOK_ALIKES: &[&str] = &[
    "Alice",
    "ALICE",
    " alice",
    "alice ",
    "alice\u{a0}",
    "alice\u{200b}",
    "alic\u{435}",
    "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}",
    "alic\u{e9}",
    "alice\u{301}",
    "al\u{131}ce",
];

/// Makes a module with one test for each case.
macro_rules! battery {
    ($(#[$attribute:meta])* $name:ident: $back_end:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::support::validator_battery::battery! {
                @each [$(#[$attribute])*] ($back_end)
                accepts_every_user_under_its_name
                refuses_a_wrong_password
                refuses_an_unknown_user
                refuses_an_empty_password
                compares_names_and_passwords_byte_for_byte
                compares_the_longest_password_to_its_end
                refuses_control_characters
                refuses_metacharacters_of_query_languages
                keeps_parallel_requests_apart
                survives_cancelled_requests
                times_out_on_a_back_end_that_hangs
                fails_without_showing_secrets
                takes_equal_time_for_unknown_users
            }
        }
    };
    (@each $attributes:tt $back_end:tt $($case:ident)*) => {
        $($crate::support::validator_battery::battery!(@case $attributes $back_end $case);)*
    };
    (@case [$($attribute:tt)*] ($back_end:expr) $case:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $case() {
            $crate::support::validator_battery::$case(&$back_end).await;
        }
    };
}
pub(crate) use battery;

async fn ask(
    validator: &impl CredentialValidator,
    name: &str,
    password: &str,
) -> Result<Verdict, BackendError> {
    validator.validate(BasicCredentials::new(&realm(), name, password)).await
}

/// The name of the accepted user; `None` for a refusal.
async fn accepted(
    validator: &impl CredentialValidator,
    name: &str,
    password: &str,
) -> Option<String> {
    match ask(validator, name, password).await {
        Ok(Verdict::Accepted(account)) => Some(account.user().as_str().to_owned()),
        Ok(Verdict::WrongPassword | Verdict::PasswordTooLong | Verdict::UnknownUser) => None,
        other => panic!("{name:?} with {password:.80?}: {other:?}"),
    }
}

async fn refuses(validator: &impl CredentialValidator, name: &str, password: &str) {
    let accepted = accepted(validator, name, password).await;
    assert_eq!(accepted, None, "{name:.80?} with {password:.80?}");
}

async fn accepts(validator: &impl CredentialValidator, name: &str, password: &str) {
    let accepted = accepted(validator, name, password).await;
    assert_eq!(accepted.as_deref(), Some(name), "with {password:.80?}");
}

pub(crate) async fn accepts_every_user_under_its_name(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    for (name, password) in USERS {
        accepts(&validator, name, password).await;
    }
}

pub(crate) async fn refuses_a_wrong_password(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    for password in ["wonde", "wonderr", "Wonder", "wonder ", " wonder", "*", "%", "alice", "null"]
    {
        refuses(&validator, "alice", password).await;
        let verdict = ask(&validator, "alice", password).await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{password:?}: {verdict:?}");
    }
    for (name, own) in USERS {
        for (_, other) in USERS.iter().filter(|(_, password)| password != own) {
            refuses(&validator, name, other).await;
        }
    }
    accepts(&validator, "alice", "wonder").await;
}

pub(crate) async fn refuses_an_unknown_user<B: BackEnd>(back_end: &B) {
    let validator = back_end.holding(USERS).await;
    for name in ["carol", "alic", "alicea", "root", "null", "nobody"] {
        refuses(&validator, name, "wonder").await;
        let verdict = ask(&validator, name, "wonder").await;
        if B::TELLS_UNKNOWN_USERS {
            assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{name:?}: {verdict:?}");
        }
    }
}

pub(crate) async fn refuses_an_empty_password(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    for name in ["alice", "bob", "o'brien", "carol"] {
        refuses(&validator, name, "").await;
    }
}

pub(crate) async fn compares_names_and_passwords_byte_for_byte(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    let (name, password) = USERS[2];
    accepts(&validator, name, password).await;
    let decomposed = |text: &str| text.replace('\u{e4}', "a\u{308}").replace('\u{f6}', "o\u{308}");
    refuses(&validator, &decomposed(name), password).await;
    refuses(&validator, name, &decomposed(password)).await;
    for other in [name.to_uppercase(), name.to_lowercase(), name.replace(' ', "\u{a0}")] {
        refuses(&validator, &other, password).await;
    }
    for other in [password.to_uppercase(), password.replace('\u{2603}', "?")] {
        refuses(&validator, name, &other).await;
    }
    for other in LOOK_ALIKES {
        refuses(&validator, other, "wonder").await;
    }
}

pub(crate) async fn compares_the_longest_password_to_its_end<B: BackEnd>(back_end: &B) {
    let longest: String = ('a'..='z').cycle().take(B::LONGEST_PASSWORD).collect();
    let validator = back_end.holding(&[("alice", &longest), ("bob", "builder")]).await;
    accepts(&validator, "alice", &longest).await;
    for at in [0, longest.len() / 2, longest.len() - 1] {
        let mut other = longest.clone().into_bytes();
        other[at] = b'?';
        refuses(&validator, "alice", &String::from_utf8(other).unwrap()).await;
    }
    refuses(&validator, "alice", &longest[..longest.len() - 1]).await;
    for more in [1, 4_096, 1 << 20] {
        let longer = format!("{longest}{}", "a".repeat(more));
        refuses(&validator, "alice", &longer).await;
        refuses(&validator, "bob", &longer).await;
        refuses(&validator, "carol", &longer).await;
    }
    for length in [256, 4_096, 1 << 16] {
        refuses(&validator, &"a".repeat(length), "builder").await;
    }
    accepts(&validator, "bob", "builder").await;
}

/// The engine refuses these itself, but other callers of a validator need not.
pub(crate) async fn refuses_control_characters(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    for control in ['\0', '\n', '\r', '\t', '\u{7f}', '\u{85}'] {
        for password in [
            format!("wonder{control}"),
            format!("{control}wonder"),
            format!("wonder{control}wonder"),
            control.to_string(),
        ] {
            refuses(&validator, "alice", &password).await;
        }
        for name in [format!("alice{control}"), format!("alice{control}bob"), control.to_string()] {
            refuses(&validator, &name, "wonder").await;
        }
    }
    accepts(&validator, "alice", "wonder").await;
}

pub(crate) async fn refuses_metacharacters_of_query_languages(back_end: &impl BackEnd) {
    let validator = back_end.holding(USERS).await;
    for name in METACHARACTERS {
        for password in ["wonder", name, "*", "' OR '1'='1"] {
            refuses(&validator, name, password).await;
        }
    }
    for password in METACHARACTERS {
        refuses(&validator, "alice", password).await;
    }
    accepts(&validator, "alice", "wonder").await;
}

pub(crate) async fn keeps_parallel_requests_apart(back_end: &impl BackEnd) {
    let validator = Arc::new(back_end.holding(USERS).await);
    let mut tasks = JoinSet::new();
    for round in 0..8 {
        for (at, (name, password)) in USERS.iter().enumerate() {
            let validator = Arc::clone(&validator);
            tasks.spawn(async move {
                match (round + at) % 2 {
                    0 => accepts(&*validator, name, password).await,
                    _ => refuses(&*validator, name, "another password").await,
                }
            });
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// A check dropped at any stage returns what it borrowed, and its answer does not reach another.
pub(crate) async fn survives_cancelled_requests(back_end: &impl BackEnd) {
    let (validator, realm) = (back_end.holding(USERS).await, realm());
    for round in 0..40_u32 {
        let right = BasicCredentials::new(&realm, "alice", "wonder");
        match round % 4 {
            0 => drop(validator.validate(right)),
            1 => {
                let mut check = pin!(validator.validate(right));
                poll_fn(|context| Poll::Ready(check.as_mut().poll(context).is_ready())).await;
            }
            _ => {
                let a_while = Duration::from_micros(100 << (round % 8));
                drop(time::timeout(a_while, validator.validate(right)).await);
            }
        }
        refuses(&validator, "alice", &format!("wrong {round}")).await;
        refuses(&validator, "bob", "wonder").await;
    }
    accepts(&validator, "alice", "wonder").await;
    accepts(&validator, "bob", "with:colons::").await;
}

pub(crate) async fn times_out_on_a_back_end_that_hangs(back_end: &impl BackEnd) {
    let Some(validator) = back_end.hanging().await else { return };
    for (name, password) in [("alice", "wonder"), ("carol", "wonder")] {
        let answer = time::timeout(IN_TIME, ask(&validator, name, password)).await;
        let error = answer.expect("an answer in time").expect_err("no verdict");
        hides_secrets(&error);
        assert!(error.is_transient(), "{error}");
    }
}

pub(crate) async fn fails_without_showing_secrets(back_end: &impl BackEnd) {
    let Some(validator) = back_end.failing().await else { return };
    for (name, password) in [("alice", "wonder"), ("carol", "wonder")] {
        let answer = time::timeout(IN_TIME, ask(&validator, name, password)).await;
        let error = answer.expect("an answer in time").expect_err("no verdict");
        hides_secrets(&error);
    }
}

fn hides_secrets(error: &BackendError) {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("wonder"), "{shown}");
        next = error.source();
    }
    assert!(error.source().is_some(), "no cause for the log");
}

/// The medians of alternating samples are within a quarter of each other. On a busy machine this
/// may take several tries.
pub(crate) async fn takes_equal_time_for_unknown_users<B: BackEnd>(back_end: &B) {
    if !B::HAS_ITS_OWN_TIME {
        return;
    }
    let validator = back_end.holding(USERS).await;
    let mut number = 0;
    // Every password is new, so that no answer can be cached.
    let mut sample = async |name: &str, requests: u32| {
        let passwords: Vec<String> =
            (number..number + requests).map(|number| format!("wrong {number:09}")).collect();
        number += requests;
        let start = Instant::now();
        for password in &passwords {
            black_box(ask(&validator, black_box(name), password).await).unwrap();
        }
        start.elapsed()
    };
    let once = sample("carol", 3).await.max(sample("alice", 3).await) / 3;
    let requests = u32::try_from(200_000 / once.as_nanos().max(1)).unwrap().max(1);
    let rounds = (1_500_000_000 / (u128::from(requests) * once.as_nanos()).max(1)).clamp(5, 151);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            known.push(sample("alice", requests).await);
            unknown.push(sample("carol", requests).await);
        }
        let [known, unknown] = [known, unknown].map(|mut samples| {
            samples.sort_unstable();
            samples[samples.len() / 2].as_secs_f64()
        });
        let ratio = unknown / known;
        if (0.75..=1.25).contains(&ratio) {
            return;
        }
        seen.push(ratio);
    }
    panic!("the time for unknown users differs from that for known ones: {seen:?}");
}
