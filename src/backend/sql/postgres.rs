//! Users in a table of PostgreSQL.
//!
//! URLs are `postgres://USER:PASSWORD@HOST:PORT/NAME`, followed by `?sslmode=verify-full` and other
//! options of [`sqlx`] if need be. A socket is `postgres:///NAME?host=/var/run/postgresql`.
//!
//! The server may be behind a pooler such as pgbouncer, with session or transaction pooling. For
//! this, each query runs in its own transaction and without a named statement, which takes three
//! more round trips. A pool of your own must not send `extra_float_digits` to pgbouncer: see
//! `PgConnectOptions::extra_float_digits` of [`sqlx`].
//!
//! The name is bound as `text`. A query that compares it with a column of an enumerated type must
//! convert the column, as in `login::text = $1`; `citext` and domains over text need no conversion.

use std::sync::Arc;

use sqlx::{
    Postgres, Type, TypeInfo as _,
    postgres::{PgConnectOptions, PgPool, PgRow, PgSslMode, PgTypeInfo, PgTypeKind},
};

use super::{
    builder::{Opened, SqlBuilder},
    database::{Database, Driver, read},
    query::Limits,
    row::Value,
    url::{Tls, check_tls, server_options},
};

/// The table that [`DEFAULT_QUERY`] reads.
pub const DEFAULT_SCHEMA: &str = "\
CREATE TABLE users (
    name TEXT COLLATE \"C\" PRIMARY KEY,
    password_hash TEXT,
    ha1_sha256 TEXT,
    ha1_sha512_256 TEXT,
    ha1_md5 TEXT,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    expires BIGINT
)";

/// The query that is used unless another is given.
pub const DEFAULT_QUERY: &str = "\
SELECT name, password_hash, ha1_sha256, ha1_sha512_256, ha1_md5, enabled, expires \
FROM users WHERE name = $1";

/// The options of a URL that sqlx understands.
const OPTIONS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "application_name",
    "options",
    "options[",
];

/// Options of a validator that uses an existing pool. The timeouts and the connection limit of the
/// pool apply in addition to those of the builder.
pub fn builder(pool: PgPool) -> SqlBuilder {
    SqlBuilder::new(|limits| Ok(Arc::new(Database::of_pool(pool, limits))))
}

/// Reads the URL, without connecting.
pub(super) fn open(url: &str, limits: Limits) -> Opened {
    let options: PgConnectOptions = server_options(url, "PostgreSQL", OPTIONS)?;
    let tls = match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Tls::Optional,
        PgSslMode::Require | PgSslMode::VerifyFull => Tls::Required,
        PgSslMode::VerifyCa => Tls::RequiredWithAnyName,
    };
    check_tls("PostgreSQL", tls)?;
    // pgbouncer refuses connections that set it.
    let options = options.extra_float_digits(None);
    Ok(Arc::new(Database::<Postgres>::new(options, limits)))
}

impl Driver for Postgres {
    const DEFAULT_QUERY: &str = DEFAULT_QUERY;
    const IS_POOLED: bool = true;

    fn columns_query(query: &str) -> Option<String> {
        let query = query.trim_end().trim_end_matches(';');
        // The line breaks end comments.
        Some(format!(
            "SELECT users.* FROM (SELECT) AS one LEFT JOIN (\n{query}\n) AS users ON TRUE"
        ))
    }

    fn value(row: &PgRow, index: usize, kind: &PgTypeInfo) -> Value {
        let is_text = <String as Type<Self>>::compatible(kind);
        if is_text || matches!(kind.kind(), PgTypeKind::Enum(_)) {
            return read::<Self, _>(row, index, |text: String| Value::Text(text.into()));
        }
        if <Vec<String> as Type<Self>>::compatible(kind) {
            return read::<Self, _>(row, index, Value::Texts);
        }
        match kind.name() {
            "BOOL" => read::<Self, _>(row, index, Value::Boolean),
            "INT2" => read::<Self, _>(row, index, |number: i16| Value::Integer(number.into())),
            "INT4" => read::<Self, _>(row, index, |number: i32| Value::Integer(number.into())),
            "INT8" => read::<Self, _>(row, index, Value::Integer),
            "FLOAT4" => read::<Self, _>(row, index, |number: f32| Value::Real(number.into())),
            "FLOAT8" => read::<Self, _>(row, index, Value::Real),
            "BYTEA" => read::<Self, _>(row, index, |bytes: Vec<u8>| Value::Bytes(bytes.into())),
            other => Value::Other(other.to_owned()),
        }
    }
}
