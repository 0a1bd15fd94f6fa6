//! `--rules`: who may go where.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    origin::Origin,
    proxy::Proxy,
    user_file::wait_until,
    wire::{Answer, Wire, basic},
};

/// A file with rules.
struct Rules(TempDir);

impl Rules {
    fn new(text: &str) -> Self {
        let rules = Self(TempDir::new().unwrap());
        rules.write(text);
        rules
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("rules.toml")
    }

    fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    /// The options for these rules and two users.
    fn options(&self) -> Vec<String> {
        let path = self.path().into_os_string().into_string().unwrap();
        let options = ["--user", "alice:wonder", "--user", "bob:builder", "--rules", &path];
        options.map(str::to_owned).into()
    }

    fn start(&self) -> Proxy {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[&str]) -> Proxy {
        let options = self.options();
        let options = options.iter().map(String::as_str).chain(more.iter().copied());
        Proxy::start(&options.collect::<Vec<_>>())
    }
}

fn get(proxy: &Proxy, user_pass: &str, url: &str) -> Answer {
    let head = format!("GET {url} HTTP/1.1\nHost: o");
    Wire::connect(proxy.address()).login(&head, &basic(user_pass))
}

fn connect(proxy: &Proxy, user_pass: &str, authority: &str) -> u16 {
    let head = format!("CONNECT {authority} HTTP/1.1\nHost: o");
    Wire::connect(proxy.address()).login(&head, &basic(user_pass)).status
}

#[test]
fn only_what_a_rule_allows_is_forwarded() {
    let origin = Origin::http();
    let port = origin.address().port();
    let rules = Rules::new(&format!(
        "[[rule]]\naction = \"allow\"\nusers = [\"alice\"]\nnetworks = [\"127.0.0.1\"]\n\
         ports = [{port}]\nmethods = [\"GET\", \"CONNECT\"]\n"
    ));
    let proxy = rules.start();
    let url = |host: &str| format!("http://{host}:{port}/");
    for (host, status) in [
        ("127.0.0.1", 200),
        ("localhost", 200),
        ("2130706433", 200),
        ("[::ffff:127.0.0.1]", 200),
        ("127.0.0.2", 403),
        ("[::1]", 403),
    ] {
        assert_eq!(get(&proxy, "alice:wonder", &url(host)).status, status, "{host}");
        let authority = format!("{host}:{port}");
        assert_eq!(connect(&proxy, "alice:wonder", &authority), status, "CONNECT {host}");
    }
    assert_eq!(connect(&proxy, "alice:wonder", "127.0.0.1:1"), 403, "another port");
    assert_eq!(get(&proxy, "bob:builder", &url("127.0.0.1")).status, 403);
    let stranger = get(&proxy, "alice:wrong", &url("127.0.0.1"));
    assert_eq!(stranger.status, 407);
    let refused = get(&proxy, "alice:wonder", &url("127.0.0.2"));
    assert_eq!(refused.field("proxy-authenticate"), None);
    wait_until(|| proxy.stderr().contains("reason=\"forbidden\""));
}

#[test]
fn a_changed_file_is_in_force_and_a_bad_one_is_not() {
    const ALLOW: &str = "[[rule]]\naction = \"allow\"\n";
    const DENY: &str = "[[rule]]\naction = \"deny\"\n";
    let (origin, rules) = (Origin::http(), Rules::new(DENY));
    let proxy = rules.start();
    let status = || get(&proxy, "alice:wonder", &origin.url("/")).status;
    assert_eq!(status(), 403);
    rules.write(ALLOW);
    wait_until(|| status() == 200);
    rules.write("[[rule]]\naction = \"deny\"\nhost = [\"a\"]\n");
    wait_until(|| proxy.stderr().contains("line 3: unknown field `host`"));
    assert!(proxy.stderr().contains("the old rules stay in force"), "{}", proxy.stderr());
    assert_eq!(status(), 200);
    fs::remove_file(rules.path()).unwrap();
    wait_until(|| proxy.stderr().matches("the old rules stay in force").count() == 2);
    assert_eq!(status(), 200);
    rules.write(DENY);
    proxy.hang_up();
    wait_until(|| status() == 403);
}

#[test]
fn a_mistake_ends_the_proxy_with_one_line() {
    let rules = Rules::new("[[rule]]\naction = \"allow\"\nports = [99999]\n");
    let options = rules.options();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let line = |options: &[&str]| {
        let output = Proxy::run(options);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let bad = line(&options);
    assert!(bad.starts_with(&format!("error: --rules {:?}, line 3: ", rules.path())), "{bad}");
    assert_eq!(bad.lines().count(), 1, "{bad}");
    let missing = line(&["--rules", "/nowhere/rules.toml"]);
    assert!(
        missing.starts_with("error: --rules \"/nowhere/rules.toml\": No such file"),
        "{missing}"
    );
}

/// The causes of the refused requests, in the log and in the audit file.
#[track_caller]
fn causes(proxy: &Proxy, audit: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(audit).unwrap_or_default();
    wait_until(|| read().matches("\"forbidden\"").count() == count);
    wait_until(|| proxy.stderr().matches("reason=\"forbidden\"").count() == count);
    let text = read();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let denied = lines.filter(|line| line["reason"] == "forbidden");
    let causes: Vec<_> =
        denied.map(|line| line["cause"].as_str().expect("a cause").to_owned()).collect();
    for cause in &causes {
        let logged = format!(" cause={cause} millis=");
        assert!(proxy.stderr().contains(&logged), "{logged}: {}", proxy.stderr());
    }
    causes
}

#[test]
fn log_and_audit_name_the_rule_that_denies() {
    let rules = Rules::new(
        "[[rule]]\naction = \"deny\"\nhosts = [\"evil.test\"]\n\n\
         [[rule]]\naction = \"deny\"\nnetworks = [\"127.0.0.0/8\"]\n\n\
         [[rule]]\naction = \"deny\"\nnetworks = [\"::1\"]\n\n\
         [[rule]]\naction = \"allow\"\n",
    );
    let audit = rules.0.path().join("audit");
    let (proxy, origin) = (rules.start_with(&["--audit", audit.to_str().unwrap()]), Origin::http());
    let port = origin.address().port();
    let hosts = ["evil.test", "127.0.0.1", "[::1]", "localhost"];
    for host in hosts {
        let answer = get(&proxy, "alice:wonder", &format!("http://{host}:{port}/"));
        assert_eq!(answer.status, 403, "{host}");
        assert!(!answer.text().contains("line"), "{}", answer.text());
        assert_eq!(connect(&proxy, "alice:wonder", &format!("{host}:{port}")), 403, "{host}");
    }
    let causes = causes(&proxy, &audit, 2 * hosts.len());
    let expected = ["the rule in line 1", "the rule in line 5", "the rule in line 9"];
    for (cause, expected) in causes.iter().step_by(2).zip(expected) {
        assert_eq!(cause, expected);
    }
    for cause in &causes[6..] {
        assert!(cause.contains("127.0.0.1: the rule in line 5"), "{cause}");
    }
    assert_eq!(
        causes.iter().step_by(2).collect::<Vec<_>>(),
        causes.iter().skip(1).step_by(2).collect::<Vec<_>>()
    );
}

/// The rules that operators copy.
const SAFE_RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/safe-rules.toml");

#[test]
fn the_safe_rules_protect_the_machine_of_the_proxy() {
    let origin = Origin::http();
    let port = origin.address().port();
    let proxy = Proxy::start(&["--user", "alice:wonder", "--rules", SAFE_RULES]);
    for host in [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "127.0.0.2",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
    ] {
        let answer = get(&proxy, "alice:wonder", &format!("http://{host}:{port}/"));
        assert_eq!(answer.status, 403, "{host}");
        for port in [port, 443] {
            assert_eq!(connect(&proxy, "alice:wonder", &format!("{host}:{port}")), 403, "{host}");
        }
    }
    assert_eq!(get(&proxy, "alice:wrong", &origin.url("/")).status, 407);
    assert_eq!(origin.requests(), 0);
    wait_until(|| proxy.stderr().contains(" cause=the rule in line "));
}

#[test]
fn a_rule_before_the_safe_ones_allows_a_server() {
    let origin = Origin::http();
    let port = origin.address().port();
    let safe = fs::read_to_string(SAFE_RULES).unwrap();
    let rules = Rules::new(&format!(
        "[[rule]]\naction = \"allow\"\nhosts = [\"localhost\"]\nnetworks = [\"127.0.0.1\"]\n\
         ports = [{port}]\n\n{safe}"
    ));
    let proxy = rules.start();
    for (target, status) in [
        (format!("localhost:{port}"), 200),
        ("localhost:1".to_owned(), 403),
        (format!("127.0.0.1:{port}"), 403),
    ] {
        assert_eq!(get(&proxy, "alice:wonder", &format!("http://{target}/")).status, status);
        assert_eq!(connect(&proxy, "alice:wonder", &target), status, "{target}");
    }
}

/// The names and addresses that the proxy resolves, by Debian's libnss-wrapper.
struct Hosts(TempDir);

impl Hosts {
    fn new(text: &str) -> Self {
        let hosts = Self(TempDir::new().unwrap());
        hosts.write(text, 0);
        hosts
    }

    /// Writes the file. The library reads it again when its time of modification differs.
    fn write(&self, text: &str, age: u64) {
        fs::write(self.path(), text).unwrap();
        let time = SystemTime::now() - Duration::from_secs(60 - age);
        File::options().write(true).open(self.path()).unwrap().set_modified(time).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("hosts")
    }
}

#[test]
#[ignore = "needs libnss-wrapper"]
fn a_name_counts_by_the_address_that_it_resolves_to() {
    let origin = Origin::http();
    let port = origin.address().port();
    let rules = Rules::new(&format!(
        "[[rule]]\naction = \"deny\"\nnetworks = [\"127.0.0.2/31\"]\n\
         [[rule]]\naction = \"allow\"\nusers = [\"alice\"]\nhosts = [\"*.example.test\"]\n\
         ports = [{port}]\n"
    ));
    let hosts = Hosts::new(
        "127.0.0.1 good.example.test\n127.0.0.2 evil.example.test\n127.0.0.1 other.test\n\
         127.0.0.3 both.example.test\n127.0.0.1 both.example.test\n",
    );
    let options = rules.options();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let proxy = Proxy::start_with_hosts(&hosts.path(), &options);
    let status = |host: &str| {
        let by_get = get(&proxy, "alice:wonder", &format!("http://{host}:{port}/")).status;
        assert_eq!(connect(&proxy, "alice:wonder", &format!("{host}:{port}")), by_get, "{host}");
        by_get
    };
    for (host, expected) in [
        ("good.example.test", 200),
        ("GOOD.example.test.", 200),
        ("evil.example.test", 403),
        ("both.example.test", 200), // by the address that is allowed
        ("other.test", 403),
        ("127.0.0.1", 403),
    ] {
        assert_eq!(status(host), expected, "{host}");
    }
    // There is a pooled connection to the old address of the name.
    hosts.write("127.0.0.2 good.example.test\n", 30);
    wait_until(|| status("good.example.test") == 403);
    hosts.write("127.0.0.1 good.example.test\n", 40);
    wait_until(|| status("good.example.test") == 200);
}

#[test]
#[ignore = "needs libnss-wrapper"]
fn the_cause_names_the_rule_of_each_address() {
    let rules = Rules::new(
        "[[rule]]\naction = \"deny\"\nnetworks = [\"127.0.0.2\"]\n\n\
         [[rule]]\naction = \"deny\"\nnetworks = [\"127.0.0.3\"]\n\n\
         [[rule]]\naction = \"allow\"\n",
    );
    let hosts = Hosts::new("127.0.0.2 both.example.test\n127.0.0.3 both.example.test\n");
    let audit = rules.0.path().join("audit");
    let options = rules.options();
    let mut options: Vec<_> = options.iter().map(String::as_str).collect();
    options.extend(["--audit", audit.to_str().unwrap()]);
    let proxy = Proxy::start_with_hosts(&hosts.path(), &options);
    assert_eq!(get(&proxy, "alice:wonder", "http://both.example.test/").status, 403);
    let causes = causes(&proxy, &audit, 1);
    let mut parts: Vec<_> = causes[0].split("; ").collect();
    parts.sort_unstable();
    assert_eq!(parts, ["127.0.0.2: the rule in line 1", "127.0.0.3: the rule in line 5"]);
}

#[test]
#[ignore = "needs libnss-wrapper"]
fn the_safe_rules_look_at_what_a_name_resolves_to() {
    const ADDRESSES: [&str; 9] = [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
        "64:ff9b::a01:203",
    ];
    let mut lines = String::from("8.8.8.8 public.example.test\n");
    for (number, address) in ADDRESSES.iter().enumerate() {
        lines += &format!("{address} host{number}.example.test\n");
    }
    let hosts = Hosts::new(&lines);
    let options = ["--user", "alice:wonder", "--rules", SAFE_RULES];
    let proxy = Proxy::start_with_hosts(&hosts.path(), &options);
    for (number, address) in ADDRESSES.iter().enumerate() {
        let host = format!("host{number}.example.test");
        let answer = get(&proxy, "alice:wonder", &format!("http://{host}/"));
        assert_eq!(answer.status, 403, "{address}");
        assert_eq!(connect(&proxy, "alice:wonder", &format!("{host}:443")), 403, "{address}");
    }
    // Refused without a connection.
    assert_eq!(connect(&proxy, "alice:wonder", "public.example.test:25"), 403);
    wait_until(|| {
        proxy.stderr().contains("reason=\"forbidden\" id=")
            && proxy.stderr().contains("cause=10.1.2.3: the rule in line ")
    });
}
