//! Databases of servers that the tests start, and what such have to get right besides.

use std::time::{Duration, Instant};

use tokio::time;
use tower_proxy_auth::backend::sql::{Sql, SqlBuilder};

use super::outage::{Gate, Load, mute};
pub(crate) use super::server_process::{Server, program};
use super::{
    sql::{Database, accepted, ask, fill, said},
    validator_battery::{BackEnd, realm},
};

/// It holds what the battery looks for in messages.
pub(crate) const PASSWORD: &str = "wonder-of-the-server";

/// A database of a server that is started for it, or for all tests.
pub(crate) trait OfServer: Database + Sized {
    /// The scheme of its URLs.
    const SCHEME: &str;
    /// What the server says to a wrong password, and where there is no such database.
    const REFUSALS: [&str; 2];

    /// A server whose data are there.
    fn server() -> Server;

    fn start(server: &mut Server);

    /// The database that the server has from the start.
    fn first(port: u16) -> Self;

    fn port(&self) -> u16;

    fn name(&self) -> &str;

    /// Whether the server answers.
    async fn answers(&self) -> Result<(), sqlx::Error>;

    /// A pool that somebody else has made.
    async fn pool(&self) -> SqlBuilder;

    fn url_at(&self, port: u16) -> String {
        format!("{}://proxy:{PASSWORD}@127.0.0.1:{port}/{}", Self::SCHEME, self.name())
    }

    async fn started() -> Server {
        let mut server = Self::server();
        Self::start(&mut server);
        Self::first(server.port).ready().await;
        server
    }

    /// Waits until the server answers.
    async fn ready(&self) {
        let start = Instant::now();
        while let Err(error) = self.answers().await {
            assert!(start.elapsed() < Duration::from_secs(120), "{error:?}");
            time::sleep(Duration::from_millis(50)).await;
        }
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

    /// There is no table.
    async fn failing(&self) -> Option<Sql> {
        Some(self.builder().build().unwrap())
    }
}

pub(crate) async fn comes_back<D: OfServer>() {
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

pub(crate) async fn hangs(database: &impl OfServer) {
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

pub(crate) async fn refuses<D: OfServer>(database: &D) {
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

pub(crate) async fn takes_a_pool(database: &impl OfServer) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.pool().await.build().unwrap();
    sql.check(&realm()).await.unwrap();
    for _ in 0..5 {
        accepted(ask(&sql, "alice", "wonder").await);
    }
}

#[track_caller]
pub(crate) fn malformed(url: &str, database: &str) {
    let builder = Sql::builder(url);
    assert!(!format!("{builder:?}").contains("wonder"));
    let error = builder.build().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(&format!("the {database} URL is malformed")), "{shown}");
    assert!(!shown.contains("wonder"), "{shown}");
}

/// What [`OfServer`]s are turned into: the battery, the cases, and those that need a server.
macro_rules! of_server {
    ($(#[$attribute:meta])* $database:ty) => {
        $crate::support::validator_battery::battery!($(#[$attribute])* battery: <$database>::new().await);
        $crate::support::sql::cases!($(#[$attribute])* cases: <$database>::new().await);

        #[tokio::test]
        $(#[$attribute])*
        async fn a_server_that_is_killed_and_comes_back_serves_again_by_itself() {
            $crate::support::sql_server::comes_back::<$database>().await;
        }

        #[tokio::test]
        $(#[$attribute])*
        async fn a_connection_that_hangs_is_given_up_and_not_used_again() {
            $crate::support::sql_server::hangs(&<$database>::new().await).await;
        }

        #[tokio::test]
        $(#[$attribute])*
        async fn a_server_that_refuses_is_a_failure_that_shows_no_password() {
            $crate::support::sql_server::refuses(&<$database>::new().await).await;
        }

        #[tokio::test]
        $(#[$attribute])*
        async fn a_pool_of_ones_own_is_asked() {
            $crate::support::sql_server::takes_a_pool(&<$database>::new().await).await;
        }
    };
}
pub(crate) use of_server;
