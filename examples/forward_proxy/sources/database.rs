//! A table of users in a database: `--database`.

use std::path::PathBuf;

use tower_proxy_auth::{
    Realm,
    backend::{SecretsChain, ValidatorChain},
    digest::HashFunction,
};

use super::cache::Cache;
use crate::Mistake;

const OPTION: &str = "--database";

#[derive(Debug)]
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "nobody asks the database"))]
pub(super) struct Database {
    pub(super) url: Url,
    pub(super) query: Option<String>,
    /// What is held for every user; nothing, where Digest is not served.
    pub(super) functions: Vec<HashFunction>,
}

/// Where the database is. There may be a password in it.
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "nobody asks the database"))]
pub(super) enum Url {
    Given(String),
    InFile(PathBuf),
}

impl Database {
    pub(super) fn serves_digest(&self) -> bool {
        !self.functions.is_empty()
    }

    #[cfg(feature = "sql")]
    pub(super) async fn add_to(
        self,
        validator: ValidatorChain,
        secrets: SecretsChain,
        realm: &Realm,
        cache: Cache,
    ) -> Result<(ValidatorChain, SecretsChain), Mistake> {
        use std::error::Error as _;

        use tower_proxy_auth::backend::sql::Sql;

        let url = match self.url {
            Url::Given(url) => url,
            Url::InFile(path) => {
                super::secret_file::read("--database-url-file", &path)?.expose().to_owned()
            }
        };
        let serves_digest = !self.functions.is_empty();
        let mut builder = Sql::builder(url).with_digest(self.functions);
        if let Some(query) = self.query {
            builder = builder.with_query(query);
        }
        let users = builder.build().map_err(|error| format!("{OPTION}: {error}"))?;
        if let Err(error) = users.check(realm).await {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            if !error.is_transient() {
                return Err(format!("{OPTION}: {why}"));
            }
            tracing::warn!("{OPTION} does not answer at present: {why}");
        }
        let validator = cache.add(validator, users.clone())?;
        let secrets = match serves_digest {
            true => cache.add_secrets(secrets, users)?,
            false => secrets,
        };
        Ok((validator, secrets))
    }

    #[cfg(not(feature = "sql"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn add_to(
        self,
        _: ValidatorChain,
        _: SecretsChain,
        _: &Realm,
        _: Cache,
    ) -> Result<(ValidatorChain, SecretsChain), Mistake> {
        Err(format!(
            "{OPTION} needs a feature for its kind of database: build with --features sql-sqlite, \
             --features sql-postgres or --features sql-mysql"
        ))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(..)")
    }
}
