//! `--maintenance`: a file stops the proxy.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use crate::{
    BASIC, proxy_of_alice,
    support::{
        curl::curl,
        origin::Origin,
        proxy::Proxy,
        user_file::wait_until,
        wire::{Answer, Wire},
    },
};

const HEAD: &str = "GET http://o.example/ HTTP/1.1\nHost: o";

/// A file that need not exist.
struct Order(TempDir);

impl Order {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("maintenance")
    }

    fn start(&self) -> Proxy {
        proxy_of_alice(&["--maintenance", self.path().to_str().unwrap()])
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
    }

    fn remove(&self) {
        fs::remove_file(self.path()).unwrap();
    }
}

fn ask(proxy: &Proxy) -> Answer {
    Wire::connect(proxy.address()).ask(HEAD)
}

#[track_caller]
fn retry_after(answer: &Answer) -> u64 {
    answer.field("retry-after").expect("a Retry-After").parse().unwrap()
}

#[test]
fn a_file_starts_and_ends_it_and_tunnels_stay() {
    let (order, origin) = (Order::new(), Origin::http());
    let proxy = order.start();
    assert_eq!(ask(&proxy).status, 407);
    let mut tunnel = Wire::connect(proxy.address());
    let connect = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    assert_eq!(tunnel.login(&connect, BASIC).status, 200);
    let mut kept = Wire::connect(proxy.address());
    assert_eq!(
        kept.login(&format!("GET {} HTTP/1.1\nHost: o", origin.url("/")), BASIC).status,
        200
    );

    order.write("");
    let waited = wait_until(|| ask(&proxy).status == 503);
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    for answer in [
        ask(&proxy),
        kept.login(HEAD, BASIC),
        Wire::connect(proxy.address()).login(&connect, BASIC),
    ] {
        assert_eq!((answer.status, retry_after(&answer)), (503, 30));
        assert_eq!(answer.field("proxy-authenticate"), None);
    }
    assert_eq!(tunnel.ask("GET / HTTP/1.1\nHost: o").status, 200, "a tunnel that was open");
    wait_until(|| proxy.stderr().contains("reason=\"maintenance\""));

    // In an hour, in Tokyo.
    let local = SystemTime::now() + Duration::from_secs(10 * 3_600);
    let local = humantime::format_rfc3339_seconds(local).to_string().replace('Z', "+09:00");
    order.write(&local);
    proxy.hang_up();
    wait_until(|| retry_after(&ask(&proxy)) > 30);
    assert!((3_500..=3_600).contains(&retry_after(&ask(&proxy))));
    order.write("\nback soon\n");
    wait_until(|| proxy.stderr().contains("line 2: expected a time such as "));
    wait_until(|| retry_after(&ask(&proxy)) == 30);

    order.remove();
    let waited = wait_until(|| ask(&proxy).status == 407);
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(tunnel.ask("GET / HTTP/1.1\nHost: o").status, 200);
    wait_until(|| proxy.stderr().contains("was removed: maintenance has ended"));
    let log = proxy.stderr();
    let path = order.path();
    for part in [
        format!("INFO forward_proxy::maintenance: --maintenance {path:?}: maintenance begins"),
        format!("--maintenance {path:?}: maintenance goes on, announced until 20"),
        format!(
            "ERROR forward_proxy::maintenance: --maintenance {path:?}, line 2: expected a time"
        ),
        "not \"back soon\"; the end is not announced".to_owned(),
    ] {
        assert!(log.contains(&part), "{part} is missing: {log}");
    }
}

#[test]
fn starts_with_it_if_the_file_is_there() {
    let order = Order::new();
    order.write("2020-01-01T00:00:00+09:00\n");
    let proxy = order.start();
    let answer = ask(&proxy);
    assert_eq!((answer.status, retry_after(&answer)), (503, 30));
    wait_until(|| proxy.stderr().contains("the announced end has passed"));
    order.remove();
    proxy.hang_up();
    wait_until(|| ask(&proxy).status == 407);
}

#[test]
fn warns_of_a_folder_that_does_not_exist() {
    let proxy = proxy_of_alice(&["--maintenance", "/nowhere/maintenance"]);
    assert_eq!(ask(&proxy).status, 407);
    let warning = "--maintenance \"/nowhere/maintenance\": the folder does not exist";
    wait_until(|| proxy.stderr().contains(warning));
}

#[test]
#[ignore = "needs curl"]
fn curl_is_not_asked_for_a_password() {
    let (order, origin) = (Order::new(), Origin::http());
    order.write("");
    let proxy = order.start();
    let url = origin.url("/");
    for arguments in [
        &[url.as_str()][..],
        &[&url, "--proxy-user", "alice:wonder", "--proxy-basic"],
        &[&url, "--proxy-user", "alice:wonder", "--proxy-digest"],
        &[&url, "--proxy-user", "alice:wonder", "--proxy-anyauth"],
        &[&url, "--proxytunnel"],
    ] {
        let run = curl(&proxy, arguments);
        let statuses: Vec<_> = run.answers.iter().map(|answer| answer.status()).collect();
        assert_eq!(statuses, [503], "{arguments:?}");
        assert_eq!(run.answers[0].all("retry-after"), ["30"], "{arguments:?}");
        assert_eq!(run.answers[0].all("proxy-authenticate"), [""; 0], "{arguments:?}");
        let page = String::from_utf8(run.body).unwrap();
        assert!(page.contains("maintenance") || arguments.contains(&"--proxytunnel"), "{page}");
    }
    order.remove();
    wait_until(|| ask(&proxy).status == 407);
    let run = curl(&proxy, &[&url, "--proxy-user", "alice:wonder", "--proxy-anyauth"]);
    let statuses: Vec<_> = run.answers.iter().map(|answer| answer.status()).collect();
    assert_eq!(statuses, [407, 200]);
}
