//! Users in a table of MySQL or MariaDB.
//!
//! URLs are `mysql://USER:PASSWORD@HOST:PORT/NAME` or `mariadb://...`, followed by
//! `?ssl-mode=VERIFY_IDENTITY` and other options of [`sqlx`] if need be. A socket is
//! `?socket=PATH`. Without TLS, MySQL's default authentication (`caching_sha2_password`) may not
//! work.
//!
//! By default, these databases ignore case, accents and trailing blanks in names, so two names that
//! differ only in these cannot both be stored.

use std::sync::Arc;

use sqlx::{
    MySql, Type, TypeInfo as _,
    mysql::{MySqlConnectOptions, MySqlPool, MySqlRow, MySqlSslMode, MySqlTypeInfo},
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
    name VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    password_hash VARCHAR(512),
    ha1_sha256 CHAR(64),
    ha1_sha512_256 CHAR(64),
    ha1_md5 CHAR(32),
    enabled TINYINT NOT NULL DEFAULT 1,
    expires BIGINT
)";

/// The query that is used unless another is given.
pub const DEFAULT_QUERY: &str = "\
SELECT name, password_hash, ha1_sha256, ha1_sha512_256, ha1_md5, enabled, expires \
FROM users WHERE name = ?";

/// The options of a URL that sqlx understands.
const OPTIONS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "charset",
    "collation",
    "statement-cache-capacity",
    "socket",
    "timezone",
    "time-zone",
];

/// Options of a validator that uses an existing pool. The timeouts and the connection limit of the
/// pool apply in addition to those of the builder.
pub fn builder(pool: MySqlPool) -> SqlBuilder {
    SqlBuilder::new(|limits| Ok(Arc::new(Database::of_pool(pool, limits))))
}

/// Reads the URL, without connecting.
pub(super) fn open(url: &str, limits: Limits) -> Opened {
    let options: MySqlConnectOptions = server_options(url, "MySQL", OPTIONS)?;
    let tls = match options.get_ssl_mode() {
        MySqlSslMode::Disabled | MySqlSslMode::Preferred => Tls::Optional,
        MySqlSslMode::Required | MySqlSslMode::VerifyIdentity => Tls::Required,
        MySqlSslMode::VerifyCa => Tls::RequiredWithAnyName,
    };
    check_tls("MySQL", tls)?;
    Ok(Arc::new(Database::<MySql>::new(options, limits)))
}

impl Driver for MySql {
    const DEFAULT_QUERY: &str = DEFAULT_QUERY;

    fn value(row: &MySqlRow, index: usize, kind: &MySqlTypeInfo) -> Value {
        if <String as Type<Self>>::compatible(kind) {
            return read::<Self, _>(row, index, |text: String| Value::Text(text.into()));
        }
        if <Vec<u8> as Type<Self>>::compatible(kind) {
            return read::<Self, _>(row, index, |bytes: Vec<u8>| Value::Bytes(bytes.into()));
        }
        if <i64 as Type<Self>>::compatible(kind) {
            return read::<Self, _>(row, index, Value::Integer);
        }
        if <u64 as Type<Self>>::compatible(kind) {
            return read::<Self, _>(row, index, |number: u64| match i64::try_from(number) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Other("an integer of more than 63 bits".to_owned()),
            });
        }
        match kind.name() {
            "FLOAT" => read::<Self, _>(row, index, |number: f32| Value::Real(number.into())),
            "DOUBLE" => read::<Self, _>(row, index, Value::Real),
            other => Value::Other(other.to_owned()),
        }
    }
}
