//! A libcurl that is recent enough for SHA-512-256, from the wheel of pycurl.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

use super::{path, trusted_origin};
use crate::{
    proxy_of_alice,
    support::{digest::parameter, origin::Origin, proxy::Proxy},
};

/// Its wheel has libcurl 8.23.
const PYCURL: &str = "pycurl==7.49.0";

/// A Python with pycurl, in a virtual environment in the target directory.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let test = env::current_exe().expect("this program has a path");
        // target/<profile>/deps/<test>-<hash>
        let profile = test.ancestors().nth(2).expect("a directory of the profile");
        let place = profile.join(PYCURL.replace("==", "-"));
        let python = place.join("bin/python");
        let found = Command::new(&python).args(["-c", "import pycurl"]).output();
        // An interrupted installation is repeated.
        if !found.is_ok_and(|found| found.status.success()) {
            done(Command::new("python3").args(["-m", "venv"]).arg(&place));
            done(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args([
                "--only-binary=:all:",
                "--disable-pip-version-check",
                PYCURL,
            ]));
        }
        python
    })
}

#[track_caller]
fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}

/// Visits `urls` one after the other as `user`, trusting `certificates`.
#[track_caller]
fn visit(proxy: &Proxy, user: &str, certificates: &str, urls: &[&str]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/forward_proxy/curl/visit.py");
    let output =
        done(Command::new(python()).args([script, &proxy.url(), user, certificates]).args(urls));
    let text = String::from_utf8(output.stdout).expect("the script prints text");
    text.lines().map(|line| serde_json::from_str(line).expect("the script prints JSON")).collect()
}

/// The parameter `name` of each of the credentials in `visit`.
#[track_caller]
fn sent(visit: &Value, name: &str) -> Vec<String> {
    let lines = visit["credentials"].as_array().expect("an array").iter();
    let value = |line: &Value| {
        let parameters = line.as_str().and_then(|line| line.strip_prefix("Digest "));
        parameter(parameters.expect("Digest"), name).unwrap_or_else(|| panic!("{name} in {line}"))
    };
    lines.map(value).collect()
}

#[test]
#[ignore = "needs pycurl"]
fn accepts_sha_512_256_for_http_and_https() {
    let (http, (https, certificate)) = (Origin::http(), trusted_origin());
    let proxy = proxy_of_alice(&["--scheme", "digest", "--algorithm", "sha-512-256"]);
    let urls = [http.url("/"), http.url("/seen"), https.url("/"), https.url("/seen")];
    let urls = urls.each_ref().map(String::as_str);
    let visits = visit(&proxy, "alice:wonder", path(&certificate), &urls);
    assert_eq!(visits.len(), urls.len());
    let mut counts = Vec::new();
    for visit in &visits {
        assert_eq!(visit["status"], 200, "{visit}");
        // The second https request goes through the tunnel of the first.
        assert!(sent(visit, "algorithm").iter().all(|name| name == "SHA-512-256"), "{visit}");
        counts.extend(sent(visit, "nc"));
    }
    assert_eq!(counts, ["00000001", "00000002", "00000003"], "{visits:?}");
    assert_eq!(
        (visits[0]["body"].as_str(), visits[2]["body"].as_str()),
        (Some("hello"), Some("hello"))
    );
    for seen in [&visits[1], &visits[3]] {
        let seen = seen["body"].as_str().expect("a body");
        assert!(seen.starts_with("GET /seen HTTP/1.1\n"), "{seen}");
        assert!(!seen.contains("proxy-auth"), "{seen}");
    }
    assert_eq!((http.requests(), https.requests()), (2, 2));
}

#[test]
#[ignore = "needs pycurl"]
fn refuses_a_wrong_password_with_sha_512_256() {
    let (origin, (_, certificate)) = (Origin::http(), trusted_origin());
    let proxy = proxy_of_alice(&["--algorithm", "sha-512-256"]);
    let visits = visit(&proxy, "alice:rabbit", path(&certificate), &[&origin.url("/")]);
    assert_eq!(visits[0]["status"], 407);
    assert_eq!(sent(&visits[0], "algorithm"), ["SHA-512-256"]);
    assert_eq!(origin.requests(), 0);
}

#[test]
#[ignore = "needs pycurl"]
fn accepts_names_that_libcurl_percent_encodes() {
    // From 8.21 on, libcurl encodes all but printable ASCII, and hashes the raw bytes.
    let (origin, (_, certificate)) = (Origin::http(), trusted_origin());
    for user in ["Jürgen Öl:pässword", "\"quoted\\:x", "two words:x"] {
        for algorithm in ["md5", "sha-256", "sha-512-256"] {
            let proxy =
                Proxy::start(&["--scheme", "digest", "--algorithm", algorithm, "--user", user]);
            let visits = visit(&proxy, user, path(&certificate), &[&origin.url("/")]);
            assert_eq!(visits[0]["status"], 200, "{user} {algorithm}: {visits:?}");
        }
    }
}

#[test]
#[ignore = "needs pycurl"]
fn lets_libcurl_renew_a_nonce_silently() {
    let (origin, (_, certificate)) = (Origin::http(), trusted_origin());
    let proxy = proxy_of_alice(&["--algorithm", "sha-512-256", "--nonce-lifetime", "1"]);
    let (slow, fast) = (origin.url("/slow"), origin.url("/"));
    let visits =
        visit(&proxy, "alice:wonder", path(&certificate), &[&slow, &slow, &slow, &slow, &fast]);
    assert!(visits.iter().all(|visit| visit["status"] == 200), "{visits:?}");
    let challenges = visits.iter().flat_map(|visit| visit["challenges"].as_array()).flatten();
    let stale =
        challenges.filter(|line| line.as_str().is_some_and(|line| line.contains("stale=true")));
    assert!(stale.count() > 0, "{visits:?}");
}
