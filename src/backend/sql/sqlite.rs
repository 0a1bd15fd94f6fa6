//! Users in a table of an SQLite file.
//!
//! The file must exist; it is opened read-only. A change in it takes effect at the next request,
//! and the replacement of the file within a second. A database in memory cannot be used.
//!
//! URLs are `sqlite:FILE` and `sqlite:///FILE`, followed by `?` and options of [`sqlx`] if need be.

use std::{fs, io, str::FromStr as _, sync::Arc, time::Duration};

use sqlx::{
    Sqlite, TypeInfo as _,
    sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow, SqliteTypeInfo},
};

use super::{
    builder::{Opened, SqlBuilder},
    database::{Database, Driver, read},
    error::SqlConfigError,
    query::Limits,
    row::Value,
};

/// The table that [`DEFAULT_QUERY`] reads.
pub const DEFAULT_SCHEMA: &str = "\
CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT,
    ha1_sha256 TEXT,
    ha1_sha512_256 TEXT,
    ha1_md5 TEXT,
    enabled INTEGER NOT NULL DEFAULT 1,
    expires INTEGER
)";

/// The query that is used unless another is given.
pub const DEFAULT_QUERY: &str = "\
SELECT name, password_hash, ha1_sha256, ha1_sha512_256, ha1_md5, enabled, expires \
FROM users WHERE name = ?";

/// Options of a validator that uses an existing pool. The timeouts and the connection limit of the
/// pool apply in addition to those of the builder.
pub fn builder(pool: SqlitePool) -> SqlBuilder {
    SqlBuilder::new(|limits| Ok(Arc::new(Database::of_pool(pool, limits))))
}

/// Finds the file, which is opened at the first query.
pub(super) fn open(url: &str, limits: Limits) -> Opened {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| SqlConfigError::invalid_url("SQLite", &error))?;
    let file = options.get_filename();
    let is_file = match fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("it is not a file")),
        Err(error) => Err(error),
    };
    if let Err(source) = is_file {
        return Err(SqlConfigError::NotAFile { path: file.display().to_string(), source });
    }
    let options = options.read_only(true).create_if_missing(false).busy_timeout(limits.query);
    Ok(Arc::new(Database::<Sqlite>::new(options, limits)))
}

impl Driver for Sqlite {
    const DEFAULT_QUERY: &str = DEFAULT_QUERY;
    /// A connection keeps reading a file that has been replaced by another.
    const MAX_LIFETIME: Duration = Duration::from_secs(1);

    fn value(row: &SqliteRow, index: usize, kind: &SqliteTypeInfo) -> Value {
        match kind.name() {
            "TEXT" => read::<Self, _>(row, index, |text: String| Value::Text(text.into())),
            "INTEGER" => read::<Self, _>(row, index, Value::Integer),
            "REAL" => read::<Self, _>(row, index, Value::Real),
            "BLOB" => read::<Self, _>(row, index, |bytes: Vec<u8>| Value::Bytes(bytes.into())),
            other => Value::Other(other.to_owned()),
        }
    }
}
