//! Users in a table of a database: SQLite, PostgreSQL, MySQL or MariaDB.
//!
//! The operator gives the query, or keeps the default one of the database and its table. It takes
//! the name and answers one row for a user, none for nobody. Columns are found by their names:
//!
//! | column | holds | if it is missing or NULL |
//! |---|---|---|
//! | `name` | the name, byte for byte the one that was asked for | missing: 503; NULL: nobody |
//! | `password_hash` | what [`PasswordHash`](super::password_hash::PasswordHash) reads, for Basic | missing: Basic gets 503; NULL: no password is right |
//! | `ha1_sha256`, `ha1_sha512_256`, `ha1_md5` | H(A1) in hex, for Digest | 503 where [`with_digest`](SqlBuilder::with_digest) names the function |
//! | `enabled` | a boolean, 0 or 1 | missing: yes; NULL: no |
//! | `expires` | an integer: seconds since 1970-01-01T00:00:00Z | never |
//! | `groups` | a text with commas, or an array of texts | none |
//!
//! Any other columns can be made into a record of your own:
//! [`with_record`](SqlBuilder::with_record). Dates are converted by the query: `unixepoch(expires)`
//! in SQLite, `extract(epoch FROM expires)::bigint` in PostgreSQL, `UNIX_TIMESTAMP(expires)` in
//! MySQL.
//!
//! - A database folds what it takes for the same: letter case, accents, blanks at the end. So a row
//!   whose name is not the one that was asked for is nobody's, and two rows are a failure.
//! - The name is a parameter and never a part of the query. One with a NUL, or of more than 256
//!   bytes, is nobody's, and the database is not even asked.
//! - A database that cannot be reached, is slow, or holds something broken is a failure: 503, never
//!   a wrong password. Every wait has an end, a connection on which something failed is closed, and
//!   once the server is back, the next request is served.
//! - Only a client that knows the password learns that an account is disabled or has expired.
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
//!     eprintln!("{error}"); // with its source; go on if it is transient
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
//! `sql-sqlite`, `sql-postgres` and `sql-mysql` each switch on `sql`, which by itself opens no
//! database. They are built on [`sqlx`](https://docs.rs/sqlx/0.9), which needs Rust 1.94.
//!
//! # Security
//! The connection to a server carries password hashes, and H(A1)s that are as good as passwords:
//! ask for TLS and for a check of the certificate in the URL (`sslmode=verify-full` to PostgreSQL,
//! `ssl-mode=VERIFY_IDENTITY` to MySQL), since by default neither is insisted upon. An option that
//! is misspelt is a mistake in the set-up and is named, and errors may quote what an option is set
//! to: put no password behind the `?`.
//!
//! Give the proxy a database user that may read that one table and nothing else. What sqlx keeps of
//! an answer in its buffers is not wiped.

mod builder;
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
mod row;
mod source;
#[cfg(feature = "sql-sqlite")]
pub mod sqlite;
mod url;
mod user;
mod validator;

pub use builder::SqlBuilder;
pub use error::SqlConfigError;
pub use row::{SqlRow, SqlRowError};
pub use validator::Sql;
