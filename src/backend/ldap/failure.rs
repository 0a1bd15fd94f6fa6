//! Failures of a server to give a verdict.

use std::fmt;

use ldap3::{LdapError, LdapResult};

use super::tls;

/// Why a server gave no verdict. Contains no password.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    text: String,
}

/// The kind of a failure, which decides about further attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The connection was lost. If it had been idle, a new one may work.
    Lost,
    /// The server cannot be reached or does not answer.
    Unreachable,
    /// The server is misconfigured: its certificate is invalid, for instance.
    Misconfigured,
    /// The server is busy.
    Busy,
    /// The server gave an answer that another server would give as well.
    Final,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// An error on an open connection.
    pub(super) fn of_operation(error: &LdapError) -> Self {
        match error {
            LdapError::Io { .. }
            | LdapError::OpSend { .. }
            | LdapError::ResultRecv { .. }
            | LdapError::IdScrubSend { .. }
            | LdapError::MiscSend { .. }
            | LdapError::EndOfStream => Self::new(FailureKind::Lost, "the connection was closed"),
            other => Self::new(FailureKind::Final, other.to_string()),
        }
    }

    /// An error while connecting.
    pub(super) fn of_connecting(error: &LdapError) -> Self {
        let kind = match error {
            LdapError::Io { source } if !tls::is_of_tls(source) => FailureKind::Unreachable,
            LdapError::ResultRecv { .. } => FailureKind::Unreachable,
            _ => FailureKind::Misconfigured,
        };
        Self::new(kind, format!("no connection: {error}"))
    }

    /// An unsuccessful result of `operation`.
    pub(super) fn of_result(operation: &str, result: &LdapResult) -> Self {
        let kind = match result.rc {
            TIME_LIMIT_EXCEEDED | BUSY | UNAVAILABLE => FailureKind::Busy,
            _ => FailureKind::Final,
        };
        let name = name_of_code(result.rc);
        // The text comes from the network.
        let said: String = result.text.chars().take(200).collect();
        Self::new(kind, format!("{operation}: result {}{name}, {said:?}", result.rc))
    }

    /// Adds the context in which it failed.
    pub(super) fn about(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }

    /// Blames the server for an answer, so that another server is tried.
    pub(super) fn into_server_failure(self) -> Self {
        match self.kind {
            FailureKind::Final => Self { kind: FailureKind::Misconfigured, ..self },
            _ => self,
        }
    }

    /// Whether another server may give a verdict.
    pub(super) fn is_worth_another_server(&self) -> bool {
        self.kind != FailureKind::Final
    }

    /// Whether this server should be avoided for a while.
    pub(super) fn is_of_server(&self) -> bool {
        use FailureKind::{Lost, Misconfigured, Unreachable};
        matches!(self.kind, Lost | Unreachable | Misconfigured)
    }

    /// Whether trying again may help.
    pub(super) fn is_transient(&self) -> bool {
        use FailureKind::{Busy, Lost, Unreachable};
        matches!(self.kind, Lost | Unreachable | Busy)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const TIME_LIMIT_EXCEEDED: u32 = 3;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

/// The names of the results that operators are likely to see.
const fn name_of_code(code: u32) -> &'static str {
    match code {
        1 => " (operations error)",
        2 => " (protocol error)",
        TIME_LIMIT_EXCEEDED => " (time limit exceeded)",
        4 => " (size limit exceeded)",
        8 => " (stronger authentication required)",
        10 => " (referral, which is not followed)",
        11 => " (administrative limit exceeded)",
        13 => " (confidentiality required)",
        19 => " (constraint violation)",
        32 => " (no such object)",
        34 => " (invalid DN syntax)",
        49 => " (invalid credentials)",
        50 => " (insufficient access rights)",
        BUSY => " (busy)",
        UNAVAILABLE => " (unavailable)",
        53 => " (unwilling to perform)",
        80 => " (other)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    use std::io;

    use super::*;

    fn result(code: u32, text: &str) -> LdapResult {
        let (matched, refs, ctrls) = (String::new(), Vec::new(), Vec::new());
        LdapResult { rc: code, matched, text: text.to_owned(), refs, ctrls }
    }

    #[test]
    fn decides_whether_to_try_the_next_server() {
        for (code, kind) in [
            (1, FailureKind::Final),
            (2, FailureKind::Final),
            (3, FailureKind::Busy),
            (10, FailureKind::Final),
            (50, FailureKind::Final),
            (51, FailureKind::Busy),
            (52, FailureKind::Busy),
            (53, FailureKind::Final),
            (80, FailureKind::Final),
            (9_999, FailureKind::Final),
        ] {
            let failure = Failure::of_result("search", &result(code, ""));
            assert_eq!(failure.kind, kind, "{code}");
            assert_eq!(failure.is_worth_another_server(), kind != FailureKind::Final);
            assert_eq!(failure.is_transient(), kind == FailureKind::Busy, "{code}");
            assert!(!failure.is_of_server(), "{code}");
        }
    }

    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    #[test]
    fn only_a_refused_connection_is_transient() {
        let of = |source: io::Error| Failure::of_connecting(&LdapError::Io { source });
        let refused = of(io::ErrorKind::ConnectionRefused.into());
        let untrusted = of(io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
        ));
        for (failure, is_transient) in [(refused, true), (untrusted, false)] {
            assert_eq!(failure.is_transient(), is_transient, "{failure}");
            assert!(failure.is_of_server() && failure.is_worth_another_server(), "{failure}");
        }
    }

    #[test]
    fn shows_messages_escaped_and_cut() {
        let failure = Failure::of_result("search", &result(53, "no\nway"));
        assert_eq!(failure.to_string(), "search: result 53 (unwilling to perform), \"no\\nway\"");
        let failure = Failure::of_result("search", &result(9_999, &"x".repeat(1_000)));
        assert_eq!(failure.to_string(), format!("search: result 9999, {:?}", "x".repeat(200)));
    }
}
