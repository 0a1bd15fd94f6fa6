//! PostgreSQL behind pgbouncer with its default settings.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tower_proxy_auth::{
    backend::sql::{Sql, SqlBuilder, SqlRow, SqlRowError},
    digest::HashFunction,
};

use super::{
    OfServer, PASSWORD, Server, fails_permanently, postgres::Postgres, program, wait_until,
};
use crate::support::{
    layer::{RIGHT, WRONG},
    sql::{
        Database, accepted, ask, basic, digest, digest_status, fill, said, status, unknown,
        unusable, update,
    },
    validator_battery::realm,
};

/// The folder in which Debian installs pgbouncer.
const FOLDERS: &[&str] = &["/usr/sbin"];

/// A pooler in front of a database.
struct Pgbouncer {
    server: Server,
    database: Postgres,
}

impl Pgbouncer {
    async fn before(database: Postgres, pool_mode: &str) -> Self {
        let mut server = Server::new("postgres", "TERM");
        let [users, settings] = ["users", "settings"].map(|name| server.folder().join(name));
        fs::write(&users, format!("\"proxy\" \"{PASSWORD}\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {}\nunix_socket_dir =\nauth_file = {}\npool_mode = {pool_mode}\n",
            database.port(),
            server.port,
            users.display(),
        );
        fs::write(&settings, text).unwrap();
        let owner = fs::metadata(server.folder()).unwrap();
        for file in [&users, &settings] {
            chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        server.start(&program("pgbouncer", FOLDERS), &[settings.to_str().unwrap()]);
        let pooler = Self { server, database };
        let options = pooler.url().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
        let options = options.extra_float_digits(None);
        wait_until(async || PgConnection::connect_with(&options).await?.close().await).await;
        pooler
    }

    fn url(&self) -> String {
        self.database.url_at(self.server.port)
    }

    fn builder(&self) -> SqlBuilder {
        Sql::builder(self.url())
    }
}

/// The default query, with the number of named statements on the same connection of the server.
const COUNTING: &str = "SELECT name, password_hash, ha1_sha256, ha1_md5, enabled, expires, \
     (SELECT count(*) FROM pg_prepared_statements) AS statements FROM users WHERE name = $1";

async fn serves_a_thousand_requests(pool_mode: &str) {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let pooler = Pgbouncer::before(database, pool_mode).await;
    let default = pooler.builder().build().unwrap();
    default.check(&realm()).await.unwrap();
    let statements = Arc::new(AtomicI64::new(0));
    let counted = Arc::clone(&statements);
    let count = move |row: &SqlRow| {
        counted.fetch_max(row.integer("statements")?.unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok::<_, SqlRowError>(())
    };
    let sql = pooler.builder().with_query(COUNTING).with_digest([HashFunction::Md5]);
    let sql = sql.with_record(count).build().unwrap();
    sql.check(&realm()).await.unwrap();

    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (sql, default) = (sql.clone(), default.clone());
        clients.spawn(async move {
            for _ in 0..25 {
                assert_eq!(status(&basic(&sql), RIGHT).await.0, 200);
                assert_eq!(status(&basic(&sql), WRONG).await.0, 407);
                assert_eq!(digest_status(&digest(&sql)).await, 200);
                assert_eq!(status(&basic(&default), RIGHT).await.0, 200);
                unknown(ask(&default, "carol", "wonder").await, "carol");
            }
        });
    }
    clients.join_all().await;
    assert_eq!(statements.load(Ordering::Relaxed), 0, "named statements");

    update(&pooler.database, "enabled = FALSE").await;
    assert_eq!(status(&basic(&sql), RIGHT).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "needs pgbouncer, postgres"]
async fn regression_pooled_sessions_serve_a_thousand_requests() {
    serves_a_thousand_requests("session").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "needs pgbouncer, postgres"]
async fn regression_pooled_transactions_serve_a_thousand_requests() {
    serves_a_thousand_requests("transaction").await;
}

#[tokio::test]
#[ignore = "needs pgbouncer, postgres"]
async fn reads_types_that_operators_define() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    for sql in [
        "CREATE EXTENSION citext",
        "CREATE DOMAIN login AS TEXT CHECK (VALUE <> '')",
        "CREATE TYPE shift AS ENUM ('day', 'night')",
        "CREATE TABLE staff (login login, folded citext, hash login, shift shift, shifts shift[])",
        "INSERT INTO staff SELECT name, name, password_hash, 'night', ARRAY['day']::shift[] \
         FROM users",
    ] {
        database.execute(sql).await;
    }
    let pooler = Pgbouncer::before(database, "transaction").await;
    let staff = |columns: &str, condition: &str| {
        let query = format!("SELECT {columns}, hash AS password_hash FROM staff WHERE {condition}");
        pooler.builder().with_query(query).build().unwrap()
    };
    for (columns, condition) in [
        ("login AS name, shift AS groups", "login = $1"),
        ("folded AS name, shift AS groups", "folded = $1"),
        ("folded AS name, shift AS groups", "folded = $1::citext"),
        ("login AS name, shifts::text[] AS groups", "login = $1"),
    ] {
        let sql = staff(columns, condition);
        sql.check(&realm()).await.unwrap();
        for _ in 0..3 {
            let account = accepted(ask(&sql, "alice", "wonder").await);
            assert_eq!(account.groups().count(), 1, "{columns}, {condition}");
            unknown(ask(&sql, "ALICE", "wonder").await, condition);
        }
    }
    let sql = staff("login AS name, shifts AS groups", "login = $1");
    let cause = "the column groups is shift[], not a text: convert it in the query";
    assert_eq!(unusable(ask(&sql, "alice", "wonder").await), cause);
    let sql = staff("shift AS name", "shift = $1");
    let problem = "the database reported: operator does not exist: shift = text (42883)";
    assert_eq!(said(sql.check(&realm()).await), problem);
}

#[tokio::test]
#[ignore = "needs pgbouncer, postgres"]
async fn names_a_startup_parameter_that_is_not_supported() {
    let pooler = Pgbouncer::before(Postgres::new().await, "transaction").await;
    let url = format!("{}?options[search_path]=proxy", pooler.url());
    let sql = Sql::builder(url).build().unwrap();
    fails_permanently(sql.check(&realm()).await, "unsupported startup parameter: options");
}
