//! A table of users in a database: `--database`.

use std::path::PathBuf;

use tower_proxy_auth::digest::HashFunction;

#[derive(Debug)]
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "only parsed"))]
pub(super) struct Database {
    pub(super) url: Url,
    pub(super) query: Option<String>,
    /// The query for stored hashes.
    pub(super) cost_query: Option<String>,
    /// The functions whose H(A1) is stored for every user; empty if Digest is not served.
    pub(super) functions: Vec<HashFunction>,
    /// Whether bcrypt ignores what follows the first 72 bytes of a password.
    pub(super) truncates: bool,
}

/// The URL of a database, which may contain a password.
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "only parsed"))]
pub(super) enum Url {
    Given(String),
    InFile(PathBuf),
}

impl Database {
    pub(super) fn serves_digest(&self) -> bool {
        !self.functions.is_empty()
    }
}

#[cfg(feature = "sql")]
impl Database {
    /// Checks the table. A transient failure of the database is only logged.
    pub(super) async fn open(
        self,
        realm: &tower_proxy_auth::Realm,
        hashing: tower_proxy_auth::backend::password_hash::HashingPool,
    ) -> Result<tower_proxy_auth::backend::sql::Sql, crate::Mistake> {
        use std::error::Error as _;

        use tokio_rustls::rustls::crypto::ring;
        use tower_proxy_auth::backend::{password_hash::HashPolicy, sql::Sql};

        use super::messages;

        let (option, url) = match self.url {
            Url::Given(url) => ("--database", url),
            Url::InFile(path) => {
                let option = "--database-url-file";
                (option, super::secret_file::read(option, &path)?.expose().to_owned())
            }
        };
        let policy = HashPolicy::new().allow_bcrypt_truncation(self.truncates);
        let mut builder = Sql::builder(url)
            .with_digest(self.functions)
            .with_hash_policy(policy)
            .with_hashing_pool(hashing);
        if self.query.is_some() && self.cost_query.is_none() {
            tracing::warn!(
                "--database-query without --database-cost-query: until the first login, response \
                 times can distinguish known users from unknown ones"
            );
        }
        if let Some(query) = self.query {
            builder = builder.with_query(query);
        }
        if let Some(query) = self.cost_query {
            builder = builder.with_cost_query(query);
        }
        // sqlx needs it to ignore the name in a certificate.
        let _ = ring::default_provider().install_default();
        let users = builder.build().map_err(|error| messages::mistake(option, &error))?;
        if let Err(error) = users.check(realm).await {
            let cause = messages::causes(error.source().unwrap_or(&error));
            if !error.is_transient() {
                return Err(format!("{option}: {cause}"));
            }
            tracing::warn!("{option} does not answer at present: {cause}");
        }
        Ok(users)
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(..)")
    }
}
