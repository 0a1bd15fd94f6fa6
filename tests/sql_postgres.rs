//! Users in PostgreSQL.
#![cfg(feature = "sql-postgres")]

#[path = "support/layer.rs"]
mod layer;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/sql_proxy.rs"]
mod sql_proxy;
#[path = "support/sql_server.rs"]
mod sql_server;
mod support;
#[path = "support/validator_battery.rs"]
mod validator_battery;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use sql::{Database, accepted, ask, fill, said};
use sql_server::{OfServer, PASSWORD, Server, malformed, of_server, program};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::sync::OnceCell;
use tower_proxy_auth::validator::sql::{SqlBuilder, postgres};

/// Below `/usr/lib` in Debian.
const FOLDERS: &[&str] = &["/usr/lib/postgresql/*/bin"];

/// A database of a server that all tests share, or of one of its own.
struct Postgres {
    port: u16,
    name: String,
}

impl Postgres {
    async fn new() -> Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let port = SERVER.get_or_init(Self::with_collation).await.port;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self::first(port).execute(&format!("CREATE DATABASE {name}")).await;
        Self { port, name }
    }

    /// A server whose databases know a collation that folds.
    async fn with_collation() -> Server {
        let server = Self::started().await;
        // Other databases are copies of this one.
        let template = Self { port: server.port, name: "template1".to_owned() };
        let collation = "CREATE COLLATION folding \
                         (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
        template.execute(collation).await;
        server
    }
}

impl Database for Postgres {
    const PARAMETERS: [&str; 2] = ["$1", "$2"];
    const SCHEMA: &str = postgres::DEFAULT_SCHEMA;
    const FOLDING: (&str, &[&str]) =
        ("TEXT COLLATE folding", &["Alice", "ALICE", "alic\u{e9}", "\u{ff41}lice"]);
    const SLOW: Option<&str> = Some("pg_sleep(30) IS NOT NULL");

    fn url(&self) -> String {
        self.url_at(self.port)
    }

    async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl OfServer for Postgres {
    const SCHEME: &str = "postgres";
    const REFUSALS: [&str; 2] = ["28P01", "3D000"];

    fn server() -> Server {
        // Asked to quit, it ends at once and without order.
        let server = Server::new("postgres", "QUIT");
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
        server
    }

    fn start(server: &mut Server) {
        let data = server.folder().join("data");
        let port = server.port.to_string();
        let arguments = ["-D", data.to_str().unwrap(), "-p", &port, "-h", "127.0.0.1", "-F", "-c"];
        let arguments = [&arguments[..], &["unix_socket_directories="]].concat();
        server.start(&program("postgres", FOLDERS), &arguments);
    }

    fn first(port: u16) -> Self {
        Self { port, name: "postgres".to_owned() }
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn answers(&self) -> Result<(), sqlx::Error> {
        PgConnection::connect(&self.url()).await?.close().await
    }

    async fn pool(&self) -> SqlBuilder {
        let pool = PgPoolOptions::new().max_connections(2).connect(&self.url()).await.unwrap();
        postgres::builder(pool)
    }
}

of_server!(
    #[ignore = "needs postgres"]
    Postgres
);

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
        malformed(url, "PostgreSQL");
    }
}

#[tokio::test]
#[ignore = "needs curl, postgres"]
async fn the_proxy_lets_curl_through() {
    sql_proxy::lets_curl_through(&Postgres::new().await).await;
}
