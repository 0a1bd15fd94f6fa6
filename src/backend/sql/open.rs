//! Which database a URL means.

use std::sync::Arc;

use super::{
    error::SqlConfigError,
    source::{Limits, Source},
};

/// A database, and what it is asked by default.
pub(super) struct Opened {
    pub(super) source: Arc<dyn Source>,
    pub(super) query: &'static str,
}

/// The database of a URL.
pub(super) fn url(url: &str, limits: Limits) -> Result<Opened, SqlConfigError> {
    let (scheme, _) = url.split_once(':').ok_or(SqlConfigError::UnknownDatabase)?;
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" => sqlite(url, limits),
        "postgres" | "postgresql" => postgres(url, limits),
        "mysql" | "mariadb" => mysql(url, limits),
        _ => Err(SqlConfigError::UnknownDatabase),
    }
}

#[cfg(feature = "sql-sqlite")]
fn sqlite(url: &str, limits: Limits) -> Result<Opened, SqlConfigError> {
    use super::sqlite;
    Ok(Opened { source: sqlite::open(url, limits)?, query: sqlite::DEFAULT_QUERY })
}

#[cfg(not(feature = "sql-sqlite"))]
fn sqlite(_: &str, _: Limits) -> Result<Opened, SqlConfigError> {
    Err(SqlConfigError::FeatureIsOff { database: "SQLite", feature: "sql-sqlite" })
}

#[cfg(feature = "sql-postgres")]
fn postgres(url: &str, limits: Limits) -> Result<Opened, SqlConfigError> {
    use super::postgres;
    Ok(Opened { source: postgres::open(url, limits)?, query: postgres::DEFAULT_QUERY })
}

#[cfg(not(feature = "sql-postgres"))]
fn postgres(_: &str, _: Limits) -> Result<Opened, SqlConfigError> {
    Err(SqlConfigError::FeatureIsOff { database: "PostgreSQL", feature: "sql-postgres" })
}

#[cfg(feature = "sql-mysql")]
fn mysql(url: &str, limits: Limits) -> Result<Opened, SqlConfigError> {
    use super::mysql;
    Ok(Opened { source: mysql::open(url, limits)?, query: mysql::DEFAULT_QUERY })
}

#[cfg(not(feature = "sql-mysql"))]
fn mysql(_: &str, _: Limits) -> Result<Opened, SqlConfigError> {
    Err(SqlConfigError::FeatureIsOff { database: "MySQL", feature: "sql-mysql" })
}
