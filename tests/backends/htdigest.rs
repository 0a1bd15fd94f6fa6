//! Users for Digest in files.
//!
//! Tests that need Apache's program run on demand:
//! `cargo test --all-features --test backends -- --ignored`.

use std::{collections::BTreeSet, path::Path, time::Duration};

use tower_proxy_auth::{
    Authenticator, ConfigError, DigestScheme, DigestSecrets, HashedA1, Realm, UserId,
    backend::{AccountLookup, htdigest::Htdigest},
    digest::{Algorithm, HashFunction},
};

use crate::support::{
    digest::{Digest, parameter},
    engine::{Proxy, now, realm},
    user_file::{UserFile, run, wait_until},
};

fn line(function: HashFunction, name: &str, password: &str) -> String {
    let secret = HashedA1::new(function, name, &realm(), password);
    format!("{name}:{}:{}\n", realm().as_str(), *secret.expose_hex())
}

/// A proxy that offers Digest with all algorithms.
fn proxy(users: &Htdigest) -> Proxy {
    let digest = DigestScheme::builder(users.clone())
        .with_algorithms(ALGORITHMS.iter().map(|&(algorithm, _)| algorithm))
        .with_userhash(true)
        .build()
        .unwrap();
    Proxy::of(Authenticator::builder(realm()).with_scheme(digest))
}

const ALGORITHMS: [(Algorithm, HashFunction); 3] = [
    (Algorithm::Sha256, HashFunction::Sha256),
    (Algorithm::Sha512_256, HashFunction::Sha512_256),
    (Algorithm::Md5, HashFunction::Md5),
];

#[test]
fn serves_each_algorithm_by_name_and_by_userhash() {
    for (algorithm, function) in ALGORITHMS {
        let file =
            UserFile::new(line(function, "alice", "wonder") + &line(function, "bob", "builder"));
        let users = Htdigest::open(&realm(), file.path(), function).unwrap();
        let proxy = proxy(&users);
        let challenge = proxy.challenge();
        assert_eq!(challenge.challenges().len(), 1, "{algorithm:?}");
        let right = Digest { algorithm: algorithm.as_str(), ..Digest::new(challenge.nonce()) };
        proxy.login(&right).passes("by name", "alice");

        let hashed = right.count(2);
        let userhash = hashed.hash("alice:proxy");
        let params = hashed.params().with("username", format!("\"{userhash}\""));
        let answer = proxy.get(params.and("userhash", "true").field());
        answer.passes("by userhash", "alice");

        for wrong in [
            Digest { password: "builder".into(), ..right.count(3) },
            Digest { user: "carol".into(), ..right.count(3) },
            Digest { realm: "other".into(), ..right.count(3) },
        ] {
            assert_eq!(proxy.login(&wrong).status, 407, "{wrong:?}");
        }
    }
}

#[test]
fn offers_the_algorithms_of_all_users() {
    let [alice, bob] =
        ["alice", "bob"].map(|name| ALGORITHMS.map(|(_, function)| line(function, name, "wonder")));
    let files = ALGORITHMS.map(|_| UserFile::none());
    for (file, text) in files.iter().zip(&alice) {
        file.write(text);
    }
    let [first, second, third] = [0, 1, 2].map(|at| (files[at].path(), ALGORITHMS[at].1));
    let users = Htdigest::builder(&realm(), first.0, first.1)
        .with_file(second.0, second.1)
        .with_file(third.0, third.1)
        .open()
        .unwrap();
    let proxy = proxy(&users);
    let offered = || {
        let challenge = proxy.challenge();
        let names = challenge
            .challenges()
            .into_iter()
            .map(|challenge| parameter(challenge, "algorithm").expect("an algorithm"));
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(offered(), "MD5 SHA-256 SHA-512-256");

    // Bob has one algorithm at first, so no other is offered.
    let nonce = proxy.nonce();
    files[0].replace(alice[0].clone() + &bob[0]);
    wait_until(|| users.user_count() == 2);
    assert_eq!(offered(), "SHA-256");
    proxy.login(&Digest::new(nonce.as_str())).passes("a nonce from before", "alice");
    let md5 = Digest { algorithm: "MD5", ..Digest::new(nonce.as_str()).count(2) };
    assert_eq!(proxy.login(&md5).status, 407);

    for at in [1, 2] {
        files[at].replace(alice[at].clone() + &bob[at]);
    }
    wait_until(|| offered() == "MD5 SHA-256 SHA-512-256");
    let bob = Digest { user: "bob".into(), ..md5 };
    let bob = Digest { nonce: proxy.nonce(), ..bob };
    proxy.login(&bob).passes("bob", "bob");
}

#[test]
fn a_change_replaces_the_password() {
    let function = HashFunction::Sha256;
    let file = UserFile::new(line(function, "alice", "wonder"));
    let users = Htdigest::open(&realm(), file.path(), function).unwrap();
    let proxy = proxy(&users);
    let nonce = proxy.nonce();
    let old = Digest::new(nonce);
    proxy.login(&old).passes("before", "alice");

    file.replace(line(function, "alice", "land") + &line(function, "bob", "builder"));
    wait_until(|| users.user_count() == 2);
    assert_eq!(proxy.login(&old.count(2)).status, 407);
    let new = Digest { password: "land".into(), ..old.count(3) };
    proxy.login(&new).passes("the same nonce", "alice");
}

#[test]
fn regression_an_unusable_line_locks_out_its_user_alone() {
    let function = HashFunction::Sha256;
    let bob = line(function, "bob", "builder");
    let file = UserFile::new(line(function, "alice", "wonder") + &bob);
    let users = Htdigest::open(&realm(), file.path(), function).unwrap();
    let proxy = proxy(&users);
    let alice = Digest::new(proxy.nonce());
    proxy.login(&alice).passes("before", "alice");
    file.replace(format!("alice:proxy:\n{bob}"));
    wait_until(|| !users.errors().is_empty());
    let expected = format!(
        "{:?}, line 1: the user \"alice\": a stored H(A1) for SHA-256 must be 64 hex digits",
        file.path()
    );
    assert_eq!(users.errors().iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    proxy.login(&alice.count(2)).is("alice", 407, "unusable-record");
    let bob = Digest { user: "bob".into(), password: "builder".into(), ..alice.count(3) };
    let bob = Digest { nonce: proxy.nonce(), ..bob };
    proxy.login(&bob).passes("bob", "bob");
}

#[test]
fn refuses_a_file_for_another_algorithm() {
    let file = UserFile::new(line(HashFunction::Md5, "alice", "wonder"));
    let users = Htdigest::open(&realm(), file.path(), HashFunction::Md5).unwrap();
    let error = DigestScheme::builder(users)
        .with_algorithms([Algorithm::Sha256])
        .build()
        .and_then(|scheme| Authenticator::builder(realm()).with_scheme(scheme).build())
        .unwrap_err();
    assert!(matches!(error, ConfigError::NoCommonAlgorithm { .. }), "{error}");
}

#[test]
fn names_file_and_realm_if_they_do_not_match() {
    let file = UserFile::new(line(HashFunction::Md5, "alice", "wonder"));
    let (path, other) = (file.path(), Realm::new("Proxy").unwrap());
    let error = Htdigest::open(&other, &path, HashFunction::Md5).unwrap_err().to_string();
    assert_eq!(error, format!("{path:?}: it has no user of the realm \"Proxy\""));

    let users = Htdigest::open(&realm(), &path, HashFunction::Md5).unwrap();
    let error = Authenticator::builder(other).with_digest(users).build().unwrap_err().to_string();
    let expected = format!(
        "the authenticator's realm is \"Proxy\", and the file {path:?} was opened for the realm \
         \"proxy\": make both the same"
    );
    assert_eq!(error, expected);
}

#[test]
fn debug_shows_no_secret() {
    let text = line(HashFunction::Md5, "alice", "wonder");
    let file = UserFile::new(format!("{text}bob:other:none\n"));
    let builder = Htdigest::builder(&realm(), file.path(), HashFunction::Md5);
    let hex = text.trim_end().rsplit_once(':').unwrap().1;
    assert!(!format!("{builder:?}").contains(hex));
    let users = builder.open().unwrap();
    let shown = format!("{users:?}");
    assert_eq!(
        shown,
        "Htdigest { realm: \"proxy\", user_count: 1, functions: HashFunctions(4), .. }"
    );
    assert_eq!(users.skipped(), 1);
}

#[track_caller]
fn htdigest(options: &[&str], file: &Path, realm: &str, name: &str, password: &str) {
    // It prompts twice.
    run("htdigest", options, file, &[realm, name], &format!("{password}\n{password}\n"));
}

#[test]
#[ignore = "needs htdigest"]
fn reads_files_of_apaches_program() {
    let file = UserFile::none();
    htdigest(&["-c"], &file.path(), "proxy", "alice", "wonder");
    htdigest(&[], &file.path(), "proxy", "j\u{e4}son doe", "p\u{e4}ss:w\u{f6}rd \u{2603}");
    htdigest(&[], &file.path(), "another", "alice", "land");
    let users = Htdigest::open(&realm(), file.path(), HashFunction::Md5).unwrap();
    assert_eq!((users.user_count(), users.skipped()), (2, 1));
    let proxy = proxy(&users);
    let alice = Digest { algorithm: "MD5", ..Digest::new(proxy.nonce()) };
    proxy.login(&alice).passes("alice", "alice");
    let jason = Digest {
        user: "j\u{e4}son doe".into(),
        password: "p\u{e4}ss:w\u{f6}rd \u{2603}".into(),
        nonce: proxy.nonce(),
        ..alice.clone()
    };
    proxy.login(&jason).passes("jason", "j\u{e4}son doe");

    htdigest(&[], &file.path(), "proxy", "alice", "land");
    htdigest(&[], &file.path(), "proxy", "bob", "builder");
    wait_until(|| users.user_count() == 3);
    assert_eq!(proxy.login(&alice.count(2)).status, 407);
    let land = Digest { password: "land".into(), ..alice.count(3) };
    proxy.login(&land).passes("changed", "alice");
}

#[test]
fn looks_up_accounts_without_a_secret() {
    let function = HashFunction::Sha256;
    let file = UserFile::new(line(function, "alice", "wonder") + "bob:proxy:!\ncarol:other:!\n");
    let users = Htdigest::builder(&realm(), file.path(), function)
        .with_max_age(Duration::ZERO)
        .open()
        .unwrap();
    let other = Realm::new("other").unwrap();
    for (name, realm, is_known) in [
        ("alice", realm(), true),
        ("alice", other.clone(), false),
        ("Alice", realm(), false),
        ("bob", realm(), false),
        ("carol", realm(), false),
        ("carol", other, false),
    ] {
        let user = UserId::new(name);
        match now(users.account(&realm, &user)).unwrap() {
            AccountLookup::Known(account) => {
                assert!(is_known, "{name} in {realm}");
                assert_eq!(*account.user(), user);
            }
            AccountLookup::Unknown => assert!(!is_known, "{name} in {realm}"),
            other => panic!("{name} in {realm}: {other:?}"),
        }
    }
    std::fs::remove_file(file.path()).unwrap();
    wait_until(|| !users.errors().is_empty() && users.errors()[0].line().is_none());
    let failed = now(users.account(&realm(), &UserId::new("alice")));
    assert!(failed.is_err(), "{failed:?}");
}
