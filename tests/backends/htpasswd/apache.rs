//! Files of Apache's program, which also changes them while they are watched.

use std::fs;

use tower_proxy_auth::{
    CredentialValidator,
    backend::{
        htpasswd::Htpasswd,
        password_hash::{HashKind, HashPolicy},
    },
};

use super::asked;
use crate::support::user_file::{UserFile, run, wait_until};

const PASSWORDS: [&str; 3] = ["wonder", "p\u{e4}ssw\u{f6}rd \u{2603}", "with:colons::"];

#[track_caller]
fn htpasswd(file: &UserFile, options: &[&str], name: &str, password: &str) {
    let options = [options, &["-i"]].concat();
    run("htpasswd", &options, &file.path(), &[name], password);
}

fn everything() -> HashPolicy {
    let policy = HashPolicy::new().allow_kind(HashKind::Apr1).allow_kind(HashKind::Sha1);
    policy.allow_kind(HashKind::PlainText)
}

#[tokio::test]
#[ignore = "needs htpasswd"]
async fn reads_every_kind_of_the_program() {
    let kinds: [&[&str]; 6] =
        [&["-B"], &["-B", "-C", "4"], &["-m"], &["-s"], &["-2"], &["-5", "-r", "1000"]];
    let file = UserFile::none();
    let mut users = Vec::new();
    for (number, options) in kinds.iter().enumerate() {
        for (at, password) in PASSWORDS.iter().enumerate() {
            let create: &[&str] = if users.is_empty() { &["-c"] } else { &[] };
            let name = format!("j\u{f6}hn {number} {at}");
            htpasswd(&file, &[create, options].concat(), &name, password);
            users.push((name, *password));
        }
    }
    let opened = Htpasswd::builder(file.path()).with_hash_policy(everything()).open().unwrap();
    assert_eq!(opened.user_count(), users.len());
    for (name, password) in &users {
        assert_eq!(asked(&opened, name, password).await, *name);
        assert_eq!(asked(&opened, name, "wrong").await, "Ok(WrongPassword)");
    }
}

#[tokio::test]
#[ignore = "needs htpasswd"]
async fn refuses_weak_kinds_of_the_program() {
    for (option, what) in [
        ("-m", "of the weak kind apr1: make a new one, or accept it with allow_kind"),
        ("-s", "of the weak kind sha: make a new one, or accept it with allow_kind"),
        ("-p", "of the weak kind plain: make a new one, or accept it with allow_kind"),
        ("-d", "DES crypt, which is never accepted: make a new one"),
    ] {
        let file = UserFile::none();
        htpasswd(&file, &["-c", option], "alice", "wonder");
        let error = Htpasswd::open(file.path()).unwrap().errors()[0].to_string();
        let path = file.path();
        assert_eq!(error, format!("{path:?}, line 1: the user \"alice\": the hash is {what}"));
    }
    let file = UserFile::none();
    htpasswd(&file, &["-c", "-d"], "alice", "wonder");
    let users = Htpasswd::builder(file.path()).with_hash_policy(everything()).open().unwrap();
    assert_eq!(users.errors().len(), 1);
}

#[tokio::test]
#[ignore = "needs htpasswd"]
async fn reloads_files_changed_by_the_program() {
    let file = UserFile::none();
    htpasswd(&file, &["-c", "-B", "-C", "4"], "alice", "wonder");
    let users = Htpasswd::open(file.path()).unwrap();

    htpasswd(&file, &["-B", "-C", "4"], "bob", "builder");
    wait_until(|| users.user_count() == 2);
    assert_eq!(asked(&users, "bob", "builder").await, "bob");

    let before = users.version();
    htpasswd(&file, &["-B", "-C", "4"], "alice", "land");
    wait_until(|| users.version() != before);
    assert_eq!(asked(&users, "alice", "wonder").await, "Ok(WrongPassword)");
    assert_eq!(asked(&users, "alice", "land").await, "alice");

    run("htpasswd", &["-D"], &file.path(), &["bob"], "");
    wait_until(|| users.user_count() == 1);
    assert_eq!(asked(&users, "bob", "builder").await, "Ok(UnknownUser)");
    assert_eq!(users.errors(), [], "{}", fs::read_to_string(file.path()).unwrap());

    run("htpasswd", &["-D"], &file.path(), &["alice"], "");
    wait_until(|| users.user_count() == 0);
    assert_eq!(asked(&users, "alice", "land").await, "Ok(UnknownUser)");
}
