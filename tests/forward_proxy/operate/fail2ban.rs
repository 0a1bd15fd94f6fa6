//! The filter of fail2ban, with real log lines.

use std::{fs, process::Command, time::Duration};

use http::Method;
use tower_proxy_auth::Reason;

use crate::{
    BASIC,
    support::{
        digest::{Digest, quoted},
        origin::Origin,
        proxy::Proxy,
        wire::{Wire, basic},
    },
};

const FILTER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/fail2ban/filter.d/forward-proxy.conf");

const HEAD: &str = "GET http://o.example/ HTTP/1.1\nHost: o";

/// The addresses that fail2ban finds in a log, one for each line that matches.
#[track_caller]
fn matched(log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    // A last line without an end is not read.
    fs::write(&path, format!("{log}\n")).unwrap();
    let output = Command::new("fail2ban-regex")
        .args(["--out", "<ip>"])
        .arg(&path)
        .arg(FILTER)
        .output()
        .expect("fail2ban-regex can be run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The log of a proxy, as soon as it has a number of lines about requests.
#[track_caller]
fn log_of(proxy: &Proxy, requests: usize) -> String {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let log = proxy.stderr();
        if log.matches(": request peer=").count() >= requests {
            return log;
        }
        assert!(std::time::Instant::now() < end, "{log}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The name of a user who is known, and would look like a guess.
const KNOWN: &str = "x status=407 reason=\"wrong-password\" id=abcabcabcabc ";

#[test]
#[ignore = "needs fail2ban-regex"]
fn matches_guesses_and_nothing_else() {
    let known = format!("{KNOWN}:wonder");
    let options = ["--user", "alice:wonder", "--user", &known, "--max-failures", "6"];
    let proxy = Proxy::start(&options);
    let origin = Origin::http();
    let mut wire = Wire::connect(proxy.address());
    let challenges = wire.ask(HEAD);
    let fresh = Digest::of(challenges.challenges()).count(1);
    let unknown = Digest { nonce: "unknown".into(), ..fresh.clone() };
    let forged = r#"a peer=192.0.2.9:1 claimed=b method=GET target=c status=407 reason="wrong-password" id=abcabcabcabc "#;
    let field = |digest: &Digest| String::from_utf8(digest.params().print()).unwrap();
    let text = |params: crate::support::digest::Params| String::from_utf8(params.print()).unwrap();
    let rows: Vec<(String, &str)> = vec![
        (basic("alice:x"), "wrong-password"),
        (field(&Digest { password: "x".into(), ..fresh.clone() }), "wrong-password"),
        (basic("carol:x"), "unknown-user"),
        (basic(format!("{forged}:x")), "unknown-user"),
        ("Bearer x".into(), "scheme-not-offered"),
        (field(&Digest { algorithm: "SHA-512-256", ..fresh.clone() }), "algorithm-not-offered"),
        ("Basic !".into(), "undecodable"),
        (basic(":x"), "empty-user-id"),
        (basic("alice:"), "empty-password"),
        (basic("al\tice:x"), "control-character"),
        (field(&Digest { realm: "other".into(), ..fresh.clone() }), "other-realm"),
        (field(&unknown), "nonce-unknown"),
        ("Digest =".into(), "malformed"),
        (text(fresh.params().and("nc", "00000001")), "duplicate-parameter"),
        (text(fresh.params().without("nc")), "missing-parameter"),
        (text(fresh.params().with("nc", "1")), "improper-parameter"),
        (text(fresh.params().with("uri", quoted("/other"))), "other-resource"),
        ("x".repeat(20_000), "field-too-long"),
        (basic("dave:x"), "unknown-user"),
        (basic("erin:x"), "unknown-user"),
        (basic("frank:x"), "too-many-failures"),
    ];
    for (credentials, _) in &rows {
        assert_ne!(Wire::connect(proxy.address()).login(HEAD, credentials).status, 200);
    }
    // Text in targets and methods, and names of users who are let in.
    let method =
        Method::from_bytes(b"M'reason=\"x\"").map_or("M'x".to_owned(), |one| one.to_string());
    for head in [
        format!("GET {} HTTP/1.1\nHost: o", origin.url("/?status=407%20reason=wrong-password")),
        format!("GET {} HTTP/1.1\nHost: o", origin.url("/'status=407'reason='wrong-password'")),
        format!("{method} {} HTTP/1.1\nHost: o", origin.url("/")),
    ] {
        Wire::connect(proxy.address()).login(&head, BASIC);
        Wire::connect(proxy.address()).login(&head, &basic(&known));
    }
    let log = log_of(&proxy, 1 + rows.len() + 6);
    for (_, reason) in &rows {
        assert!(log.contains(&format!("reason=\"{reason}\"")), "{reason}: {log}");
    }
    assert!(log.contains("reason=\"missing-credentials\""), "{log}");
    let is_guess =
        |name: &str| Reason::ALL.iter().any(|one| one.as_str() == name && one.is_guess());
    let guesses = rows.iter().filter(|(_, reason)| is_guess(reason)).count();
    assert_eq!(matched(&log), vec!["127.0.0.1"; guesses], "{log}");
}

#[test]
#[ignore = "needs fail2ban-regex"]
fn matches_each_reason_of_a_guess() {
    let proxy = Proxy::start(&["--user", "alice:wonder"]);
    Wire::connect(proxy.address()).login(HEAD, &basic("alice:x"));
    let log = log_of(&proxy, 1);
    let line = log.lines().find(|line| line.contains(": request peer=")).unwrap();
    assert_eq!(matched(line), ["127.0.0.1"]);
    let (mut log, mut guesses) = (String::new(), Vec::new());
    for (number, reason) in Reason::ALL.iter().enumerate() {
        let line = line
            .replace("reason=\"wrong-password\"", &format!("reason=\"{reason}\""))
            .replace("status=407", &format!("status={}", reason.status().as_u16()));
        let (v4, v6) = (format!("192.0.2.{number}"), format!("2001:db8::a{number}"));
        let named = line.replace("127.0.0.1:", &format!("{v4}:"));
        let unnamed = line.replace(" claimed=alice", "").replace("127.0.0.1:", &format!("[{v6}]:"));
        log += &format!("{named}\n{unnamed}\n");
        if reason.is_guess() {
            guesses.extend([v4, v6]);
        }
    }
    assert_eq!(matched(&log), guesses, "{log}");
}
