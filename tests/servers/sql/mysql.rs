//! MySQL and MariaDB.

use std::fs;

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, mysql::MySqlPoolOptions,
};
use tokio::sync::OnceCell;
use tower_proxy_auth::backend::sql::{Sql, SqlBuilder, mysql};

use super::{OfServer, PASSWORD, Server, fails_permanently, of_server, program};
use crate::support::{
    sql::{Database, ask, fill},
    validator_battery::realm,
};

/// Where Debian installs it.
const FOLDERS: &[&str] = &["/usr/sbin"];

struct MariaDb {
    port: u16,
    name: String,
}

impl Database for MariaDb {
    const SCHEMA: &str = mysql::DEFAULT_SCHEMA;
    /// The collation of a new installation.
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
    const PRODUCT: &str = "MySQL";
    const FIRST: &str = "first";
    const REFUSALS: [&str; 2] = ["28000", "42000"];

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

    async fn answers(&self) -> Result<(), sqlx::Error> {
        MySqlConnection::connect(&self.url()).await?.close().await
    }

    async fn pool(&self) -> SqlBuilder {
        let pool = MySqlPoolOptions::new().max_connections(2).connect(&self.url()).await.unwrap();
        mysql::builder(pool)
    }
}

of_server!(MariaDb, "needs mariadbd", "needs curl, mariadbd");

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn regression_names_a_login_plugin_that_is_not_supported() {
    let database = MariaDb::new().await;
    fill(&database, &[("alice", "wonder")]).await;
    for sql in [
        "INSTALL SONAME 'auth_ed25519'".to_owned(),
        format!("CREATE USER modern IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')"),
    ] {
        database.execute(&sql).await;
    }
    let url = database.url().replace("proxy:", "modern:");
    let sql = Sql::builder(url).build().unwrap();
    fails_permanently(sql.check(&realm()).await, "unknown authentication plugin: client_ed25519");
    fails_permanently(ask(&sql, "alice", "wonder").await, "client_ed25519");
}

#[tokio::test]
#[ignore = "needs mariadbd"]
async fn names_a_tls_mode_that_is_not_supported() {
    let database = MariaDb::new().await;
    for mode in ["REQUIRED", "VERIFY_IDENTITY"] {
        let sql = Sql::builder(format!("{}?ssl-mode={mode}", database.url())).build().unwrap();
        fails_permanently(sql.check(&realm()).await, "server does not support TLS");
    }
}
