//! The access of users ends when a database changes, through the example.

use std::time::{Duration, Instant};

use tower_proxy_auth::backend::password_hash::hash_password;

use super::OfServer;
use crate::support::{
    proxy::Proxy,
    sql::{METHOD, fill},
    streams::{PausingOrigin, Streams},
    user_file::wait_until,
};

/// The interval of re-checks and two seconds.
const LIMIT: Duration = Duration::from_secs(3);

/// Users whose record changes, and the change.
fn changes(no: &str) -> [(&'static str, String); 5] {
    let hash = hash_password("wonder", METHOD).unwrap();
    let set = |name, set: &str| (name, format!("UPDATE users SET {set} WHERE name = '{name}'"));
    [
        ("alice", "DELETE FROM users WHERE name = 'alice'".to_owned()),
        set("carol", &format!("enabled = {no}")),
        set("dora", "expires = 1"),
        set("emil", "role = 'guests'"),
        set("fred", &format!("password_hash = '{hash}'")),
    ]
}

pub(super) async fn ends_with_the_record<D: OfServer>() {
    let mut server = D::started().await;
    let database = D::first(server.port);
    let is_mysql = D::SCHEMA.contains("utf8mb4");
    let changes = changes(if D::SCHEMA.contains("BOOLEAN") { "FALSE" } else { "0" });
    let mut users: Vec<_> = changes.iter().map(|(name, _)| (*name, "wonder")).collect();
    users.push(("bob", "builder"));
    fill(&database, &users).await;
    database.execute("ALTER TABLE users ADD role VARCHAR(64)").await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT name, password_hash, enabled, expires, role AS {} FROM users WHERE name = {name}",
        if is_mysql { "`groups`" } else { "groups" }
    );
    let url = database.url();
    let options = ["--database", &url, "--database-query", &query, "--recheck", "1"];
    let (proxy, origin) = (Proxy::start(&options), PausingOrigin::start());
    let open =
        |user: &str, password: &str| Streams::open(&proxy, &origin, &format!("{user}:{password}"));
    let (bob, others) =
        (open("bob", "builder"), changes.each_ref().map(|(name, _)| open(name, "wonder")));
    wait_until(|| proxy.stderr().matches("re-checked checked=6").count() >= 2);
    assert!(!proxy.stderr().contains("access ended"), "nothing has changed");
    let start = Instant::now();
    for (_, change) in &changes {
        database.execute(change).await;
    }
    for streams in others {
        streams.end();
    }
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());

    server.kill();
    wait_until(|| proxy.stderr().matches("--recheck: 1 users were not looked up").count() >= 2);
    origin.resume();
    bob.finish();
    let log = proxy.stderr();
    for (name, _) in &changes {
        let is_named = |line: &str| line.contains("access ended") && line.contains(name);
        assert_eq!(log.lines().filter(|line| is_named(line)).count(), 1, "{name}");
    }
}
