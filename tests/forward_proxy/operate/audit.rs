//! The audit file.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::{
    BASIC, proxy_of_alice,
    support::{
        digest::Digest,
        origin::Origin,
        proxy::Proxy,
        user_file::wait_until,
        wire::{Wire, basic},
    },
};

const LIMIT: Duration = Duration::from_secs(10);

const HEAD: &str = "GET http://me:secret@o.example/a?secret HTTP/1.1\nHost: o";

/// The lines of the file, as soon as there are as many.
#[track_caller]
fn lines(path: &Path, count: usize) -> Vec<Value> {
    let text = wait_for(path, |text| text.matches('\n').count() >= count);
    assert!(text.is_ascii(), "{text}");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), count, "{text}");
    lines
}

#[track_caller]
fn wait_for(path: &Path, is_done: impl Fn(&str) -> bool) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if is_done(&text) {
            return text;
        }
        assert!(Instant::now() < end, "{}: {text}", path.display());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn has_one_line_for_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let proxy = proxy_of_alice(&["--audit", path.to_str().unwrap()]);
    let origin = Origin::http();
    let mut wire = Wire::connect(proxy.address());
    let peer = wire.address().ip().to_string();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/b?c"));
    assert_eq!(wire.login(&head, BASIC).status, 200);
    let challenges = wire.ask(&head);
    assert_eq!(challenges.status, 407);
    let digest =
        Digest { algorithm: "MD5", password: "x".into(), ..Digest::of(challenges.challenges()) };
    let digest = Digest { uri: "/b?c".into(), ..digest.count(1) };
    let field = String::from_utf8(digest.params().print()).unwrap();
    assert_eq!(wire.login(&head, &field).status, 407);
    let tunnel = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    assert_eq!(wire.login(&tunnel, BASIC).status, 200);

    let lines = lines(&path, 4);
    let target = origin.url("/b");
    let start = humantime::format_rfc3339_seconds(SystemTime::now() - LIMIT).to_string();
    for line in &lines {
        let (time, id) = (line["time"].as_str().unwrap(), line["id"].as_str().unwrap());
        assert!(time > start.as_str() && time.ends_with('Z') && time.len() == 27, "{time}");
        assert_eq!((id.len(), line["peer"].as_str()), (12, Some(peer.as_str())), "{line}");
    }
    let rows: [&[(&str, Value)]; 4] = [
        &[
            ("outcome", "forwarded".into()),
            ("status", 200.into()),
            ("scheme", "Basic".into()),
            ("user", "alice".into()),
            ("method", "GET".into()),
            ("target", target.as_str().into()),
            ("reason", Value::Null),
            ("claimed", Value::Null),
            ("algorithm", Value::Null),
        ],
        &[
            ("reason", "missing-credentials".into()),
            ("status", 407.into()),
            ("scheme", Value::Null),
            ("user", Value::Null),
            ("claimed", Value::Null),
            ("outcome", Value::Null),
        ],
        &[
            ("reason", "wrong-password".into()),
            ("status", 407.into()),
            ("scheme", "Digest".into()),
            ("algorithm", "MD5".into()),
            ("claimed", "alice".into()),
            ("user", Value::Null),
        ],
        &[
            ("outcome", "forwarded".into()),
            ("method", "CONNECT".into()),
            ("target", origin.address().to_string().into()),
        ],
    ];
    for (line, row) in lines.iter().zip(rows) {
        for (key, expected) in row {
            assert_eq!(&line[key], expected, "{key}: {line}");
        }
    }
    assert!(lines[0]["check_us"].is_u64() && lines[1]["check_us"].is_null());
    // The reference of a refusal is in the log, too.
    let id = format!("id={}", lines[2]["id"].as_str().unwrap());
    wait_until(|| proxy.stderr().contains(&id));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn hostile_text_stays_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let accepted = "a\u{2028}b\u{202e}\"\\'\u{e9}";
    let user = format!("{accepted}:wonder");
    let options = ["--user", &user, "--audit", path.to_str().unwrap()];
    let proxy = Proxy::start(&options);
    let long = "x".repeat(8_000);
    let names = [accepted, "c\u{2028}d\u{202e}", "\",\"user\"=\"root", &long, "e f"];
    for name in names {
        let mut wire = Wire::connect(proxy.address());
        wire.login(HEAD, &basic(format!("{name}:wonder")));
    }
    let head = format!(
        "{} http://{}.example/{} HTTP/1.1\nHost: o",
        "M".repeat(5_000),
        "h".repeat(250),
        "p".repeat(10_000)
    );
    Wire::connect(proxy.address()).login(&head, &basic("alice:x"));
    let lines = lines(&path, 6);
    assert_eq!(lines[0]["user"], accepted);
    assert_eq!(lines[1]["claimed"], r"c\u{2028}d\u{202e}");
    assert_eq!(lines[2]["claimed"], r#"\",\"user\"=\"root"#);
    assert_eq!(lines[3]["claimed"], format!("{}...", &long[..64]));
    assert_eq!(lines[4]["claimed"], r"e\u{20}f");
    assert_eq!(lines[5]["method"], format!("{}...", "M".repeat(200)));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("secret") && !text.contains("wonder"), "{text}");
    assert!(text.lines().all(|line| line.len() < 1_500), "{text}");
}

#[test]
fn is_opened_again_after_a_rename() {
    let folder = tempfile::tempdir().unwrap();
    let [path, old] = ["audit", "audit.1"].map(|name| folder.path().join(name));
    let proxy = proxy_of_alice(&["--audit", path.to_str().unwrap()]);
    let mut wire = Wire::connect(proxy.address());
    wire.ask(HEAD);
    lines(&path, 1);
    fs::rename(&path, &old).unwrap();
    wire.ask(HEAD);
    lines(&old, 2);
    proxy.hang_up();
    // Without a request, as logrotate expects.
    wait_until(|| path.exists());
    wire.ask(HEAD);
    lines(&path, 1);
    assert_eq!(lines(&old, 2).len(), 2);
}

#[test]
fn the_last_lines_are_written_before_the_process_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let mut proxy = proxy_of_alice(&["--audit", path.to_str().unwrap()]);
    let mut wire = Wire::connect(proxy.address());
    for _ in 0..500 {
        wire.ask(HEAD);
    }
    drop(wire);
    proxy.terminate();
    assert_eq!(proxy.ended(LIMIT).unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 500);
}

/// Reports of lost events, and the sum of their numbers.
fn losses(log: &str, path: &str) -> (usize, u64) {
    let prefix = format!("--audit {path}: ");
    let reports = log.lines().filter(|line| line.contains(" ERROR ") && line.contains(&prefix));
    let counts = reports.map(|line| {
        let count = line.split(&prefix).nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        count.parse::<u64>().unwrap_or_else(|_| panic!("{line}"))
    });
    let counts: Vec<u64> = counts.collect();
    (counts.len(), counts.iter().sum())
}

#[test]
fn a_full_disk_costs_events_and_no_requests() {
    let proxy = proxy_of_alice(&["--audit", "/dev/full"]);
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut wire = Wire::connect(proxy.address());
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(wire.login(&head, BASIC).status, 200);
        sent += 1;
    }
    let end = Instant::now() + LIMIT;
    while losses(&proxy.stderr(), "/dev/full").1 < sent {
        assert!(Instant::now() < end, "{sent} sent: {:?}", losses(&proxy.stderr(), "/dev/full"));
        thread::sleep(Duration::from_millis(10));
    }
    let (reports, lost) = losses(&proxy.stderr(), "/dev/full");
    let most = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
    assert_eq!(lost, sent);
    assert!((2..=most).contains(&reports), "{reports} reports");
    assert!(proxy.stderr().contains("No space left on device"), "{}", proxy.stderr());
}

#[test]
fn recovers_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let [path, old] = ["audit", "audit.1"].map(|name| folder.path().join(name));
    let name = path.to_str().unwrap();
    // No file may have more than 8 blocks of 512 bytes.
    let options = ["--user", "alice:wonder", "--audit", name];
    let proxy = Proxy::start_with_ulimit("-f 8 && trap '' XFSZ", &options);
    let mut wire = Wire::connect(proxy.address());
    for _ in 0..100 {
        assert_eq!(wire.ask(HEAD).status, 407);
    }
    let end = Instant::now() + LIMIT;
    let kept = loop {
        let text = fs::read_to_string(&path).unwrap();
        let complete = text.lines().filter(|line| line.ends_with('}')).count();
        if complete as u64 + losses(&proxy.stderr(), name).1 == 100 {
            break text;
        }
        assert!(Instant::now() < end, "{complete} lines, {:?}", losses(&proxy.stderr(), name));
        thread::sleep(Duration::from_millis(10));
    };
    assert!(kept.len() <= 4_096 && !kept.ends_with('\n'), "the last line is cut: {kept}");
    // Somebody makes room: the next line is readable.
    let room = fs::OpenOptions::new().write(true).open(&path).unwrap();
    room.set_len(10).unwrap();
    wire.ask(HEAD);
    let text = wait_for(&path, |text| text.ends_with("}\n"));
    let (cut, line) = text.split_once('\n').unwrap();
    assert_eq!(cut, &kept[..10]);
    assert_eq!(serde_json::from_str::<Value>(line).unwrap()["reason"], "missing-credentials");
    // Or logrotate does.
    fs::rename(&path, &old).unwrap();
    proxy.hang_up();
    wait_for(&path, |_| path.exists());
    wire.ask(HEAD);
    lines(&path, 1);
}

#[test]
fn a_mistake_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let missing = format!("{folder}/missing/audit");
    for (path, cause) in [(folder, "directory"), (missing.as_str(), "No such file")] {
        let output = Proxy::run(&["--user", "alice:wonder", "--audit", path]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let start = format!("error: --audit {path}: ");
        assert!(stderr.starts_with(&start) && stderr.contains(cause), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_reader_that_stops_delays_no_request() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status()?;
    assert!(made.success());
    // Opening a pipe for writing waits for a reader.
    let reader = {
        let path = path.clone();
        thread::spawn(move || fs::File::open(path))
    };
    let proxy = proxy_of_alice(&["--audit", path.to_str().unwrap()]);
    let reader = reader.join().unwrap()?;
    let mut wire = Wire::connect(proxy.address());
    // More than the pipe and the queue hold.
    for _ in 0..6_000 {
        assert_eq!(wire.ask("GET http://o.example/ HTTP/1.1\nHost: o").status, 407);
    }
    drop(reader);
    wait_until(|| proxy.stderr().contains("the queue was full"));
    Ok(())
}
