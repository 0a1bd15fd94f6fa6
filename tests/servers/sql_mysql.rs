//! Users in MySQL and MariaDB.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, mysql::MySqlPoolOptions,
};
use tokio::sync::OnceCell;
use tower_proxy_auth::backend::sql::{SqlBuilder, mysql};

use crate::support::{
    sql::Database,
    sql_proxy,
    sql_server::{OfServer, PASSWORD, Server, malformed, of_server, program},
};

/// Where Debian has it.
const FOLDERS: &[&str] = &["/usr/sbin"];

/// A database of a server that all tests share, or of one of its own.
struct MariaDb {
    port: u16,
    name: String,
}

impl MariaDb {
    async fn new() -> Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let port = SERVER.get_or_init(Self::started).await.port;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self::first(port).execute(&format!("CREATE DATABASE {name}")).await;
        Self { port, name }
    }
}

impl Database for MariaDb {
    const SCHEMA: &str = mysql::DEFAULT_SCHEMA;
    /// That of a new installation.
    const FOLDING: (&str, &[&str]) = (
        "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        &["Alice", "ALICE", "alice ", "alice   ", "alic\u{e9}", "\u{e4}lice"],
    );
    const SLOW: Option<&str> = Some("SLEEP(30) = 0");

    fn url(&self) -> String {
        self.url_at(self.port)
    }

    async fn execute(&self, sql: &str) {
        let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }

    fn literal(text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }
}

impl OfServer for MariaDb {
    const SCHEME: &str = "mysql";
    const REFUSALS: [&str; 2] = ["28000", "42000"];

    fn server() -> Server {
        let server = Server::new("mysql", "KILL");
        let init = format!(
            "CREATE USER IF NOT EXISTS 'proxy'@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO 'proxy'@'%';\n\
             CREATE DATABASE IF NOT EXISTS first;\n"
        );
        fs::write(server.folder().join("init"), init).unwrap();
        let data = format!("--datadir={}/data", server.folder().display());
        let arguments = [
            "--no-defaults",
            &data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=8M",
        ];
        server.run(&program("mariadb-install-db", FOLDERS), &arguments);
        server
    }

    fn start(server: &mut Server) {
        let folder = server.folder().to_str().unwrap();
        let arguments = [
            "--no-defaults".to_owned(),
            format!("--datadir={folder}/data"),
            format!("--port={}", server.port),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--socket={folder}/socket"),
            format!("--pid-file={folder}/pid"),
            format!("--init-file={folder}/init"),
            "--innodb-flush-log-at-trx-commit=0".to_owned(),
            "--innodb-buffer-pool-size=16M".to_owned(),
            "--innodb-log-file-size=8M".to_owned(),
            "--character-set-server=utf8mb4".to_owned(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        server.start(&program("mariadbd", FOLDERS), &arguments);
    }

    fn first(port: u16) -> Self {
        Self { port, name: "first".to_owned() }
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn answers(&self) -> Result<(), sqlx::Error> {
        MySqlConnection::connect(&self.url()).await?.close().await
    }

    async fn pool(&self) -> SqlBuilder {
        let pool = MySqlPoolOptions::new().max_connections(2).connect(&self.url()).await.unwrap();
        mysql::builder(pool)
    }
}

of_server!(
    #[ignore = "needs mariadbd"]
    MariaDb
);

#[test]
fn debug_and_errors_show_no_password() {
    for url in [
        "mysql://proxy:wonder@host:port/users",
        "mysql://proxy:wonder@host/users?ssl-mode=what",
        "mysql://proxy:wonder@[::1/users",
        "mysql://proxy:1?wonder@host/users",
    ] {
        malformed(url, "MySQL");
    }
}

#[tokio::test]
#[ignore = "needs curl, mariadbd"]
async fn the_proxy_lets_curl_through() {
    sql_proxy::lets_curl_through(&MariaDb::new().await).await;
}
