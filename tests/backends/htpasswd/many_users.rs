//! A file of 100,000 users that changes while they log in.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tower_proxy_auth::{
    CredentialValidator,
    backend::{htpasswd::Htpasswd, password_hash::hash_password},
};

use super::{BCRYPT, asked};
use crate::support::user_file::{UserFile, wait_until};

const USERS: usize = 100_000;

/// Users with one hash, except for one user.
fn file(hash: &str, one: usize, its_hash: &str) -> String {
    (0..USERS).fold(String::new(), |mut text, number| {
        let hash = if number == one { its_hash } else { hash };
        writeln!(text, "user{number:06}:{hash}").unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_while_it_reads_100_000_users() {
    let [hash, other] = ["wonder", "land"].map(|password| hash_password(password, BCRYPT).unwrap());
    let text = UserFile::new(file(&hash, 0, &hash));
    let (users, used) = counting_allocator::count(|| Htpasswd::open(text.path()).unwrap());
    assert_eq!(users.user_count(), USERS);
    let bytes = usize::try_from(used.bytes_kept).unwrap() / USERS;
    assert!(bytes < 110, "{bytes} bytes for each user");

    let (stop, asked_for) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (users, stop) = (users.clone(), Arc::clone(&stop));
            let asked_for = Arc::clone(&asked_for);
            tokio::spawn(async move {
                let mut number = client;
                while !stop.load(Ordering::Relaxed) {
                    // Never a user who changes.
                    number = (number + 7_919) % USERS;
                    let name = format!("user{:06}", number.max(10));
                    assert_eq!(asked(&users, &name, "wonder").await, name);
                    asked_for.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    wait_until(|| asked_for.load(Ordering::Relaxed) > 10);
    for (one, its_hash, password) in [(1, &other, "land"), (2, &other, "land"), (3, &other, "land")]
    {
        let name = format!("user{one:06}");
        let before = users.version();
        text.replace(file(&hash, one, its_hash));
        let took = wait_until(|| users.version() != before);
        println!("read after {took:?}");
        assert_eq!(asked(&users, &name, password).await, name);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(users.errors(), []);
    println!("{} requests passed in the meantime", asked_for.load(Ordering::Relaxed));
}
