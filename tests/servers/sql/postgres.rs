//! PostgreSQL.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::sync::OnceCell;
use tokio_rustls::rustls::crypto::ring;
use tower_proxy_auth::backend::sql::{Sql, SqlBuilder, postgres};

use super::{OfServer, PASSWORD, Server, fails_permanently, of_server, program};
use crate::support::{
    certificates,
    sql::{Database, accepted, ask, fill, said},
    validator_battery::realm,
};

/// Where Debian installs it.
const FOLDERS: &[&str] = &["/usr/lib/postgresql/*/bin"];

pub(super) struct Postgres {
    port: u16,
    name: String,
}

impl Postgres {
    fn start_with(server: &mut Server, more: &[&str]) {
        let data = server.folder().join("data");
        let port = server.port.to_string();
        let arguments = ["-D", data.to_str().unwrap(), "-p", &port, "-h", "127.0.0.1", "-F", "-c"];
        let arguments = [&arguments[..], &["unix_socket_directories="], more].concat();
        server.start(&program("postgres", FOLDERS), &arguments);
    }

    /// A server with a certificate for `name`, and the file of the authority that signed it.
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
    const PRODUCT: &str = "PostgreSQL";
    const FIRST: &str = "postgres";
    const REFUSALS: [&str; 2] = ["28P01", "3D000"];

    fn at(port: u16, name: String) -> Self {
        Self { port, name }
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn shared() -> &'static OnceCell<Server> {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        &SERVER
    }

    fn server() -> Server {
        // This signal makes it end at once, without a clean shutdown.
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

    /// Adds a case-insensitive collation to the template database, which new databases copy.
    async fn prepare(server: &Server) {
        let template = Self::at(server.port, "template1".to_owned());
        let collation = "CREATE COLLATION folding \
                         (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
        template.execute(collation).await;
    }

    async fn answers(&self) -> Result<(), sqlx::Error> {
        PgConnection::connect(&self.url()).await?.close().await
    }

    async fn pool(&self) -> SqlBuilder {
        let pool = PgPoolOptions::new().max_connections(2).connect(&self.url()).await.unwrap();
        postgres::builder(pool)
    }
}

of_server!(Postgres, "needs postgres", "needs curl, postgres");

#[tokio::test]
#[ignore = "needs postgres"]
async fn hides_a_value_that_the_database_refuses() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let query = "SELECT name, password_hash FROM users WHERE CAST($1 AS INTEGER) = 1";
    let sql = database.builder().with_query(query).build().unwrap();
    let said = said(ask(&sql, "my-wonder", "wonder").await);
    assert_eq!(said, "the database refused a value (SQLSTATE 22P02)");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn reads_groups_from_an_array() {
    let database = Postgres::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    let query = "SELECT name, password_hash, ARRAY['staff', 'day, night'] AS groups \
                 FROM users WHERE name = $1";
    let sql = database.builder().with_query(query).build().unwrap();
    let account = accepted(ask(&sql, "alice", "wonder").await);
    assert_eq!(account.groups().collect::<Vec<_>>(), ["staff", "day, night"]);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn requires_the_right_certificate() {
    let (server, authority) = Postgres::with_certificate("127.0.0.1").await;
    let (elsewhere, other_authority) = Postgres::with_certificate("elsewhere").await;
    let [database, database_elsewhere] = [server.port, elsewhere.port].map(Postgres::first);
    for database in [&database, &database_elsewhere] {
        fill(database, &[("alice", "wonder")]).await;
    }
    let with_mode = |mode: &str, url: String, authority: &Path| {
        let url = format!("{url}?sslmode={mode}&sslrootcert={}", authority.display());
        Sql::builder(url).build().unwrap()
    };
    // For `verify-ca`.
    let _ = ring::default_provider().install_default();
    let url_elsewhere = database_elsewhere.url();
    for sql in [
        with_mode("verify-full", database.url(), &authority),
        with_mode("verify-ca", url_elsewhere.clone(), &other_authority),
    ] {
        accepted(ask(&sql, "alice", "wonder").await);
    }
    for (name, sql) in [
        ("signed by another", with_mode("verify-full", database.url(), &other_authority)),
        ("for another name", with_mode("verify-full", url_elsewhere.clone(), &other_authority)),
        ("signed by another, any name", with_mode("verify-ca", url_elsewhere, &authority)),
    ] {
        let said = said(ask(&sql, "alice", "wonder").await);
        assert!(said.contains("certificate") || said.contains("TLS"), "{name}: {said}");
        assert!(!said.contains("wonder") && !said.contains(PASSWORD), "{name}: {said}");
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn names_a_tls_mode_that_is_not_supported() {
    let database = Postgres::new().await;
    for mode in ["require", "verify-full"] {
        let sql = Sql::builder(format!("{}?sslmode={mode}", database.url())).build().unwrap();
        fails_permanently(sql.check(&realm()).await, "server does not support TLS");
    }
}
