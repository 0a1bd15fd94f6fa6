//! Maintenance for as long as a file exists: `--maintenance`.

use std::{path::PathBuf, time::SystemTime};

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use tower_proxy_auth::Authenticator;

use crate::{
    hangup::Hangups,
    watched_file::{Content, WatchedFile},
};

/// The maximum number of logged characters of a line that is not a time.
const MAX_SHOWN: usize = 64;

/// A file that starts maintenance when it is created, and ends it when it is removed.
pub(crate) struct MaintenanceFile {
    file: WatchedFile,
    auth: Authenticator,
}

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    /// The file does not exist.
    Serve,
    /// Maintenance with the announced end.
    Stop(Option<SystemTime>),
    /// Maintenance without one: the mistake in the file, as it follows the file's name.
    Mistake(String),
}

impl MaintenanceFile {
    /// Starts maintenance if the file exists.
    pub(crate) fn open(path: PathBuf, auth: Authenticator) -> Self {
        let file = WatchedFile::open(path);
        let new = Self { file, auth };
        new.warn_without_folder();
        new.obey();
        new
    }

    /// Starts and ends maintenance as the file comes and goes. It never ends.
    pub(crate) async fn watch(mut self, mut hangups: Hangups) {
        loop {
            self.file.changed(&mut hangups).await;
            self.obey();
        }
    }

    /// Otherwise, nobody would notice a mistyped option before the first maintenance.
    fn warn_without_folder(&self) {
        let path = self.file.path();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            tracing::warn!("--maintenance {path:?}: the folder does not exist");
        }
    }

    fn obey(&self) {
        let (path, was_on) = (self.file.path(), self.auth.maintenance().is_some());
        let until = match order(self.file.content()) {
            Order::Serve => {
                self.auth.end_maintenance();
                if was_on {
                    tracing::info!("--maintenance {path:?} was removed: maintenance has ended");
                }
                return;
            }
            Order::Stop(until) => until,
            Order::Mistake(mistake) => {
                tracing::error!("--maintenance {path:?}{mistake}; the end is not announced");
                None
            }
        };
        self.auth.set_maintenance(until);
        let state = if was_on { "goes on" } else { "begins: every request is refused" };
        let end = match until {
            Some(until) => format!("announced until {}", humantime::format_rfc3339_seconds(until)),
            None => "without an announced end".to_owned(),
        };
        tracing::info!("--maintenance {path:?}: maintenance {state}, {end}");
        if until.is_some_and(|until| until <= SystemTime::now()) {
            tracing::warn!("--maintenance {path:?}: the announced end has passed");
        }
    }
}

fn order(content: &Content) -> Order {
    let text = match content {
        Ok(text) => text,
        Err(error) if error.is_absence() => return Order::Serve,
        Err(error) => return Order::Mistake(format!(": {error}")),
    };
    let mut lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    let mistake = |number: usize, line: &str, expected| {
        let shown: String = line.chars().take(MAX_SHOWN).collect();
        Order::Mistake(format!(", line {number}: {expected}, not {shown:?}"))
    };
    match (lines.next(), lines.next()) {
        (None, _) => Order::Stop(None),
        (Some(_), Some((line, number))) => mistake(number, line, "expected one line"),
        (Some((line, number)), None) => match time(line) {
            Some(until) => Order::Stop(Some(until)),
            None => mistake(number, line, "expected a time such as 2030-01-31T18:00:00+09:00"),
        },
    }
}

/// Parses a date and a time with an offset from UTC, RFC 3339.
fn time(text: &str) -> Option<SystemTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    // The log cannot show others.
    (1_970..=9_999).contains(&time.year()).then(|| time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_times_in_every_zone() {
        for (text, utc) in [
            ("2030-01-31T18:00:00Z", Some("2030-01-31T18:00:00Z")),
            ("2030-01-31T18:00:00+00:00", Some("2030-01-31T18:00:00Z")),
            ("2030-01-31T18:00:00-00:00", Some("2030-01-31T18:00:00Z")),
            ("2030-01-31T18:00:00+09:00", Some("2030-01-31T09:00:00Z")),
            ("2030-02-01T08:59:59+09:00", Some("2030-01-31T23:59:59Z")),
            ("2030-01-31T18:00:00-03:30", Some("2030-01-31T21:30:00Z")),
            ("2030-01-31t18:00:00z", Some("2030-01-31T18:00:00Z")),
            ("2030-01-31 18:00:00+09:00", Some("2030-01-31T09:00:00Z")),
            ("2030-01-31T18:00:00.5+09:00", Some("2030-01-31T09:00:00.5Z")),
            ("9999-12-31T23:59:59+00:01", Some("9999-12-31T23:58:59Z")),
            ("9999-12-31T23:59:59-00:01", None),
            ("1970-01-01T00:00:00+00:01", None),
            ("2030-01-31T18:00:00", None),
            ("2030-01-31T18:00:00+0900", None),
            ("2030-01-31T18:00:00+9:00", None),
            ("2030-01-31T18:00:00+24:00", None),
            ("2030-01-31T18:00:00+09:60", None),
            ("2030-01-31T18:00:00++9:00", None),
            ("2030-01-31T18:00:00+00:00+09:00", None),
            ("2030-01-31T18:00:00Z+09:00", None),
            ("2030-01-31T18:00:00ZZ", None),
            ("2030-02-30T18:00:00Z", None),
            ("2030-01-31T25:00:00Z", None),
            ("2030-01-31T18:00Z", None),
            ("2030-01-31", None),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("tomorrow", None),
            ("１２３０年", None),
            ("+09:00", None),
            ("Z", None),
            ("", None),
        ] {
            let expected = utc.map(|utc| humantime::parse_rfc3339(utc).unwrap());
            assert_eq!(time(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_with_a_mistake_stops_the_proxy_as_well() {
        let end = humantime::parse_rfc3339("2030-01-31T09:00:00Z").unwrap();
        let mistake = |text: &str| Order::Mistake(text.to_owned());
        for (text, expected) in [
            ("", Order::Stop(None)),
            ("\n \r\n", Order::Stop(None)),
            ("2030-01-31T18:00:00+09:00\n", Order::Stop(Some(end))),
            ("\r\n 2030-01-31T18:00:00+09:00 \r\n\r\n", Order::Stop(Some(end))),
            (
                "\nsix o'clock\u{7}\n",
                mistake(
                    ", line 2: expected a time such as 2030-01-31T18:00:00+09:00, \
                     not \"six o'clock\\u{7}\"",
                ),
            ),
            (
                "2030-01-31T18:00:00+09:00\n\nback soon",
                mistake(", line 3: expected one line, not \"back soon\""),
            ),
        ] {
            assert_eq!(order(&Ok(text.to_owned())), expected, "{text:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let of = |path| order(WatchedFile::open(path).content());
        assert_eq!(of(folder.path().join("absent")), Order::Serve);
        let unreadable = of(folder.path().to_owned());
        assert_eq!(unreadable, mistake(": not a file of at most 16 MiB"));
    }
}
