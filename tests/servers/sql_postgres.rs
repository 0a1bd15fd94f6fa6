//! Users in PostgreSQL.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::sync::OnceCell;
use tower_proxy_auth::backend::sql::{Sql, SqlBuilder, postgres};

use crate::support::{
    certificates,
    sql::{Database, accepted, ask, fill, said},
    sql_proxy,
    sql_server::{OfServer, PASSWORD, Server, malformed, of_server, program},
};

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

impl Postgres {
    fn start_with(server: &mut Server, more: &[&str]) {
        let data = server.folder().join("data");
        let port = server.port.to_string();
        let arguments = ["-D", data.to_str().unwrap(), "-p", &port, "-h", "127.0.0.1", "-F", "-c"];
        let arguments = [&arguments[..], &["unix_socket_directories="], more].concat();
        server.start(&program("postgres", FOLDERS), &arguments);
    }

    /// A server with a certificate for `name`, and the file with the authority that signed it.
    async fn with_certificate(name: &str) -> (Server, PathBuf) {
        let mut server = Self::server();
        let folder = server.folder().to_owned();
        certificates::write(&folder, &[name.to_owned()]);
        let owner = fs::metadata(&folder).unwrap();
        let key = folder.join("key.pem");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        chown(&key, Some(owner.uid()), Some(owner.gid())).unwrap();
        let [certificate, key] = [("cert", "server.pem"), ("key", "key.pem")]
            .map(|(kind, file)| format!("ssl_{kind}_file={}", folder.join(file).display()));
        Self::start_with(&mut server, &["-c", "ssl=on", "-c", &certificate, "-c", &key]);
        Self::first(server.port).ready().await;
        (server, folder.join("authority.pem"))
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
        Self::start_with(server, &[]);
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
        "postgres://proxy:1?wonder@host/users",
    ] {
        malformed(url, "PostgreSQL");
    }
}

#[tokio::test]
#[ignore = "needs curl, postgres"]
async fn the_proxy_lets_curl_through() {
    sql_proxy::lets_curl_through(&Postgres::new().await).await;
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn only_a_server_with_the_right_certificate_is_asked() {
    let (server, authority) = Postgres::with_certificate("127.0.0.1").await;
    let (elsewhere, other_authority) = Postgres::with_certificate("elsewhere").await;
    let database = Postgres::first(server.port);
    fill(&database, &[("alice", "wonder")]).await;
    let checking = |url: String, authority: &Path| {
        let url = format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display());
        Sql::builder(url).build().unwrap()
    };
    let sql = checking(database.url(), &authority);
    accepted(ask(&sql, "alice", "wonder").await);
    let of_elsewhere = Postgres::first(elsewhere.port).url();
    for (name, sql) in [
        ("signed by another", checking(database.url(), &other_authority)),
        ("for another name", checking(of_elsewhere, &other_authority)),
    ] {
        let said = said(ask(&sql, "alice", "wonder").await);
        assert!(said.contains("certificate") || said.contains("TLS"), "{name}: {said}");
        assert!(!said.contains("wonder") && !said.contains(PASSWORD), "{name}: {said}");
    }
}
