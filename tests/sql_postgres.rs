//! Users in PostgreSQL.
#![cfg(feature = "sql-postgres")]

#[path = "support/layer.rs"]
mod layer;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/sql_server.rs"]
mod sql_server;
#[path = "support/validator_battery.rs"]
mod validator_battery;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use sql::{Database, accepted, ask, cases, fill, said};
use sql_server::{Gate, Load, Server, mute, program, until};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::{sync::OnceCell, time};
use tower_proxy_auth::validator::sql::{Sql, postgres};
use validator_battery::{BackEnd, battery};

/// Below `/usr/lib` in Debian.
const FOLDERS: &[&str] = &["/usr/lib/postgresql/*/bin"];

/// It holds what the battery looks for in messages.
const PASSWORD: &str = "wonder-of-the-server";

fn start(server: &mut Server) {
    let data = server.folder().join("data");
    let port = server.port.to_string();
    let arguments = ["-D", data.to_str().unwrap(), "-p", &port, "-h", "127.0.0.1", "-F", "-c"];
    let arguments = [&arguments[..], &["unix_socket_directories="]].concat();
    server.start(&program("postgres", FOLDERS), &arguments);
}

/// A server that answers.
async fn server() -> Server {
    // Asked to quit, it ends at once and without order.
    let mut server = Server::new("postgres", "QUIT");
    let [data, password] = ["data", "password"].map(|name| server.folder().join(name));
    fs::write(&password, PASSWORD).unwrap();
    let arguments = [
        "-D",
        data.to_str().unwrap(),
        "--auth=scram-sha-256",
        "--username=proxy",
        "--pwfile",
        password.to_str().unwrap(),
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ];
    server.run(&program("initdb", FOLDERS), &arguments);
    start(&mut server);
    ready(&server).await;
    // Other databases are copies of this one.
    let folding = "CREATE COLLATION folding \
                   (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
    let mut connection = PgConnection::connect(&url(server.port, "template1")).await.unwrap();
    connection.execute(folding).await.unwrap();
    connection.close().await.unwrap();
    server
}

async fn ready(server: &Server) {
    let url = url(server.port, "postgres");
    until(async || PgConnection::connect(&url).await?.close().await).await;
}

fn url(port: u16, name: &str) -> String {
    format!("postgres://proxy:{PASSWORD}@127.0.0.1:{port}/{name}")
}

/// A database of a server that all tests share.
struct Postgres {
    port: u16,
    name: String,
}

impl Postgres {
    async fn new() -> Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let port = SERVER.get_or_init(server).await.port;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let all = Self { port, name: "postgres".to_owned() };
        all.execute(&format!("CREATE DATABASE {name}")).await;
        Self { port, name }
    }

    fn own(server: &Server) -> Self {
        Self { port: server.port, name: "postgres".to_owned() }
    }
}

impl Database for Postgres {
    const PARAMETERS: [&str; 2] = ["$1", "$2"];
    const SCHEMA: &str = postgres::DEFAULT_SCHEMA;
    const FOLDING: (&str, &[&str]) =
        ("TEXT COLLATE folding", &["Alice", "ALICE", "alic\u{e9}", "\u{ff41}lice"]);
    const SLOW: Option<&str> = Some("pg_sleep(30) IS NOT NULL");

    fn url(&self) -> String {
        url(self.port, &self.name)
    }

    async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl BackEnd for Postgres {
    type Validator = Sql;

    const LONGEST_PASSWORD: usize = 72;

    async fn holding(&self, users: &[(&str, &str)]) -> Sql {
        fill(self, users).await;
        self.builder().build().unwrap()
    }

    async fn hanging(&self) -> Option<Sql> {
        let builder = Sql::builder(url(mute(), "postgres"));
        Some(builder.with_connect_timeout(Duration::from_millis(300)).build().unwrap())
    }

    /// There is no table.
    async fn failing(&self) -> Option<Sql> {
        Some(self.builder().build().unwrap())
    }
}

battery!(#[ignore = "needs postgres"] battery: Postgres::new().await);
cases!(#[ignore = "needs postgres"] cases: Postgres::new().await);

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_server_that_is_killed_and_comes_back_serves_again_by_itself() {
    let mut server = server().await;
    let database = Postgres::own(&server);
    fill(&database, &[("alice", "wonder")]).await;
    let sql = database.builder().build().unwrap();
    let load = Load::on(&sql);
    time::sleep(Duration::from_secs(2)).await;
    server.kill();
    let down = Instant::now();
    time::sleep(Duration::from_secs(2)).await;
    let starts = Instant::now();
    start(&mut server);
    ready(&server).await;
    let up = Instant::now();
    time::sleep(Duration::from_secs(7)).await;
    load.check([down, starts, up], Duration::from_secs(5)).await;
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_connection_that_hangs_is_given_up_and_not_used_again() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let gate = Gate::before(database.port).await;
    let limit = Duration::from_millis(700);
    let sql = Sql::builder(url(gate.port, &database.name)).with_max_connections(2);
    let sql = sql.with_query_timeout(limit).with_connect_timeout(limit).build().unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
    gate.set_open(false);
    for problem in ["no answer from the database", "no connection to the database"] {
        let error = ask(&sql, "alice", "wonder").await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(said::<()>(Err(error)), format!("{problem} within 700ms"));
    }
    gate.set_open(true);
    accepted(ask(&sql, "alice", "wonder").await);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_server_that_refuses_is_a_failure_that_shows_no_password() {
    let database = Postgres::new().await;
    let wrong = database.url().replace(PASSWORD, "another-wonder");
    for (url, code) in [(wrong, "28P01"), (url(database.port, "nowhere"), "3D000")] {
        let builder = Sql::builder(url);
        assert!(!format!("{builder:?}").contains("wonder"));
        let sql = builder.build().unwrap();
        let said = said(ask(&sql, "alice", "wonder").await);
        assert!(said.contains(code) && !said.contains("wonder"), "{said}");
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_message_about_a_value_does_not_show_it() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let query = "SELECT name, password_hash FROM users WHERE CAST($1 AS INTEGER) = 1";
    let sql = database.builder().with_query(query).build().unwrap();
    let said = said(ask(&sql, "my-wonder", "wonder").await);
    assert_eq!(said, "the database refused a value (SQLSTATE 22P02)");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_pool_of_ones_own_is_asked() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let pool = PgPoolOptions::new().max_connections(2).connect(&database.url()).await.unwrap();
    let sql = postgres::builder(pool).build().unwrap();
    sql.check("proxy").await.unwrap();
    for _ in 0..5 {
        accepted(ask(&sql, "alice", "wonder").await);
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn an_array_holds_groups() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let query = "SELECT name, password_hash, ARRAY['staff', 'day, night'] AS groups \
                 FROM users WHERE name = $1";
    let sql = database.builder().with_query(query).build().unwrap();
    let account = accepted(ask(&sql, "alice", "wonder").await);
    assert_eq!(account.groups().collect::<Vec<_>>(), ["staff", "day, night"]);
}

#[test]
fn debug_and_errors_show_no_password() {
    for url in [
        "postgres://proxy:wonder@host:port/users",
        "postgres://proxy:wonder@host/users?sslmode=what",
        "postgres://proxy:wonder@[::1/users",
    ] {
        let builder = Sql::builder(url);
        assert!(!format!("{builder:?}").contains("wonder"));
        let error = builder.build().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("the PostgreSQL URL is malformed"), "{shown}");
        assert!(!shown.contains("wonder"), "{shown}");
    }
}
