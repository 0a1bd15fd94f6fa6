//! Logs how many events are lost, without a line for each.

use std::time::{Duration, Instant};

/// The minimum time between two reports.
const INTERVAL: Duration = Duration::from_secs(1);

/// Counts lost events, and logs their number at most once a second.
pub(super) struct LossLog {
    /// Whose events they are.
    name: String,
    total: u64,
    reported: u64,
    cause: String,
    last_report: Option<Instant>,
}

impl LossLog {
    pub(super) const fn new(name: String) -> Self {
        Self { name, total: 0, reported: 0, cause: String::new(), last_report: None }
    }

    /// Adds lost events.
    pub(super) fn add(&mut self, events: usize, cause: &str) {
        self.set(self.total.saturating_add(events as u64), cause);
    }

    /// Sets the number of events that have been lost so far.
    pub(super) fn set(&mut self, total: u64, cause: &str) {
        if total > self.total {
            self.total = total;
            cause.clone_into(&mut self.cause);
        }
    }

    /// Logs what is new, unless it is too early; returns the time until then.
    pub(super) fn report(&mut self) -> Option<Duration> {
        let line = self.take(Instant::now())?;
        match line {
            Ok(line) => tracing::error!("{line}"),
            Err(wait) => return Some(wait),
        }
        None
    }

    /// Logs what is new, because the process ends.
    pub(super) fn report_now(&mut self) {
        self.last_report = None;
        self.report();
    }

    /// The line if there is anything new, or the time until it is due.
    fn take(&mut self, now: Instant) -> Option<Result<String, Duration>> {
        let lost = self.total.checked_sub(self.reported).filter(|lost| *lost > 0)?;
        let since = self.last_report.map_or(INTERVAL, |last| now.saturating_duration_since(last));
        if let Some(wait) = INTERVAL.checked_sub(since).filter(|wait| !wait.is_zero()) {
            return Some(Err(wait));
        }
        self.last_report = Some(now);
        self.reported = self.total;
        let events = if lost == 1 { "event is" } else { "events are" };
        Some(Ok(format!("{}: {lost} {events} lost: {}", self.name, self.cause)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_at_most_once_a_second_and_forgets_nothing() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut log = LossLog::new("--audit f".to_owned());
        assert_eq!(log.take(start), None);
        log.add(1, "full");
        assert_eq!(log.take(start), Some(Ok("--audit f: 1 event is lost: full".to_owned())));
        assert_eq!(log.take(start), None);
        log.add(2, "full");
        assert_eq!(log.take(at(400)), Some(Err(Duration::from_millis(600))));
        log.add(3, "broken");
        log.set(6, "older");
        assert_eq!(
            log.take(at(1_000)),
            Some(Ok("--audit f: 5 events are lost: broken".to_owned()))
        );
        assert_eq!(log.take(at(5_000)), None);
    }
}
