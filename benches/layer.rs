//! The cost of the layer around a no-op service: accepted and refused requests, and the throughput
//! of one and two threads.

mod support;

use std::sync::Mutex;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderValue, StatusCode};
use support::{
    digest_client::DigestClient,
    engine::{
        PASSWORD, UNKNOWN_USER, USER, WRONG_PASSWORD, basic, basic_credentials, both, challenges,
        digest, request, user_name, users,
    },
    operation::{Group, criterion},
    service::{Origin, Outgoing, send},
    threads::{self, Worker},
};
use tower::Layer;
use tower_proxy_auth::{
    Authenticator, ProxyAuth, ProxyAuthLayer,
    digest::{Algorithm, AuthInfo},
};

/// The number of clients, each with its own nonce.
const CLIENTS: usize = 10_000;

/// The number of requests prepared for one thread: few enough for its cache.
const AT_ONCE: usize = 256;

criterion_group! {
    name = benches;
    config = criterion();
    targets = accepted, refused, throughput
}
criterion_main!(benches);

fn accepted(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "layer/accepted");
    group.measure("no layer", || request(None), |request| send(&mut Origin, request));
    let field = basic_credentials(USER, PASSWORD);
    let mut service = wrap(basic(users(1)));
    group.measure(
        "Basic",
        || request(Some(field.clone())),
        |request| answer(&mut service, request, StatusCode::OK),
    );
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256] {
        for info in [AuthInfo::Off, AuthInfo::Full] {
            let auth = digest(users(1), algorithm, info);
            let mut client = DigestClient::of(&challenges(&auth));
            let mut service = wrap(auth);
            let name = format!("Digest {algorithm}, info {info:?}");
            group.measure(
                &name,
                || request(Some(client.answer())),
                |request| answer(&mut service, request, StatusCode::OK),
            );
        }
    }
}

fn refused(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "layer/refused");
    let (basic, both) = (basic(users(1)), both(users(1)));
    let wrong = basic_credentials(USER, WRONG_PASSWORD);
    let unknown = basic_credentials(UNKNOWN_USER, PASSWORD);
    let malformed = HeaderValue::from_static("Digest username");
    let challenged = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    for (name, auth, field, expected) in [
        ("Basic, wrong password", &basic, Some(wrong), challenged),
        ("Basic, unknown user", &basic, Some(unknown), challenged),
        ("no credentials, three challenges", &both, None, challenged),
        ("malformed", &both, Some(malformed), StatusCode::BAD_REQUEST),
    ] {
        let mut service = wrap(auth.clone());
        group.measure(
            name,
            || request(field.clone()),
            |request| answer(&mut service, request, expected),
        );
    }
}

fn throughput(criterion: &mut Criterion) {
    let field = basic_credentials(USER, PASSWORD);
    in_threads(criterion, "Basic accepted", basic(users(1)), StatusCode::OK, |_, _| {
        || request(Some(field.clone()))
    });
    let refused = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    in_threads(criterion, "no credentials", both(users(1)), refused, |_, _| || request(None));

    for (algorithm, auth_info) in [
        (Algorithm::Md5, AuthInfo::Off),
        (Algorithm::Sha256, AuthInfo::Off),
        (Algorithm::Sha256, AuthInfo::Full),
    ] {
        let name = format!("{algorithm}, info {auth_info:?}, {CLIENTS} nonces");
        let auth = digest(users(CLIENTS), algorithm, auth_info);
        let client = |number| Mutex::new((user_name(number), DigestClient::of(&challenges(&auth))));
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        // A client's connection stays with its thread.
        in_threads(criterion, &name, auth.clone(), StatusCode::OK, |thread, threads| {
            let mut own = clients.iter().skip(thread).step_by(threads).cycle();
            move || {
                let client = own.next().expect("there is a client for each thread");
                let mut client = client.lock().expect("no thread panics");
                let (user, client) = &mut *client;
                request(Some(client.answer_for(user, PASSWORD)))
            }
        });
    }
}

/// Measures the throughput of one and two threads. `requests(thread, threads)` returns a function
/// that makes the requests of a thread.
fn in_threads<R: FnMut() -> Outgoing>(
    criterion: &mut Criterion,
    name: &str,
    auth: Authenticator,
    expected: StatusCode,
    requests: impl Fn(usize, usize) -> R + Sync,
) {
    let service = wrap(auth);
    let mut group = criterion.benchmark_group(format!("layer/threads/{name}"));
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        group.bench_function(threads.to_string(), |bencher| {
            bencher.iter_custom(|operations| {
                threads::time(threads, operations, AT_ONCE, |thread| {
                    let mut service = service.clone();
                    let work = move |request| answer(&mut service, request, expected);
                    Worker { prepare: requests(thread, threads), work }
                })
            });
        });
    }
    group.finish();
}

fn wrap(auth: Authenticator) -> ProxyAuth<Origin> {
    ProxyAuthLayer::new(auth).layer(Origin)
}

/// Sends the request and drops the answer.
fn answer(service: &mut ProxyAuth<Origin>, request: Outgoing, expected: StatusCode) {
    assert_eq!(send(service, request).status(), expected);
}
