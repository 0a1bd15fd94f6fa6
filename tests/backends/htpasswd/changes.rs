//! Files that change while they are watched.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use tower_proxy_auth::{
    CredentialValidator, UserId,
    backend::{AccountLookup, htpasswd::Htpasswd, watched_file::FileEvent},
    revocation::{RevocationHandle, Revocations},
};

use super::{BCRYPT, asked, line};
use crate::support::{
    user_file::{UserFile, wait_until},
    validator_battery::realm,
};

#[tokio::test]
async fn a_change_replaces_the_password() {
    let file = UserFile::new(line("alice", "wonder", BCRYPT) + &line("bob", "builder", BCRYPT));
    let users = Htpasswd::open(file.path()).unwrap();
    let clone = users.clone();
    assert_eq!(asked(&users, "alice", "wonder").await, "alice");
    assert_eq!(asked(&users, "alice", "land").await, "Ok(WrongPassword)");

    let before = users.version();
    let text = fs::read_to_string(file.path()).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    file.replace(line("alice", "land", BCRYPT) + rest);
    wait_until(|| users.version() != before);
    for users in [users, clone] {
        assert_eq!(asked(&users, "alice", "wonder").await, "Ok(WrongPassword)");
        assert_eq!(asked(&users, "alice", "land").await, "alice");
        assert_eq!(asked(&users, "bob", "builder").await, "bob");
    }
}

/// Opens a file, and logs its events.
fn opened(file: &UserFile) -> (Htpasswd, Arc<Mutex<Vec<String>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let observer = move |event: FileEvent<'_>| {
        log.lock().unwrap().push(match event {
            FileEvent::Unusable(error) => format!("line {:?}", error.line()),
            FileEvent::Failed(_) => "failed".to_owned(),
            other => format!("{other:?}"),
        });
    };
    (Htpasswd::builder(file.path()).on_change(observer).open().unwrap(), events)
}

#[tokio::test]
async fn regression_a_line_that_becomes_unusable_locks_out_its_user_alone() {
    let (alice, bob) = (line("alice", "wonder", BCRYPT), line("bob", "builder", BCRYPT));
    let (name, hash) = alice.split_once(':').unwrap();
    let new_bob = line("bob", "new", BCRYPT);
    for unusable in [
        format!("{name}:!{hash}"),
        format!("{name}:*\n"),
        format!("{name}:\n"),
        format!("{name}:{}\n", &hash[..40]),
        format!("{alice}{alice}"),
    ] {
        let file = UserFile::new(format!("{alice}{bob}"));
        let (users, events) = opened(&file);
        let revocations = Revocations::new();
        users.attach(&revocations);
        let handles = ["alice", "bob"].map(|name| {
            let start = revocations.start_check();
            revocations.handle(&realm(), &UserId::new(name), start).unwrap()
        });
        file.replace(format!("{unusable}{new_bob}"));
        wait_until(|| handles.iter().all(RevocationHandle::is_revoked));
        let verdict = asked(&users, "alice", "wonder").await;
        assert!(verdict.starts_with("Ok(Unusable("), "{unusable} {verdict}");
        assert_eq!(asked(&users, "bob", "new").await, "bob", "{unusable}");
        assert_eq!(asked(&users, "bob", "builder").await, "Ok(WrongPassword)", "{unusable}");
        wait_until(|| events.lock().unwrap().len() == 2);
        let number = unusable.lines().count();
        assert_eq!(
            *events.lock().unwrap(),
            ["Reloaded".to_owned(), format!("line Some({number})")]
        );
        let [error] = &users.errors()[..] else { panic!("{:?}", users.errors()) };
        assert_eq!((error.path(), error.line()), (&*file.path(), Some(number)));
    }
}

#[tokio::test]
async fn regression_an_empty_file_admits_nobody() {
    let file = UserFile::new(line("alice", "wonder", BCRYPT));
    let (users, events) = opened(&file);
    file.write("");
    wait_until(|| users.user_count() == 0);
    assert_eq!(asked(&users, "alice", "wonder").await, "Ok(UnknownUser)");
    wait_until(|| events.lock().unwrap().len() == 2);
    assert_eq!(*events.lock().unwrap(), ["Reloaded", "line None"]);
}

#[tokio::test]
async fn regression_a_file_that_is_gone_is_in_force_for_a_while() {
    let file = UserFile::new(line("alice", "wonder", BCRYPT));
    let (users, events) = opened(&file);
    let at_once = Htpasswd::builder(file.path()).with_max_age(Duration::ZERO).open().unwrap();
    fs::remove_file(file.path()).unwrap();
    wait_until(|| !users.errors().is_empty() && !at_once.errors().is_empty());
    assert_eq!(asked(&users, "alice", "wonder").await, "alice");
    assert_eq!(*events.lock().unwrap(), ["failed"]);
    let failed = asked(&at_once, "alice", "wonder").await;
    assert!(failed.starts_with("Err(BackendError"), "{failed}");
    let (realm, user) = (realm(), UserId::new("alice"));
    assert!(matches!(users.account(&realm, &user).await, Ok(AccountLookup::Known(_))));
    let failed = at_once.account(&realm, &user).await;
    assert!(failed.is_err(), "{failed:?}");

    file.write(line("alice", "land", BCRYPT));
    wait_until(|| users.errors().is_empty() && at_once.errors().is_empty());
    assert_eq!(asked(&at_once, "alice", "land").await, "alice");
}

#[tokio::test]
async fn looks_up_accounts_without_a_password() {
    let file = UserFile::new(line("alice", "wonder", BCRYPT) + "bob:!\ncarol:\n");
    let users = Htpasswd::open(file.path()).unwrap();
    let realm = realm();
    for (name, is_known) in
        [("alice", true), ("Alice", false), ("bob", false), ("carol", false), ("dora", false)]
    {
        let user = UserId::new(name);
        match users.account(&realm, &user).await.unwrap() {
            AccountLookup::Known(account) => {
                assert!(is_known, "{name}");
                assert_eq!(*account.user(), user);
            }
            AccountLookup::Unknown => assert!(!is_known, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
