//! Users in a table of an SQLite file.
//!
//! The file is opened for reading only and never made; a database in memory is of no use here. One
//! that is replaced by another file is noticed within a second, and what is written into it at the
//! next request.
//!
//! URLs are `sqlite:FILE` and `sqlite:///FILE`, with `?` and options of [`sqlx`] behind them.

use std::{fs, io, str::FromStr as _, sync::Arc, time::Duration};

use sqlx::{
    Sqlite, TypeInfo as _,
    sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow, SqliteTypeInfo},
};

use super::{
    builder::SqlBuilder,
    driver::{Driver, read},
    error::SqlConfigError,
    pool::Pool,
    row::Value,
    source::{Limits, Source},
};

/// A table that [`DEFAULT_QUERY`] reads.
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

/// What is asked unless another query is given.
pub const DEFAULT_QUERY: &str = "\
SELECT name, password_hash, ha1_sha256, ha1_sha512_256, ha1_md5, enabled, expires \
FROM users WHERE name = ?";

/// Users in a database to which there is a pool already. Its own time-outs hold beside those of the
/// builder, and so does its limit of connections.
pub fn builder(pool: SqlitePool) -> SqlBuilder {
    SqlBuilder::of(|limits| Arc::new(Pool::given(pool, limits)), DEFAULT_QUERY)
}

/// Finds the file, which is opened when it is first asked.
pub(super) fn open(url: &str, limits: Limits) -> Result<Arc<dyn Source>, SqlConfigError> {
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
    Ok(Arc::new(Pool::<Sqlite>::new(options, limits)))
}

impl Driver for Sqlite {
    /// An open connection goes on reading a file that has been replaced by another.
    const LIFETIME: Duration = Duration::from_secs(1);

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
