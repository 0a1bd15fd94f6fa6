//! Many requests, threads and users.

use std::{collections::HashSet, sync::Barrier, thread};

use http::{HeaderMap, Method, Uri};
use tower_proxy_auth::{
    Authenticator, DigestScheme, RequestHead,
    authenticator::{Authentication, Decision, ProxyAuthorization},
    nonce_store::MemoryNonceStore,
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, realm, users},
};

#[test]
fn accepts_one_of_64_identical_headers_at_once() {
    let proxy = Proxy::new();
    for round in 0..20 {
        let (digest, start) = (proxy.fresh(), Barrier::new(64));
        let run = || {
            start.wait();
            proxy.login(&digest).status
        };
        let statuses: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let passed = statuses.iter().filter(|&&status| status == 200).count();
        assert_eq!(passed, 1, "round {round}: {statuses:?}");
    }
}

#[test]
fn issues_a_million_nonces_without_keeping_any() {
    let store = MemoryNonceStore::new();
    let digest = DigestScheme::builder(users()).with_nonce_store(store.clone()).build().unwrap();
    let auth = Authenticator::builder(realm()).with_scheme(digest).build().unwrap();
    let (target, headers, extensions) =
        (Uri::from_static("http://example.org/"), HeaderMap::new(), http::Extensions::new());
    let head = RequestHead::new(&Method::GET, &target, &headers, &extensions);
    let mut nonces = HashSet::new();
    for _ in 0..1_000_000 {
        let answer = auth.authenticate(&head, ProxyAuthorization::Absent);
        let Authentication::Ready(Decision::Refuse(_, headers)) = answer else {
            panic!("not refused");
        };
        let challenge = headers["proxy-authenticate"].to_str().unwrap();
        let (_, nonce) = challenge.split_once("nonce=\"").unwrap();
        let nonce: [u8; 64] = nonce.as_bytes()[..64].try_into().unwrap();
        assert!(nonces.insert(nonce), "{nonce:?} came twice");
    }
    assert!(store.is_empty());
}

#[test]
fn accepts_70_000_requests_on_one_nonce_once_each() {
    let store = MemoryNonceStore::new();
    let digest = DigestScheme::builder(users()).with_nonce_store(store.clone()).build().unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_scheme(digest));
    let digest = proxy.fresh();
    for count in 1..=70_000 {
        proxy.login(&digest.count(count)).passes("in order", "alice");
        if count % 1_000 == 0 {
            proxy.login(&digest.count(count)).is("again", 407, "nonce-replayed");
            proxy.login(&digest.count(1)).is("the first", 407, "nonce-replayed");
        }
    }
    assert_eq!(store.len(), 1);
}

#[test]
fn keeps_interleaved_users_apart() {
    let proxy = Proxy::new();
    let users = [("alice", "wonder"), ("bob", "builder")];
    thread::scope(|scope| {
        for (user, password) in [users, users].concat() {
            let proxy = &proxy;
            scope.spawn(move || {
                let (name, password) = (user.to_owned(), password.to_owned());
                let digest = Digest { user: name, password, ..proxy.fresh() };
                for count in 1..=2_000 {
                    let answer = proxy.login(&digest.count(count));
                    answer.passes("Digest", user);
                    assert_eq!(answer.identity().unwrap().scheme(), "Digest");
                    assert_eq!(answer.info("rspauth"), Some(digest.count(count).rspauth()));
                }
            });
        }
    });
}
