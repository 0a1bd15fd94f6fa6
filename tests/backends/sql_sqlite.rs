//! SQLite.

use std::{
    fs,
    future::Future as _,
    path::PathBuf,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tempfile::{NamedTempFile, TempDir};
use tower_proxy_auth::backend::{
    password_hash::hash_password,
    sql::{Sql, sqlite},
};

use crate::support::{
    sql::{self, Database, METHOD, accepted, ask, cases, fill, said, unknown},
    sql_proxy,
    validator_battery::{BackEnd, battery, realm},
};

/// A file in a temporary folder.
struct File(TempDir);

impl File {
    fn new() -> Self {
        let file = Self(TempDir::new().unwrap());
        fs::write(file.path(), []).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("users.db")
    }
}

impl Database for File {
    const SCHEMA: &str = sqlite::DEFAULT_SCHEMA;
    const FOLDING: (&str, &[&str]) = ("TEXT COLLATE NOCASE NOT NULL", &["Alice", "ALICE", "alicE"]);
    const SLOW: Option<&str> = None;

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    async fn execute(&self, sql: &str) {
        let options = SqliteConnectOptions::new().filename(self.path());
        let mut connection = options.connect().await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl BackEnd for File {
    type Validator = Sql;

    const LONGEST_PASSWORD: usize = 72;

    async fn holding(&self, users: &[(&str, &str)]) -> Sql {
        fill(self, users).await;
        self.builder().build().unwrap()
    }

    /// A file that a transaction keeps locked.
    async fn hanging(&self) -> Option<Sql> {
        fill(self, &[]).await;
        let options = SqliteConnectOptions::new().filename(self.path());
        let mut writer = options.connect().await.unwrap();
        writer.execute("BEGIN EXCLUSIVE").await.unwrap();
        // It stays open as long as the process runs.
        std::mem::forget(writer);
        Some(self.builder().with_query_timeout(Duration::from_millis(300)).build().unwrap())
    }

    async fn failing(&self) -> Option<Sql> {
        Some(self.builder().build().unwrap())
    }
}

battery!(file: File::new());
cases!(in_a_file: File::new());

#[tokio::test]
async fn never_creates_a_file() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("none.db");
    let shown = missing.display();
    for url in [format!("sqlite:{shown}"), format!("sqlite://{shown}?mode=rwc")] {
        let error = Sql::builder(url).build().unwrap_err();
        let message =
            format!("the database file {shown} does not exist or is not a file: create it first");
        assert_eq!(error.to_string(), message);
        assert!(!missing.exists());
    }
    assert!(Sql::builder(format!("sqlite:{}", folder.path().display())).build().is_err());
    assert!(Sql::builder("sqlite::memory:").build().is_err());
}

#[test]
fn fails_outside_a_tokio_runtime() {
    let file = NamedTempFile::new().unwrap();
    let sql = Sql::builder(format!("sqlite:{}", file.path().display())).build().unwrap();
    let waker = &mut Context::from_waker(Waker::noop());
    let Poll::Ready(asked) = pin!(ask(&sql, "alice", "wonder")).poll(waker) else {
        panic!("it waits");
    };
    let problem = "the back end needs a tokio runtime";
    assert_eq!(said(asked), problem);
    let Poll::Ready(checked) = pin!(sql.check(&realm())).poll(waker) else { panic!("it waits") };
    assert_eq!(said(checked), problem);
}

#[tokio::test]
async fn does_not_let_a_query_write() {
    let file = File::new();
    fill(&file, &[("alice", "wonder")]).await;
    let query = "DELETE FROM users WHERE name = ? RETURNING name, password_hash";
    for url in [file.url(), format!("{}?mode=rw", file.url())] {
        let sql = Sql::builder(url).with_query(query).build().unwrap();
        let said = said(ask(&sql, "alice", "wonder").await);
        assert!(said.contains("readonly"), "{said}");
    }
    accepted(ask(&file.builder().build().unwrap(), "alice", "wonder").await);
}

#[tokio::test]
async fn reads_a_replaced_file_within_two_seconds() {
    let (file, other) = (File::new(), File::new());
    fill(&file, &[("alice", "wonder")]).await;
    fill(&other, &[("bob", "builder")]).await;
    let sql = file.builder().build().unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
    fs::rename(other.path(), file.path()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    unknown(ask(&sql, "alice", "wonder").await, "alice");
    accepted(ask(&sql, "bob", "builder").await);
}

#[tokio::test]
async fn reads_a_file_that_is_being_written() {
    let file = File::new();
    file.execute("PRAGMA journal_mode = WAL").await;
    fill(&file, &[("alice", "wonder")]).await;
    let options = SqliteConnectOptions::new().filename(file.path());
    let mut writer = options.connect().await.unwrap();
    writer.execute("BEGIN IMMEDIATE; DELETE FROM users").await.unwrap();
    let sql = file.builder().build().unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
    writer.execute("COMMIT").await.unwrap();
    unknown(ask(&sql, "alice", "wonder").await, "alice");
}

#[tokio::test]
async fn accepts_an_existing_pool() {
    let file = File::new();
    fill(&file, &[("alice", "wonder")]).await;
    let pool = SqlitePoolOptions::new().max_connections(2).connect(&file.url()).await.unwrap();
    let sql = sqlite::builder(pool.clone()).build().unwrap();
    sql.check(&realm()).await.unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
    let hash = hash_password("other", METHOD).unwrap();
    sql::update(&file, &format!("password_hash = '{hash}'")).await;
    accepted(ask(&sql, "alice", "other").await);
    pool.close().await;
    assert_eq!(
        said(ask(&sql, "alice", "other").await),
        "attempted to acquire a connection on a closed pool"
    );
}

#[tokio::test]
async fn fails_on_a_file_that_is_not_a_database() {
    let file = File::new();
    fs::write(file.path(), "alice:wonder\n".repeat(1_000)).unwrap();
    let sql = file.builder().build().unwrap();
    let said = said(ask(&sql, "alice", "wonder").await);
    assert!(said.contains("file is not a database"), "{said}");
}

#[test]
fn hides_the_url_in_debug() {
    let file = File::new();
    let builder = Sql::builder(format!("{}?secret=wonder", file.url()));
    assert!(!format!("{builder:?}").contains("wonder"));
    let sql = file.builder().build().unwrap();
    assert!(!format!("{sql:?}").contains("users.db"));
}

#[tokio::test]
#[ignore = "needs curl"]
async fn serves_the_example() {
    sql_proxy::serves_curl(&File::new()).await;
}
