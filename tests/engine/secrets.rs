//! The results of a source of secrets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tower_proxy_auth::{
    Account, Authenticator, BackendError, DigestAccount, DigestScheme, DigestSecrets, DigestUser,
    HashedA1, Realm, SecretLookup, Users,
    backend::{AccountStatus, DigestName, SecretsChain, UnusableRecord, ValidatorChain},
    digest::HashFunction,
};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Proxy, Secrets, basic, now, realm, users},
};

fn over(secrets: impl DigestSecrets) -> Proxy {
    let digest = DigestScheme::builder(secrets).with_userhash(true).build().unwrap();
    Proxy::of(Authenticator::builder(realm()).with_scheme(digest))
}

#[test]
fn refuses_an_unusable_secret() {
    for stored in ["", " ", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(32)] {
        let hex = stored.to_owned();
        let proxy = over(Secrets(move |user: DigestUser<'_>| {
            Ok(match HashedA1::from_hex(user.function(), &hex) {
                Ok(ha1) => SecretLookup::Found(DigestAccount::new(Account::new("alice"), ha1)),
                Err(error) => SecretLookup::Unusable(UnusableRecord::new(error)),
            })
        }));
        let digest = proxy.fresh();
        proxy.login(&digest).is(stored, 407, "unusable-record");
        for ha1 in [stored, "", &digest.hash(""), &digest.hash("::")] {
            let response = quoted(&digest.digest(ha1, "GET"));
            let forged = digest.params().with("response", response);
            proxy.get(forged.field()).is(stored, 407, "unusable-record");
        }
    }
}

#[test]
fn fails_on_a_secret_for_another_hash_function() {
    let proxy = over(Secrets(|_: DigestUser<'_>| {
        let ha1 = HashedA1::new(HashFunction::Md5, "alice", &realm(), "wonder");
        Ok(SecretLookup::Found(DigestAccount::new(Account::new("alice"), ha1)))
    }));
    proxy.login(&proxy.fresh()).is("MD5 for SHA-256", 503, "backend-failed");
    let md5 = Digest { algorithm: "MD5", ..proxy.fresh() };
    proxy.login(&md5).passes("MD5 for MD5", "alice");
}

#[test]
fn answers_503_when_the_source_fails() {
    let proxy = over(Secrets(|_: DigestUser<'_>| Err(BackendError::new("no connection"))));
    proxy.login(&proxy.fresh()).is("down", 503, "backend-failed");
}

#[test]
fn refuses_an_unknown_user_whatever_the_response() {
    let proxy = Proxy::new();
    for algorithm in ["SHA-256", "MD5"] {
        let digest = Digest { user: "carol".into(), algorithm, ..proxy.fresh() };
        proxy.login(&digest).is("carol", 407, "unknown-user");
        let dummies = [
            String::new(),
            "0".repeat(digest.hash("").len()),
            digest.hash(""),
            digest.hash("::"),
            digest.hash("carol:proxy:"),
            digest.hash(":proxy:"),
            digest.hash("alice:proxy:wonder"),
        ];
        for ha1 in dummies {
            let response = quoted(&digest.digest(&ha1, "GET"));
            let forged = digest.params().with("response", response);
            proxy.get(forged.field()).is("carol", 407, "unknown-user");
        }
    }
    for password in ["wonder", "x", " "] {
        proxy.get(basic(format!("carol:{password}"))).is("carol", 407, "unknown-user");
    }
}

#[test]
fn refuses_users_of_another_realm() {
    let users = Users::new(&Realm::new("other").unwrap()).with_user("alice", "wonder").unwrap();
    let ours = Users::new(&realm());
    let digest = SecretsChain::new().with(ours.clone()).with(users.clone());
    let validator = ValidatorChain::new().with(ours).with(users);
    let proxy =
        Proxy::of(Authenticator::builder(realm()).with_digest(digest).with_basic(validator));
    proxy.login(&proxy.fresh()).is("Digest", 407, "unknown-user");
    proxy.get(basic("alice:wonder")).is("Basic", 407, "unknown-user");
    let other = Digest { realm: "other".into(), ..proxy.fresh() };
    proxy.login(&other).is("their own realm", 407, "other-realm");
}

#[test]
fn forbids_a_disabled_account_if_the_digest_is_right() {
    for (standing, reason) in
        [(AccountStatus::Disabled, "account-disabled"), (AccountStatus::Expired, "account-expired")]
    {
        let proxy = over(Secrets(move |user: DigestUser<'_>| {
            let ha1 = HashedA1::new(user.function(), "alice", &realm(), "wonder");
            let account = DigestAccount::new(Account::new("alice"), ha1);
            Ok(SecretLookup::Found(account.with_status(standing)))
        }));
        let digest = proxy.fresh();
        proxy.login(&digest).is("right", 403, reason);
        let wrong = Digest { password: "other".into(), ..digest };
        proxy.login(&wrong).is("wrong", 407, "wrong-password");
    }
}

#[test]
fn regression_a_later_reading_does_not_replace_the_verdict() {
    // `a%41` can also be read as `aA`, which is another user.
    let proxy = |first: fn(HashFunction) -> SecretLookup| {
        over(Secrets(move |user: DigestUser<'_>| {
            Ok(match user.name() {
                DigestName::UserId("a%41") => first(user.function()),
                DigestName::UserId("aA") => found(user.function(), "aA", "other"),
                _ => SecretLookup::Unknown,
            })
        }))
    };
    fn found(function: HashFunction, name: &str, password: &str) -> SecretLookup {
        let ha1 = HashedA1::new(function, name, &realm(), password);
        SecretLookup::Found(DigestAccount::new(Account::new(name), ha1))
    }
    fn with_status(function: HashFunction, status: AccountStatus) -> SecretLookup {
        let ha1 = HashedA1::new(function, "a%41", &realm(), "wonder");
        let account = DigestAccount::new(Account::new("a%41"), ha1).with_status(status);
        SecretLookup::Found(account)
    }
    type First = fn(HashFunction) -> SecretLookup;
    let table: [(First, u16, &str); 5] = [
        (|function| with_status(function, AccountStatus::Disabled), 403, "account-disabled"),
        (|function| with_status(function, AccountStatus::Expired), 403, "account-expired"),
        (|_| found(HashFunction::Md5, "a%41", "wonder"), 503, "backend-failed"),
        (|_| SecretLookup::Unusable(UnusableRecord::new("a lock mark")), 407, "unusable-record"),
        (|function| found(function, "a%41", "another"), 407, "wrong-password"),
    ];
    for (first, status, reason) in table {
        let proxy = proxy(first);
        let digest = Digest { user: "a%41".into(), ..proxy.fresh() };
        proxy.login(&digest).is(reason, status, reason);
    }
    let proxy = proxy(|_| SecretLookup::Unusable(UnusableRecord::new("a lock mark")));
    let digest = Digest { user: "aA".into(), password: "other".into(), ..proxy.fresh() };
    let sent = digest.params().with("username", "\"a%41\"");
    proxy.get(sent.field()).passes("an unusable record refuses nobody else", "aA");
}

#[test]
fn uses_the_stored_name_instead_of_the_sent_one() {
    let proxy = over(Secrets(|user: DigestUser<'_>| {
        let DigestName::UserId(name) = user.name() else {
            return Ok(SecretLookup::Unknown);
        };
        let ha1 = HashedA1::new(user.function(), name, &realm(), "wonder");
        let account = Account::new(name.to_lowercase());
        Ok(SecretLookup::Found(DigestAccount::new(account, ha1)))
    }));
    let digest = Digest { user: "ALICE".into(), ..proxy.fresh() };
    proxy.login(&digest).passes("the canonical name", "alice");
    // A nonce belongs to the account, whatever the spelling of its name.
    proxy.login(&Digest { user: "Alice".into(), ..digest.count(2) }).passes("same", "alice");
}

#[test]
fn looks_up_a_hashed_name_without_a_scan() {
    let crowd = |size: usize| {
        let users = users();
        for number in 0..size {
            users.set(&format!("user{number}"), "x").unwrap();
        }
        users
    };
    let hashed = |proxy: &Proxy| {
        let digest = proxy.fresh();
        let hash = quoted(&digest.hash("alice:proxy"));
        digest.params().with("username", hash).and("userhash", "true").field()
    };
    let fastest = |users: Users| {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let proxy = over(Secrets(move |user: DigestUser<'_>| {
            assert!(matches!(user.name(), DigestName::Userhash(_)));
            counter.fetch_add(1, Ordering::SeqCst);
            now(users.secret(user))
        }));
        let once = || {
            let field = hashed(&proxy);
            let started = Instant::now();
            proxy.get(field).passes("by its hash", "alice");
            started.elapsed()
        };
        let fastest: Duration = (0..100).map(|_| once()).min().unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 100);
        fastest
    };
    let (few, many) = (fastest(crowd(0)), fastest(crowd(100_000)));
    assert!(many < 4 * few, "{few:?} among few, {many:?} among many");
}

#[test]
fn binds_a_hashed_name_to_realm_and_function() {
    let proxy = over(users());
    let digest = proxy.fresh();
    let md5 = Digest { algorithm: "MD5", ..digest.clone() };
    let table = [
        ("another realm", digest.hash("alice:other"), "unknown-user"),
        ("another user", digest.hash("carol:proxy"), "unknown-user"),
        ("bob's", digest.hash("bob:proxy"), "wrong-password"),
    ];
    for (name, hash, reason) in table {
        let sent = digest.params().with("username", quoted(&hash)).and("userhash", "true");
        proxy.get(sent.field()).is(name, 407, reason);
    }
    let other = digest.params().with("username", quoted(&md5.hash("alice:proxy")));
    let other = other.and("userhash", "true");
    proxy.get(other.field()).is("another function", 400, "improper-parameter");
    let as_name = digest.params().with("username", quoted(&digest.hash("alice:proxy")));
    proxy.get(as_name.field()).is("sent as a name", 407, "unknown-user");
    let upper = quoted(&digest.hash("alice:proxy").to_uppercase());
    let upper = digest.params().with("username", upper).and("userhash", "TRUE");
    proxy.get(upper.field()).passes("upper-case hex", "alice");
}
