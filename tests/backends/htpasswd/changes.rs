//! Files that change while they are watched.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use tower_proxy_auth::{
    CredentialValidator,
    backend::{htpasswd::Htpasswd, watched_file::FileEvent},
};

use super::{BCRYPT, asked, line};
use crate::support::user_file::{UserFile, wait_until};

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

#[tokio::test]
async fn reports_a_bad_line_and_keeps_the_last_content() {
    let good = line("alice", "wonder", BCRYPT);
    let file = UserFile::new(&good);
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let told = Arc::clone(&told);
        move |event: FileEvent<'_>| {
            told.lock().unwrap().push(match event {
                FileEvent::Failed(error) => format!("line {:?}", error.line()),
                other => format!("{other:?}"),
            });
        }
    };
    let users = Htpasswd::builder(file.path()).on_change(observer).open().unwrap();

    file.replace(format!("{good}bob:$2y$05$cut\n"));
    wait_until(|| users.last_error().is_some());
    let error = users.last_error().unwrap();
    assert_eq!((error.path(), error.line()), (&*file.path(), Some(2)));
    assert!(error.to_string().contains("\"bob\""), "{error}");
    assert_eq!(asked(&users, "alice", "wonder").await, "alice");
    assert_eq!(users.user_count(), 1);

    file.replace(good + &line("bob", "builder", BCRYPT));
    wait_until(|| users.user_count() == 2);
    wait_until(|| told.lock().unwrap().len() == 2);
    assert_eq!(users.last_error(), None);
    assert_eq!(*told.lock().unwrap(), ["line Some(2)", "Reloaded"]);

    fs::remove_file(file.path()).unwrap();
    wait_until(|| users.last_error().is_some());
    assert_eq!(asked(&users, "bob", "builder").await, "bob");
}
