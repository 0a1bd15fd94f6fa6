//! Users in the databases of servers that the tests start.
//!
//! [`of_server`] makes the same tests for each kind of server.

mod ended_access;
#[cfg(feature = "sql-mysql")]
mod mysql;
mod outage;
#[cfg(feature = "sql-postgres")]
mod pgbouncer;
#[cfg(feature = "sql-postgres")]
mod postgres;
mod process;

use std::{
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tokio::{sync::OnceCell, time};
use tower_proxy_auth::{
    BackendError,
    backend::sql::{Sql, SqlBuilder},
};

use self::{
    outage::{Load, mute},
    process::{Server, program},
};
use crate::support::{
    gate::Gate,
    sql::{Database, accepted, ask, fill, said},
    validator_battery::{BackEnd, realm},
};

/// It contains the word that the battery looks for in messages.
const PASSWORD: &str = "wonder-of-the-server";

/// A database of a server.
trait OfServer: Database + Sized {
    /// The scheme of its URLs.
    const SCHEME: &str;
    /// The product's name in error messages.
    const PRODUCT: &str;
    /// The database that every server has from the start.
    const FIRST: &str;
    /// The SQLSTATEs for a wrong password and for a missing database.
    const REFUSALS: [&str; 2];

    fn at(port: u16, name: String) -> Self;

    fn port(&self) -> u16;

    fn name(&self) -> &str;

    /// The server that the tests share.
    fn shared() -> &'static OnceCell<Server>;

    /// A server that has its data and does not run yet.
    fn server() -> Server;

    fn start(server: &mut Server);

    /// Changes a running server before databases are made in it.
    async fn prepare(_: &Server) {}

    /// Whether the server answers.
    async fn answers(&self) -> Result<(), sqlx::Error>;

    /// An existing pool.
    async fn pool(&self) -> SqlBuilder;

    /// A new database in the shared server.
    async fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let start = async || {
            let server = Self::started().await;
            Self::prepare(&server).await;
            server
        };
        let port = Self::shared().get_or_init(start).await.port;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self::first(port).execute(&format!("CREATE DATABASE {name}")).await;
        Self::at(port, name)
    }

    fn first(port: u16) -> Self {
        Self::at(port, Self::FIRST.to_owned())
    }

    fn url_at(&self, port: u16) -> String {
        format!("{}://proxy:{PASSWORD}@127.0.0.1:{port}/{}", Self::SCHEME, self.name())
    }

    async fn started() -> Server {
        let mut server = Self::server();
        Self::start(&mut server);
        Self::first(server.port).ready().await;
        server
    }

    async fn ready(&self) {
        wait_until(async || self.answers().await).await;
    }
}

/// Waits until a server answers.
async fn wait_until(answers: impl AsyncFn() -> Result<(), sqlx::Error>) {
    let start = Instant::now();
    while let Err(error) = answers().await {
        assert!(start.elapsed() < Duration::from_secs(120), "{error:?}");
        time::sleep(Duration::from_millis(50)).await;
    }
}

impl<D: OfServer> BackEnd for D {
    type Validator = Sql;

    const LONGEST_PASSWORD: usize = 72;

    async fn holding(&self, users: &[(&str, &str)]) -> Sql {
        fill(self, users).await;
        self.builder().build().unwrap()
    }

    async fn hanging(&self) -> Option<Sql> {
        let builder = Sql::builder(self.url_at(mute()));
        Some(builder.with_connect_timeout(Duration::from_millis(300)).build().unwrap())
    }

    /// A database without a table.
    async fn failing(&self) -> Option<Sql> {
        Some(self.builder().build().unwrap())
    }
}

async fn comes_back<D: OfServer>() {
    let mut server = D::started().await;
    let database = D::first(server.port);
    fill(&database, &[("alice", "wonder")]).await;
    let builder = database.builder().with_connect_timeout(Duration::from_secs(1));
    let sql = builder.build().unwrap();
    let load = Load::on(&sql);
    time::sleep(Duration::from_secs(2)).await;
    server.kill();
    let down = Instant::now();
    time::sleep(Duration::from_secs(4)).await;
    let starts = Instant::now();
    D::start(&mut server);
    database.ready().await;
    let up = Instant::now();
    time::sleep(Duration::from_secs(7)).await;
    load.check([down, starts, up], Duration::from_secs(5)).await;
}

async fn hangs(database: &impl OfServer) {
    fill(database, &[("alice", "wonder")]).await;
    let gate = Gate::before(database.port()).await;
    let limit = Duration::from_millis(700);
    let sql = Sql::builder(database.url_at(gate.port)).with_max_connections(2);
    let sql = sql.with_query_timeout(limit).with_connect_timeout(limit).build().unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
    gate.set_open(false);
    for _ in 0..3 {
        let error = ask(&sql, "alice", "wonder").await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(said::<()>(Err(error)), "no connection to the database within 700ms");
    }
    gate.set_open(true);
    accepted(ask(&sql, "alice", "wonder").await);
}

async fn refuses<D: OfServer>(database: &D) {
    let url = database.url();
    let [password, name] = D::REFUSALS;
    for (url, code) in [
        (url.replace(PASSWORD, "another-wonder"), password),
        (url.replace(database.name(), "nowhere"), name),
    ] {
        let builder = Sql::builder(url);
        assert!(!format!("{builder:?}").contains("wonder"));
        let sql = builder.build().unwrap();
        let said = said(ask(&sql, "alice", "wonder").await);
        assert!(said.contains(code) && !said.contains("wonder"), "{said}");
    }
}

async fn takes_a_pool(database: &impl OfServer) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.pool().await.build().unwrap();
    sql.check(&realm()).await.unwrap();
    for _ in 0..5 {
        accepted(ask(&sql, "alice", "wonder").await);
    }
}

fn malformed<D: OfServer>() {
    for rest in ["host:port/users", "host/users?ssl-mode=what&sslmode=what", "[::1/users"] {
        hides_the_password(&format!("{}://proxy:wonder@{rest}", D::SCHEME), D::PRODUCT);
    }
    hides_the_password(&format!("{}://proxy:1?wonder@host/users", D::SCHEME), D::PRODUCT);
}

#[track_caller]
fn hides_the_password(url: &str, product: &str) {
    let builder = Sql::builder(url);
    assert!(!format!("{builder:?}").contains("wonder"));
    let error = builder.build().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(&format!("the {product} URL is malformed")), "{shown}");
    assert!(!shown.contains("wonder"), "{shown}");
}

/// Checks that the failure is permanent, and that its message contains `cause` and no password.
#[track_caller]
fn fails_permanently<T: Debug>(answer: Result<T, BackendError>, cause: &str) {
    let error = answer.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    let said = said::<T>(Err(error));
    assert!(said.contains(cause) && !said.contains("wonder"), "{said}");
}

/// Makes the tests of an [`OfServer`]: the battery, the cases, and those for servers.
macro_rules! of_server {
    ($database:ty, $needs:literal, $needs_curl:literal) => {
        $crate::support::validator_battery::battery!(
            #[ignore = $needs]
            battery: <$database>::new().await
        );
        $crate::support::sql::cases!(
            #[ignore = $needs]
            cases: <$database>::new().await
        );

        #[tokio::test]
        #[ignore = $needs]
        async fn recovers_when_the_server_comes_back() {
            super::comes_back::<$database>().await;
        }

        #[tokio::test]
        #[ignore = $needs]
        async fn the_end_of_a_record_ends_access() {
            super::ended_access::ends_with_the_record::<$database>().await;
        }

        #[tokio::test]
        #[ignore = $needs]
        async fn gives_up_a_connection_that_hangs() {
            super::hangs(&<$database>::new().await).await;
        }

        #[tokio::test]
        #[ignore = $needs]
        async fn hides_the_password_when_the_server_refuses() {
            super::refuses(&<$database>::new().await).await;
        }

        #[tokio::test]
        #[ignore = $needs]
        async fn accepts_an_existing_pool() {
            super::takes_a_pool(&<$database>::new().await).await;
        }

        #[test]
        fn hides_the_password_of_a_malformed_url() {
            super::malformed::<$database>();
        }

        #[tokio::test]
        #[ignore = $needs_curl]
        async fn serves_the_example() {
            $crate::support::sql_proxy::serves_curl(&<$database>::new().await).await;
        }
    };
}
use of_server;
