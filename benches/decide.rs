//! The cost of a decision of the engine, without tower, for few users and for many.

mod support;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderValue;
use support::{
    clock::ManualClock,
    digest_client::DigestClient,
    engine::{
        NONCE_LIFETIME, PASSWORD, UNKNOWN_USER, USER, WRONG_PASSWORD, basic, basic_credentials,
        both, challenges, decide, digest, realm, request, users,
    },
    operation::{Group, criterion},
};
use tower_proxy_auth::{
    Authenticator, DigestScheme, Reason, Users,
    authenticator::{Decision, ProxyAuthorization},
    digest::{Algorithm, AuthInfo},
};

criterion_group! {
    name = benches;
    config = criterion();
    targets = few_users, many_users
}
criterion_main!(benches);

fn few_users(criterion: &mut Criterion) {
    all(criterion, 1);
}

fn many_users(criterion: &mut Criterion) {
    all(criterion, 10_000);
}

fn all(criterion: &mut Criterion, count: usize) {
    let users = users(count);
    let mut group = Group::new(criterion, format!("decide/users: {count}"));
    strangers(&mut group, &users);
    basic_credentials_of_each_kind(&mut group, &users);
    digest_credentials_of_each_kind(&mut group, &users);
    stale(&mut group, &users);
}

fn strangers(group: &mut Group<'_>, users: &Users) {
    let auth = both(users.clone());
    let absent = || ProxyAuthorization::Absent;
    decision(group, "no credentials", &auth, Some(Reason::MissingCredentials), absent);
}

fn basic_credentials_of_each_kind(group: &mut Group<'_>, users: &Users) {
    let auth = basic(users.clone());
    for (name, user, password, expected) in [
        ("Basic accepted", USER, PASSWORD, None),
        ("Basic, wrong password", USER, WRONG_PASSWORD, Some(Reason::WrongPassword)),
        ("Basic, unknown user", UNKNOWN_USER, PASSWORD, Some(Reason::UnknownUser)),
    ] {
        let field = basic_credentials(user, password);
        let prepare = || ProxyAuthorization::One(field.clone());
        decision(group, name, &auth, expected, prepare);
    }
}

fn digest_credentials_of_each_kind(group: &mut Group<'_>, users: &Users) {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256] {
        for info in [AuthInfo::Off, AuthInfo::Full] {
            let auth = digest(users.clone(), algorithm, info);
            let name = format!("Digest {algorithm} accepted, info {info:?}");
            answers(group, &name, &auth, USER, PASSWORD, None);
        }
    }
    let auth = digest(users.clone(), Algorithm::Sha256, AuthInfo::Full);
    for (name, user, password, expected) in [
        ("Digest, wrong password", USER, WRONG_PASSWORD, Reason::WrongPassword),
        ("Digest, unknown user", UNKNOWN_USER, PASSWORD, Reason::UnknownUser),
    ] {
        answers(group, name, &auth, user, password, Some(expected));
    }
}

/// Decides about requests of a client, each with the next nonce-count.
fn answers(
    group: &mut Group<'_>,
    name: &str,
    auth: &Authenticator,
    user: &str,
    password: &str,
    expected: Option<Reason>,
) {
    let mut client = DigestClient::of(&challenges(auth));
    let prepare = || ProxyAuthorization::One(client.answer_for(user, password));
    decision(group, name, auth, expected, prepare);
}

/// Credentials with a stale nonce.
fn stale(group: &mut Group<'_>, users: &Users) {
    let clock = ManualClock::new();
    let scheme = DigestScheme::builder(users.clone())
        .with_algorithms([Algorithm::Sha256])
        .with_nonce_lifetime(NONCE_LIFETIME)
        .build()
        .expect("the options go together");
    let auth = Authenticator::builder(realm())
        .with_scheme(scheme)
        .with_clock(clock.clone())
        // Otherwise the limit would end the `stale=true` responses.
        .with_max_consecutive_stale(u32::MAX);
    let auth = auth.build().expect("a valid configuration");

    let field = DigestClient::of(&challenges(&auth)).answer();
    let again = |field: &HeaderValue| ProxyAuthorization::One(field.clone());
    assert_eq!(reason(&decide(&auth, &request(None), again(&field))), None);
    decision(group, "Digest, replayed", &auth, Some(Reason::NonceReplayed), || again(&field));
    clock.advance(NONCE_LIFETIME + Duration::from_secs(1));
    decision(group, "Digest, stale", &auth, Some(Reason::NonceExpired), || again(&field));
}

fn decision(
    group: &mut Group<'_>,
    name: &str,
    auth: &Authenticator,
    expected: Option<Reason>,
    prepare: impl FnMut() -> ProxyAuthorization,
) {
    let request = request(None);
    group.measure(name, prepare, |field| {
        let decision = decide(auth, &request, field);
        assert_eq!(reason(&decision), expected);
        decision
    });
}

fn reason(decision: &Decision) -> Option<Reason> {
    match decision {
        Decision::Forward { .. } | Decision::Bypass => None,
        Decision::Refuse(refusal, _) => Some(refusal.reason()),
    }
}
