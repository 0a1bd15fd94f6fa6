//! The log of the example.

use std::{
    io::{self, Read},
    time::Duration,
};

use crate::support::{
    origin::{Origin, closed_port},
    proxy::Proxy,
    wire::{Wire, basic},
};

const END: Duration = Duration::from_secs(8);

/// The log of a proxy that `visit` uses.
#[track_caller]
fn log_of(options: &[&str], visit: impl FnOnce(&Proxy)) -> String {
    let (mut stderr, writer) = io::pipe().unwrap();
    let mut proxy = Proxy::start_with_stderr(options, writer);
    visit(&proxy);
    proxy.terminate();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(proxy.ended(END).unwrap().code(), Some(0));
    log
}

#[test]
fn an_unread_stderr_delays_no_request() {
    // Far more lines than fit into the pipe, and fewer than may wait.
    const REQUESTS: usize = 3_000;
    let log = log_of(&["--insecure-no-auth"], |proxy| {
        let mut wire = Wire::connect(proxy.address());
        for _ in 0..REQUESTS {
            assert_eq!(wire.ask("GET /not-absolute HTTP/1.1\nHost: o").status, 400);
        }
    });
    assert_eq!(log.matches("target=/not-absolute status=400").count(), REQUESTS);
    assert!(log.lines().last().unwrap().contains("shutting down"), "{log}");
}

#[test]
fn regression_a_user_name_cannot_forge_or_hide_a_log_line() {
    let long = format!("long{}", "x".repeat(1_000));
    let names = [
        ("a\u{2028}b\u{202e}c d", r"a\u{2028}b\u{202e}c\u{20}d"),
        ("J\u{fc}rgen", r"J\u{fc}rgen"),
        ("alice status=200", r"alice\u{20}status=200"),
        (&long, &format!("{}... ", &long[..64])),
    ];
    let users = names.map(|(name, _)| format!("{name}:wonder"));
    let options: Vec<&str> = users.iter().flat_map(|user| ["--user", user]).collect();
    let log = log_of(&options, |proxy| {
        let origin = Origin::http();
        for user in &users {
            let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/\u{fc}"));
            let answer = Wire::connect(proxy.address()).login(&head, &basic(user));
            assert_eq!(answer.status, 200, "{user}");
        }
    });
    for (name, shown) in names {
        assert!(log.contains(&format!("user={shown}")), "{name}: {log}");
    }
    assert!(log.contains(r"/\u{fc} status=200"), "{log}");
    assert!(log.is_ascii(), "{log}");
}

/// The access log of one refused request, after these options.
#[track_caller]
fn refused(options: &[&str], credentials: &str) -> String {
    let options = [&["--user", "alice:wonder"], options].concat();
    let log = log_of(&options, |proxy| {
        let head = "GET http://me:secret@o.example/a?b HTTP/1.1\nHost: o";
        let answer = Wire::connect(proxy.address()).login(head, &basic(credentials));
        assert_eq!(answer.status, 407);
    });
    log.lines().find(|line| line.contains(": request ")).expect("it is logged").to_owned()
}

#[test]
fn shows_who_was_refused_and_why() {
    let line = refused(&[], "alice x:wrong");
    let expected = r" claimed=alice\u{20}x method=GET target=http://o.example/a status=407";
    assert!(line.contains(&format!("{expected} reason=\"unknown-user\" id=")), "{line}");
    let id = line.split(" id=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{line}");
    assert!(!line.contains(" user="), "{line}");
}

#[test]
fn hides_claimed_names_as_configured() {
    let line = refused(&["--claimed-users", "omitted"], "hunter2:wrong");
    assert!(!line.contains("claimed=") && !line.contains("hunter2"), "{line}");
    let line = refused(&["--claimed-users", "fingerprint"], "hunter2:wrong");
    let digits = line.split(" claimed=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
    assert!(!line.contains("hunter2"), "{line}");
}

#[cfg(feature = "ldap")]
#[test]
fn names_the_cause_of_a_failed_back_end_once_a_second() {
    let directory = format!("ldap://{}", closed_port());
    let options = [
        &["--ldap", &directory, "--ldap-dn", "uid={user},o=x"][..],
        &["--insecure-ldap-plaintext"],
    ];
    let mut took = Duration::ZERO;
    let log = log_of(&options.concat(), |proxy| {
        let start = std::time::Instant::now();
        let mut wire = Wire::connect(proxy.address());
        for number in 0..100 {
            let head = "GET http://o.example/ HTTP/1.1\nHost: o";
            assert_eq!(wire.login(head, &basic(format!("alice:{number}"))).status, 503);
        }
        took = start.elapsed();
    });
    let causes: Vec<&str> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
    let most = usize::try_from(took.as_secs()).unwrap() + 1;
    assert!((1..=most).contains(&causes.len()), "in {took:?}: {log}");
    for line in causes {
        for part in ["backend-failed", "caused by: ", "refused"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn names_peer_and_cause_of_a_request_that_cannot_be_parsed() {
    let fields = "\nX: 1".repeat(256);
    let rows = [
        ("GET http://o.example/?a=\" HTTP/1.1\nHost: o".to_owned(), 400, "invalid URI"),
        ("GET http://o.example/< HTTP/1.1\nHost: o".to_owned(), 400, "invalid URI"),
        ("GET http:// HTTP/1.1\nHost: o".to_owned(), 400, "invalid URI"),
        ("GET http://o.example/ HTTP/1.1\nno field".to_owned(), 400, "header"),
        (format!("GET http://o.example/ HTTP/1.1\nHost: o{fields}"), 431, "64 KiB or 256 fields"),
        (
            format!("GET http://o.example/ HTTP/1.1\nX: {}", "x".repeat(100_000)),
            431,
            "64 KiB or 256 fields",
        ),
    ];
    let mut peers = Vec::new();
    let log = log_of(&["--insecure-no-auth"], |proxy| {
        for (head, status, _) in &rows {
            let mut wire = Wire::connect(proxy.address());
            peers.push(wire.address().to_string());
            assert_eq!(wire.ask(head).status, *status, "{head}");
        }
    });
    for (peer, (_, _, cause)) in peers.iter().zip(rows) {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(peer)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        for part in [" INFO ", "malformed request", cause] {
            assert!(lines.iter().all(|line| line.contains(part)), "{part}: {lines:?}");
        }
    }
}

#[test]
fn names_the_cause_of_a_request_that_cannot_be_forwarded() {
    let target = closed_port();
    let log = log_of(&["--insecure-no-auth"], |proxy| {
        let mut wire = Wire::connect(proxy.address());
        assert_eq!(wire.ask(&format!("GET http://{target}/ HTTP/1.1\nHost: o")).status, 502);
    });
    let line = log.lines().find(|line| line.contains("status=502")).expect("it is logged");
    assert!(line.contains(" INFO ") && line.contains("refused the connection"), "{line}");
}
