//! Unusual answers of a server, none of which lets a user in.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tower_proxy_auth::backend::ldap::Ldap;

use super::{Warnings, assert_contains, direct, failure, search, verdict};
use crate::support::false_ldap::{BIND, FalseLdap, SEARCH, element, result};

/// One of the answers to a search.
type Item = fn() -> Vec<u8>;

/// A server at which every bind succeeds and every search has these answers.
async fn finding(items: &'static [Item]) -> (Ldap, FalseLdap) {
    let server = FalseLdap::answering(move |request| match request {
        SEARCH => items.iter().map(|item| item()).collect(),
        other => vec![result(other, 0, "")],
    })
    .await;
    (search(server.url()).build().unwrap(), server)
}

fn octets(text: &str) -> Vec<u8> {
    element(0x04, text.as_bytes())
}

/// An entry with these values of `uid`.
fn entry(values: &[&str]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| octets(value)).collect();
    let attribute = [octets("uid"), element(0x31, &values)].concat();
    let attributes = element(0x30, &element(0x30, &attribute));
    element(0x64, &[octets("uid=alice,dc=org"), attributes].concat())
}

fn alice() -> Vec<u8> {
    entry(&["alice"])
}

fn reference() -> Vec<u8> {
    element(0x73, &octets("ldap://other.example.org/"))
}

fn done() -> Vec<u8> {
    result(SEARCH, 0, "")
}

fn size_limit_exceeded() -> Vec<u8> {
    result(SEARCH, 4, "")
}

fn referral() -> Vec<u8> {
    let content = [&[0x0a, 1, 10, 0x04, 0, 0x04, 0][..], &element(0xa3, &octets("ldap://b/"))];
    element(0x65, &content.concat())
}

fn latin_1() -> Vec<u8> {
    let attribute = [octets("uid"), element(0x31, &element(0x04, b"alic\xe9"))].concat();
    element(0x64, &[octets("uid=alice"), element(0x30, &element(0x30, &attribute))].concat())
}

#[tokio::test]
async fn accepts_only_a_single_entry_with_the_name() {
    let found: &[(&str, &'static [Item], &str)] = &[
        ("one", &[alice, done], "accepted alice"),
        ("none", &[done], "unknown"),
        ("another spelling", &[|| entry(&["Alice"]), done], "unknown"),
        ("two names", &[|| entry(&["al", "alice"]), done], "accepted alice"),
        ("two other names", &[|| entry(&["al", "Alice"]), done], "unknown"),
    ];
    for (name, items, expected) in found {
        let (ldap, _server) = finding(items).await;
        assert_eq!(verdict(&ldap, "alice", "wonder").await, *expected, "{name}");
    }
    let unusable: &[(&str, &'static [Item], &str)] = &[
        ("two", &[alice, alice, done], "finds more than one entry"),
        ("two, above the limit", &[alice, alice, size_limit_exceeded], "finds more than one entry"),
        ("three, despite the limit", &[alice, alice, alice, done], "finds more than one entry"),
        ("no name", &[|| entry(&[]), done], "has no uid"),
        ("not UTF-8", &[latin_1, done], "is not UTF-8"),
    ];
    for (name, items, cause) in unusable {
        let (ldap, server) = finding(items).await;
        let verdict = verdict(&ldap, "alice", "wonder").await;
        assert!(verdict.starts_with("unusable: ") && verdict.contains(cause), "{name}: {verdict}");
        // A bind of the service account, and one to the decoy as for an unknown user.
        assert_eq!(server.accepted(), 2, "{name}");
    }
    let failed: &[(&str, &'static [Item], &str)] = &[
        ("one, and others withheld", &[alice, size_limit_exceeded], "size limit exceeded"),
        ("a referral", &[referral], "result 10 (referral, which is not followed)"),
    ];
    for (name, items, cause) in failed {
        let (ldap, _server) = finding(items).await;
        let (text, transient) = failure(&ldap, "alice", "wonder").await;
        assert!(text.contains(cause), "{name}: {text}");
        assert!(!transient, "{name}");
    }
}

#[tokio::test]
async fn ignores_references_and_reports_them_once() {
    let table: &[(&str, &'static [Item], &str, Option<&str>)] = &[
        ("and the user", &[reference, alice, reference, done], "accepted alice", None),
        ("only", &[reference, done], "unknown", Some("finds nothing and refers to other servers")),
    ];
    for (name, items, expected, strictly) in table {
        let server = FalseLdap::answering(|request| match request {
            SEARCH => items.iter().map(|item| item()).collect(),
            other => vec![result(other, 0, "")],
        })
        .await;
        for is_strict in [false, true] {
            let (warnings, warned) = Warnings::collecting();
            let builder = search(server.url()).with_server(server.url()).on_warning(warned);
            let ldap = builder.with_strict_references(is_strict).build().unwrap();
            for _ in 0..3 {
                match strictly.filter(|_| is_strict) {
                    Some(cause) => {
                        let (text, transient) = failure(&ldap, "alice", "wonder").await;
                        assert_contains(&text, cause);
                        assert!(!transient);
                    }
                    None => {
                        assert_eq!(verdict(&ldap, "alice", "wonder").await, *expected, "{name}")
                    }
                }
            }
            let is_failure = is_strict && strictly.is_some();
            assert_eq!(warnings.seen().len(), usize::from(!is_failure), "{name}, {is_strict}");
        }
    }
}

#[tokio::test]
async fn other_results_of_a_bind_are_failures() {
    for (code, transient) in [
        (1, false),
        (2, false),
        (3, true),
        (7, false),
        (8, false),
        (10, false),
        (11, false),
        (13, false),
        (14, false),
        (34, false),
        (50, false),
        (51, true),
        (52, true),
        (53, false),
        (80, false),
    ] {
        let server = FalseLdap::with_result(code, "no\nway").await;
        for builder in [direct(server.url()), search(server.url())] {
            let (text, is_transient) = failure(&builder.build().unwrap(), "alice", "wonder").await;
            assert_contains(&text, &format!("result {code}"));
            assert_contains(&text, "\"no\\nway\"");
            assert_eq!(is_transient, transient, "{text}");
        }
    }
}

#[tokio::test]
async fn results_about_the_user_are_verdicts() {
    for (code, text, expected) in [
        (49, "", "wrong"),
        (48, "", "wrong"),
        (19, "too many failed logins", "wrong"),
        (32, "", "unknown"),
        (49, "AcceptSecurityContext error, data 52e, v4563", "wrong"),
        (49, "AcceptSecurityContext error, data 533, v4563", "disabled"),
        (49, "AcceptSecurityContext error, data 532, v4563", "expired"),
        (49, "AcceptSecurityContext error, data 701, v4563", "expired"),
        (49, "AcceptSecurityContext error, data 773, v4563", "expired"),
        (49, "AcceptSecurityContext error, data 775, v4563", "wrong"),
    ] {
        let server = FalseLdap::with_result(code, text).await;
        let ldap = direct(server.url()).build().unwrap();
        assert_eq!(verdict(&ldap, "alice", "wonder").await, expected, "{code} {text}");
    }
}

#[tokio::test]
async fn a_refused_service_account_is_a_failure() {
    let server = FalseLdap::with_result(49, "").await;
    let ldap = search(server.url()).build().unwrap();
    for password in ["wonder", "wrong"] {
        let (text, transient) = failure(&ldap, "alice", password).await;
        let cause = "the service account \"cn=proxy,dc=example,dc=org\": bind: result 49 (invalid \
                     credentials)";
        assert_contains(&text, cause);
        assert!(!transient);
    }
}

#[tokio::test]
async fn an_unreadable_own_entry_is_a_failure() {
    // Every bind succeeds and no entry is found.
    let server = FalseLdap::with_result(0, "").await;
    let ldap = direct(server.url()).build().unwrap();
    let (text, _) = failure(&ldap, "alice", "wonder").await;
    assert_contains(&text, "the user's own entry is not found");
}

/// A successful bind to the decoy does not make a user known, and one that the server refuses for
/// whatever reason is not a failure.
#[tokio::test]
async fn regression_the_result_of_the_decoy_is_ignored() {
    for (name, items, expected) in [
        ("unknown", vec![done as Item], "unknown"),
        ("two entries", vec![alice as Item, alice, done], "unusable: "),
    ] {
        for code in [0, 1, 19, 32, 49, 51, 53] {
            let (items, binds) = (items.clone(), AtomicUsize::new(0));
            let server = FalseLdap::answering(move |request| match request {
                SEARCH => items.iter().map(|item| item()).collect(),
                // The first bind is that of the service account.
                BIND if binds.fetch_add(1, Ordering::SeqCst) == 0 => vec![result(BIND, 0, "")],
                other => vec![result(other, code, "")],
            })
            .await;
            let ldap = search(server.url()).build().unwrap();
            for _ in 0..2 {
                let verdict = verdict(&ldap, "alice", "wonder").await;
                assert!(verdict.starts_with(expected), "{name}, {code}: {verdict}");
            }
            assert_eq!(server.accepted(), 2, "one for searches and one for binds: {name}, {code}");
        }
    }
}

#[tokio::test]
async fn an_invalid_answer_is_a_failure() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x30\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x05\x02\x01\x01\x61\x00",
        // A diagnostic message and a matched name that are not UTF-8.
        b"\x30\x0d\x02\x01\x01\x61\x08\x0a\x01\x31\x04\x00\x04\x01\xe9",
        b"\x30\x0d\x02\x01\x01\x61\x08\x0a\x01\x00\x04\x01\xe9\x04\x00",
        b"\x04\x04wonk",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let server = FalseLdap::sending(bytes).await;
        let short = Duration::from_millis(500);
        for builder in [direct(server.url()), search(server.url())] {
            let ldap = builder.with_operation_timeout(short).build().unwrap();
            for user in ["alice", "bob"] {
                failure(&ldap, user, "wonder").await;
            }
        }
    }
}

#[tokio::test]
async fn refuses_an_empty_password_without_connecting() {
    let server = FalseLdap::with_result(0, "").await;
    for builder in [direct(server.url()), search(server.url())] {
        let ldap = builder.build().unwrap();
        assert_eq!(verdict(&ldap, "alice", "").await, "wrong");
        assert_eq!(verdict(&ldap, "", "wonder").await, "unknown");
        assert_eq!(verdict(&ldap, "", "").await, "unknown");
        for control in ['\0', '\n', '\u{7f}', '\u{85}'] {
            assert_eq!(verdict(&ldap, "alice", &format!("wonder{control}")).await, "wrong");
            assert_eq!(verdict(&ldap, &format!("alice{control}"), "wonder").await, "unknown");
        }
        assert_eq!(verdict(&ldap, "alice", &"a".repeat(4_097)).await, "wrong");
        assert_eq!(verdict(&ldap, &"a".repeat(1_025), "wonder").await, "unknown");
    }
    assert_eq!(server.accepted(), 0);
}

/// A server sees the same operations for known and unknown users.
#[tokio::test]
async fn an_unknown_user_takes_as_many_round_trips() {
    for (items, expected) in [(vec![alice as Item, done], "wrong"), (vec![done as Item], "unknown")]
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let server = FalseLdap::answering(move |request| {
            let mut seen = record.lock().unwrap();
            seen.push(request);
            match request {
                SEARCH => items.iter().map(|item| item()).collect(),
                // The first bind is that of the service account.
                BIND if seen.len() == 1 => vec![result(BIND, 0, "")],
                other => vec![result(other, 49, "")],
            }
        })
        .await;
        let ldap = search(server.url()).build().unwrap();
        assert_eq!(verdict(&ldap, "alice", "wrong").await, expected);
        assert_eq!(verdict(&ldap, "alice", "wrong").await, expected);
        assert_eq!(*seen.lock().unwrap(), [BIND, SEARCH, BIND, SEARCH, BIND]);
    }
}
