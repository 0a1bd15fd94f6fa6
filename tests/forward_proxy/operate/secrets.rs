//! No secret is in a log, the audit file or the metrics.

use std::{fs, process::Command, thread, time::Duration, time::Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tower_proxy_auth::backend::{
    password_hash::{HashMethod, hash_password},
    sql::sqlite,
};

use super::metrics::{endpoint, scrape};
use crate::support::{
    digest::{Digest, quoted},
    origin::Origin,
    proxy::Proxy,
    slapd::{PEOPLE, SERVICE, Setup},
    user_file::UserFile,
    wire::{Wire, basic},
};

/// Makes a database with one user, whose hash is returned.
fn database(path: &str) -> String {
    let hash = hash_password("builder", HashMethod::Bcrypt { cost: 5 }).unwrap();
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute(sys.argv[2])\n\
                  db.execute('INSERT INTO users (name, password_hash) VALUES (?, ?)', \
                  ('bob', sys.argv[3]))\ndb.commit()";
    let arguments = ["-c", script, path, sqlite::DEFAULT_SCHEMA, &hash];
    let made = Command::new("python3").args(arguments).status().expect("python3 can be run");
    assert!(made.success());
    hash
}

#[test]
#[ignore = "needs slapd, python3"]
fn nothing_that_is_written_at_trace_level_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let [audit, users] =
        ["audit", "users.db"].map(|name| folder.path().join(name).display().to_string());
    let hash = database(&users);
    let slapd = Setup::new().user("alice", "wonder").start();
    let secret = UserFile::new(SERVICE.1);
    let (url, authority) = (slapd.tls_url(), slapd.authority().display().to_string());
    let (secret, database) = (secret.path().display().to_string(), format!("sqlite:{users}"));
    let options = [
        ["--user", "carol:painter-1"],
        ["--ldap", &url],
        ["--ldap-ca", &authority],
        ["--ldap-base", PEOPLE],
        ["--ldap-bind-dn", SERVICE.0],
        ["--ldap-password-file", &secret],
        ["--database", &database],
        ["--audit", &audit],
        ["--metrics", "127.0.0.1:0"],
    ];
    let proxy = Proxy::start_tracing(&options.concat());
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let mut wire = Wire::connect(proxy.address());
    let challenges = wire.ask(&head);
    let right = Digest::of(challenges.challenges());
    let right =
        Digest { user: "carol".into(), password: "painter-1".into(), uri: "/".into(), ..right };
    let right = right.count(1);
    let wrong = Digest { password: "hunter2".into(), ..right.count(2) };
    let field = |digest: &Digest| String::from_utf8(digest.params().print()).unwrap();
    let extended = right.params().with("uri", quoted("/hunter2"));
    let pairs = ["alice:wonder", "bob:builder", "carol:painter-1", "alice:hunter2", "bob:hunter2"];
    let mut rows: Vec<(String, u16)> = Vec::new();
    for (pair, status) in pairs.iter().zip([200, 200, 200, 407, 407]) {
        rows.push((basic(pair), status));
    }
    rows.push((field(&right), 200));
    rows.push((field(&wrong), 407));
    rows.push((String::from_utf8(extended.print()).unwrap(), 400));
    rows.push(("Basic hunter2".to_owned(), 407));
    rows.push(("Digest hunter2".to_owned(), 400));
    for (credentials, status) in &rows {
        let answer = Wire::connect(proxy.address()).login(&head, credentials);
        assert_eq!(answer.status, *status, "{credentials}");
    }
    let connect = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    assert_eq!(Wire::connect(proxy.address()).login(&connect, &rows[0].0).status, 200);

    let metrics = scrape(endpoint(&proxy));
    let end = Instant::now() + Duration::from_secs(10);
    let lines = loop {
        let lines = fs::read_to_string(&audit).unwrap();
        if lines.lines().count() == rows.len() + 2 {
            break lines;
        }
        assert!(Instant::now() < end, "{lines}");
        thread::sleep(Duration::from_millis(10));
    };
    let log = proxy.stderr();
    for part in [" TRACE ", " hyper_util::", "reason=\"wrong-password\"", "reason=\"malformed\""] {
        assert!(log.contains(part), "{part} is missing in the log");
    }
    let mut secrets: Vec<String> =
        ["wonder", "builder", "painter-1", "hunter2", SERVICE.1].map(str::to_owned).to_vec();
    secrets.extend(pairs.map(|pair| BASE64_STANDARD.encode(pair)));
    secrets.extend([right.ha1(), right.response(), wrong.response(), wrong.ha1(), hash]);
    for (name, text) in [("log", &log), ("audit file", &lines), ("metrics", &metrics)] {
        for secret in &secrets {
            let shown = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(shown, None, "{secret} is in the {name}");
        }
    }
}
