//! Users in a table of a database: SQLite, PostgreSQL, MySQL or MariaDB.
//!
//! A query finds a user by name: the default one for the default table, or your own. Its rows have
//! these columns:
//!
//! | column | content | if missing | if NULL |
//! |---|---|---|---|
//! | `name` | the name, equal to the one that was sent | 503 | unknown user |
//! | `password_hash` | a [`PasswordHash`](super::password_hash::PasswordHash), for Basic | 503 for Basic | every password is wrong |
//! | `ha1_sha256`, `ha1_sha512_256`, `ha1_md5` | H(A1) in hex, for the functions of [`with_digest`](SqlBuilder::with_digest) | 503 for Digest | unusable |
//! | `enabled` | a boolean, 0 or 1 | enabled | disabled |
//! | `expires` | an integer: seconds since 1970-01-01T00:00:00Z | no expiry | no expiry |
//! | `groups` | a text with commas, or an array of texts | no groups | no groups |
//!
//! [`with_record`](SqlBuilder::with_record) converts further columns to a record. The query must
//! convert dates: with `unixepoch(expires)` in SQLite, `extract(epoch FROM expires)::bigint` in
//! PostgreSQL, and `UNIX_TIMESTAMP(expires)` in MySQL.
//!
//! - Databases ignore case, accents or trailing blanks. A row whose name differs from the one that
//!   was sent is ignored, so that no user has two names. Trailing blanks of the name in the row are
//!   removed first, since `CHAR(n)` adds them; a sent name with trailing blanks matches no row.
//! - A user with two rows, or with a value of another type or form, has an
//!   [unusable record](crate::Verdict::Unusable) and cannot log in.
//! - The name is a parameter of the query, never a part of it. Users whose name has a NUL or more
//!   than 256 bytes do not exist, and are not looked up.
//! - If the database is slow or cannot be reached, the client gets 503. Every wait has a timeout.
//!   Connections are tested before they are reused, unless they are those of your own pool.
//! - Only a client with the right password learns that an account is disabled or has expired.
//!
//! # Examples
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_proxy_auth::{Authenticator, Realm, backend::sql::Sql, digest::HashFunction};
//!
//! let users = Sql::builder("postgres://proxy@db.example.org/users?sslmode=verify-full")
//!     .with_query(
//!         "SELECT name, password_hash, ha1_sha256, NOT locked AS enabled \
//!          FROM staff WHERE name = $1",
//!     )
//!     .with_digest([HashFunction::Sha256])
//!     .build()?;
//! let realm = Realm::new("corp proxy")?;
//! if let Err(error) = users.check(&realm).await {
//!     eprintln!("{error}"); // print its source too, and continue if it is transient
//! }
//! let auth = Authenticator::builder(realm)
//!     .with_digest(users.clone())
//!     .with_basic(users)
//!     .build()?;
//! # let _ = auth;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! `sql-sqlite`, `sql-postgres` and `sql-mysql` each enable `sql`, which opens no database by
//! itself. They use [`sqlx`](https://docs.rs/sqlx/0.9), which needs Rust 1.94. `sql-sqlite` links
//! `libsqlite3-sys` 0.37, so no other version of it can be in the same program.
//!
//! # TLS
//! TLS to a server needs the feature `tls-ring` or `tls-aws-lc-rs`. Without them, a URL that
//! requires TLS is refused when the validator is built. The authorities of the operating system are
//! trusted, and in addition those in the file that the URL names (`sslrootcert`, `ssl-ca`). sqlx
//! uses ring if it is compiled with both providers.
//!
//! For `sslmode=verify-ca` and `ssl-mode=VERIFY_CA`, which ignore the name in the certificate, sqlx
//! uses the default provider of the process. Install one with
//! `rustls::crypto::CryptoProvider::install_default` first, or the URL is refused. With your own
//! pool, sqlx may panic instead.
//!
//! # Security
//! The connection to a server carries password hashes, and H(A1)s that are as good as passwords.
//! Require TLS and a check of the certificate in the URL, since neither is a default:
//! `sslmode=verify-full` for PostgreSQL, `ssl-mode=VERIFY_IDENTITY` for MySQL. Unknown options are
//! refused. Errors may quote the value of an option, so put no password after the `?`.
//!
//! Use a database user that may only read this table. Buffers of sqlx are not wiped.

mod builder;
mod check;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres", feature = "sql-sqlite"))]
mod database;
mod error;
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres", feature = "sql-sqlite"))]
mod failure;
mod max_cost;
#[cfg(feature = "sql-mysql")]
pub mod mysql;
#[cfg(feature = "sql-postgres")]
pub mod postgres;
mod query;
mod row;
#[cfg(feature = "sql-sqlite")]
pub mod sqlite;
mod url;
mod user;
mod validator;

pub use builder::SqlBuilder;
pub use error::SqlConfigError;
pub use row::{SqlRow, SqlRowError};
pub use validator::Sql;
