//! What operators see: the audit file, metrics, and the programs that read them.

mod audit;
#[cfg(feature = "metrics")]
mod metrics;
