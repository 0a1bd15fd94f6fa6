//! What operators see: the audit file, metrics, and the programs that read them.

mod audit;
mod fail2ban;
mod maintenance;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(all(feature = "ldap", feature = "metrics", feature = "sql-sqlite"))]
mod secrets;
