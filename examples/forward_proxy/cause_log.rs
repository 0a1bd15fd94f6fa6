//! Logs why back ends fail, without a line for every request.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::Response;
use tokio::time::Instant;
use tower_proxy_auth::{Reason, Refusal};

/// A cause that was logged is not logged again for this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// The maximum number of causes of each kind that are logged in this time.
const MAX_CAUSES: usize = 64;

/// The causes that were logged a moment ago.
///
/// There is one limit for each kind: a client that tries the names of many unusable records must not
/// hide a failure.
#[derive(Debug, Default)]
pub(crate) struct CauseLog {
    failures: Recent,
    records: Recent,
}

/// The times when causes were last logged.
#[derive(Debug, Default)]
struct Recent(Mutex<HashMap<String, Instant>>);

impl CauseLog {
    /// Logs the cause if `response` is a refusal that the operator can do something about: a failed
    /// back end or an unusable record.
    pub(crate) fn record<B>(&self, response: &Response<B>) {
        let Some(refusal) = response.extensions().get::<Refusal>() else { return };
        let Some(causes) = refusal.causes() else { return };
        let is_failure = refusal.status().is_server_error();
        if !is_failure && refusal.reason() != Reason::UnusableRecord {
            return;
        }
        let text = format!("{refusal}: caused by: {causes}");
        match is_failure {
            true => self.failure(&text),
            false if self.records.is_due(&text) => tracing::warn!("{text}"),
            false => {}
        }
    }

    /// Logs the failure of a back end.
    pub(crate) fn failure(&self, text: &str) {
        if self.failures.is_due(text) {
            tracing::error!("{text}");
        }
    }
}

impl Recent {
    fn is_due(&self, cause: &str) -> bool {
        let now = Instant::now();
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.retain(|_, time| now.duration_since(*time) < INTERVAL);
        if logged.len() >= MAX_CAUSES || logged.contains_key(cause) {
            return false;
        }
        logged.insert(cause.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn each_cause_is_due_once_a_second() {
        let log = Recent::default();
        for _ in 0..2 {
            assert!(log.is_due("timeout"));
            advance(INTERVAL / 2).await;
            assert!(!log.is_due("timeout"));
            assert!(log.is_due("refused"));
            advance(INTERVAL / 2).await;
            assert!(!log.is_due("refused"));
        }
    }

    #[test]
    fn regression_unusable_records_do_not_hide_failures() {
        let log = CauseLog::default();
        for number in 0..1_000 {
            log.records.is_due(&number.to_string());
        }
        assert!(log.failures.is_due("the directory does not answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn remembers_a_limited_number_of_causes() {
        let log = Recent::default();
        let logged = (0..10_000).filter(|number| log.is_due(&number.to_string())).count();
        assert_eq!(logged, MAX_CAUSES);
        advance(INTERVAL).await;
        assert!(log.is_due("another"));
        assert_eq!(log.0.lock().expect("no panic").len(), 1);
    }
}
