//! Turns errors of sqlx into errors that may be logged.

use sqlx::error::DatabaseError;

use crate::error::BackendError;

/// Describes an error without the values of the query's parameters.
///
/// People type passwords into the name field, and databases quote values that they cannot read. So
/// a message about a value is left out, and parameters are removed from all others.
pub(super) fn failure(error: &sqlx::Error, parameters: &[String]) -> BackendError {
    let text = match error {
        sqlx::Error::Database(error) => message(error.as_ref(), parameters),
        // Each may quote from a packet with a value.
        sqlx::Error::Protocol(_) => "the server violated the protocol".to_owned(),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            "a value cannot be read".to_owned()
        }
        other => other.to_string(),
    };
    if is_transient(error) { BackendError::transient(text) } else { BackendError::new(text) }
}

/// Describes an error that occurred while connecting, before any value was sent. It names what the
/// driver does not support, such as a login plugin.
pub(super) fn connect_failure(error: &sqlx::Error) -> BackendError {
    /// The longest part of a message of the driver, in characters.
    const MAX_TEXT: usize = 200;
    match error {
        sqlx::Error::Protocol(text) => {
            let text: String = text.chars().take(MAX_TEXT).flat_map(char::escape_debug).collect();
            BackendError::new(format!("the connection to the server failed: {text}"))
        }
        other => failure(other, &[]),
    }
}

/// Whether the error may pass by itself, such as a lost connection or a server that restarts.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            is_transient_code(&error.code().unwrap_or_default())
                && !is_mistake_of_ours(error.message())
        }
        _ => false,
    }
}

/// Whether the message is about something that we sent, so that another attempt fails too.
/// pgbouncer has one code for this and for a server that does not answer.
fn is_mistake_of_ours(message: &str) -> bool {
    let starts = [
        "unsupported startup parameter",
        "bind message supplies",
        // MySQL has one code for this and for too many connections.
        "Client does not support authentication protocol",
    ];
    starts.iter().any(|start| message.starts_with(start))
}

/// The code is an SQLSTATE of five characters, or a number of SQLite.
fn is_transient_code(code: &str) -> bool {
    /// SQLite's codes in the lower eight bits: busy, locked, out of memory, I/O error, disk full.
    const SQLITE: [u32; 5] = [5, 6, 7, 10, 13];
    match code.parse::<u32>() {
        Ok(number) if code.len() != 5 => SQLITE.contains(&(number & 0xFF)),
        // Classes: connection, rollback, resources, operator intervention, system.
        _ => ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)),
    }
}

fn message(error: &dyn DatabaseError, parameters: &[String]) -> String {
    let code = error.code().unwrap_or_default();
    // Classes: data, constraints, and errors that stored procedures raise.
    let is_about_a_value = ["22", "23", "45", "P0"].iter().any(|class| code.starts_with(class));
    if code.len() == 5 && is_about_a_value {
        return format!("the database refused a value (SQLSTATE {code})");
    }
    let said = parameters
        .iter()
        .filter(|parameter| !parameter.is_empty())
        .fold(error.message().to_owned(), |said, one| said.replace(one.as_str(), "[..]"));
    format!("the database reported: {said} ({code})")
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error, fmt, io};

    use sqlx::error::ErrorKind;

    use super::*;

    #[derive(Debug)]
    struct Said(&'static str, &'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
    }

    impl Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.1
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn regression_a_short_name_is_only_removed_from_the_text_of_the_database() {
        let error = Said("1", "no such table: staff").into();
        let failure = failure(&error, &["a".to_owned()]);
        let text = failure.source().unwrap().to_string();
        assert_eq!(text, "the database reported: no such t[..]ble: st[..]ff (1)");
    }

    fn shown(error: sqlx::Error) -> (String, bool) {
        let failure = failure(&error, &["wonder".to_owned(), String::new()]);
        (failure.source().unwrap().to_string(), failure.is_transient())
    }

    #[test]
    fn names_what_the_driver_does_not_support() {
        let error = sqlx::Error::Protocol("unknown authentication plugin: \u{1b}x".to_owned());
        let failure = connect_failure(&error);
        assert_eq!(
            failure.source().unwrap().to_string(),
            "the connection to the server failed: unknown authentication plugin: \\u{1b}x"
        );
        assert!(!failure.is_transient());
        let long = connect_failure(&sqlx::Error::Protocol("x".repeat(10_000)));
        assert!(long.source().unwrap().to_string().len() < 300);
    }

    #[test]
    fn shows_no_value_of_a_parameter() {
        for (error, text, transient) in [
            (
                Said("42703", "column \"hash\" does not exist").into(),
                "the database reported: column \"hash\" does not exist (42703)",
                false,
            ),
            (
                Said("22P02", "invalid input syntax for type integer: \"wonder\"").into(),
                "the database refused a value (SQLSTATE 22P02)",
                false,
            ),
            (
                Said("HY000", "cannot convert 'wonder'").into(),
                "the database reported: cannot convert '[..]' (HY000)",
                false,
            ),
            (
                Said("57P01", "terminating connection").into(),
                "the database reported: terminating connection (57P01)",
                true,
            ),
            (
                Said("08P01", "unsupported startup parameter: options").into(),
                "the database reported: unsupported startup parameter: options (08P01)",
                false,
            ),
            (
                Said("08P01", "server login has been failing, try again later").into(),
                "the database reported: server login has been failing, try again later (08P01)",
                true,
            ),
            (
                Said("5", "database is locked").into(),
                "the database reported: database is locked (5)",
                true,
            ),
            (Said("261", "busy").into(), "the database reported: busy (261)", true),
            (Said("1", "no such table").into(), "the database reported: no such table (1)", false),
            (
                sqlx::Error::Protocol("unexpected wonder".to_owned()),
                "the server violated the protocol",
                false,
            ),
            (sqlx::Error::Decode("wonder".into()), "a value cannot be read", false),
            (
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
                "error communicating with database: connection reset",
                true,
            ),
        ] {
            assert_eq!(shown(error), (text.to_owned(), transient));
        }
    }
}
