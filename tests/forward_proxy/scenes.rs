//! Proxies that refuse a request, each for a real cause of its own.

use std::{any::Any, fs, path::Path};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;
use tower_proxy_auth::backend::{
    password_hash::{HashMethod, hash_password},
    sql::sqlite,
};

use crate::{
    proxy_of_alice,
    support::{
        origin::{Origin, closed_port},
        proxy::Proxy,
        user_file::wait_until,
        wire::{Answer, Wire, basic},
    },
};

/// Credentials that a proxy accepts, unless it refuses every request.
const RIGHT: &str = "alice:wonder";

/// A proxy and a request that it refuses.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    pub(crate) proxy: Proxy,
    pub(crate) url: String,
    /// Name and password that the client sends, with a colon between them.
    pub(crate) credentials: Option<&'static str>,
    /// The servers and files that the proxy uses.
    _parts: Box<dyn Any>,
}

/// All scenes. They are made one by one, since limits on guessing end after a minute.
pub(crate) const SCENES: [fn() -> Scene; 9] = [
    without_credentials,
    wrong_password,
    forbidden_by_a_rule,
    forbidden_address,
    disabled_account,
    too_many_failures,
    refused_by_another_proxy,
    unreachable_directory,
    in_maintenance,
];

/// Whom users can ask. It has characters with a meaning in HTML and JSON.
pub(crate) const CONTACT: &str = "\"help desk\" <4711> & friends";

impl Scene {
    /// Sends a head with the credentials of this scene.
    #[track_caller]
    pub(crate) fn send(&self, head: &str) -> Answer {
        let mut wire = Wire::connect(self.proxy.address());
        match self.credentials {
            Some(credentials) => wire.login(head, &basic(credentials)),
            None => wire.ask(head),
        }
    }

    /// Waits for the line of the access log about a request for this scene's URL with this reference.
    #[track_caller]
    pub(crate) fn awaits_in_log(&self, reference: &str) {
        let (target, id) = (format!(" target={} ", self.url), format!(" id={reference} "));
        let is_it = |line: &str| line.contains(&target) && line.contains(&id);
        wait_until(|| self.proxy.stderr().lines().any(is_it));
    }
}

/// Starts a proxy with the user of the scenes.
fn start(options: &[&str]) -> Proxy {
    proxy_of_alice(&[options, &["--contact", CONTACT]].concat())
}

fn without_credentials() -> Scene {
    let origin = Origin::http();
    Scene {
        name: "407-without-credentials",
        status: 407,
        proxy: start(&[]),
        url: origin.url("/"),
        credentials: None,
        _parts: Box::new(origin),
    }
}

fn wrong_password() -> Scene {
    Scene { name: "407-wrong-password", credentials: Some("alice:wrong"), ..without_credentials() }
}

fn forbidden_by_a_rule() -> Scene {
    let (rules, origin) = (TempDir::new().unwrap(), Origin::http());
    Scene {
        name: "403-rule",
        status: 403,
        proxy: proxy_with_rules(rules.path(), "[[rule]]\naction = \"deny\"\n"),
        url: origin.url("/"),
        credentials: Some(RIGHT),
        _parts: Box::new((rules, origin)),
    }
}

/// The name is allowed, and none of its addresses is.
fn forbidden_address() -> Scene {
    const RULES: &str = "[[rule]]\naction = \"deny\"\nnetworks = [\"127.0.0.0/8\", \"::1\"]\n\
                         [[rule]]\naction = \"allow\"\nhosts = [\"localhost\"]\n";
    let (rules, origin) = (TempDir::new().unwrap(), Origin::http());
    Scene {
        name: "403-address",
        status: 403,
        proxy: proxy_with_rules(rules.path(), RULES),
        url: format!("http://localhost:{}/", origin.address().port()),
        credentials: Some(RIGHT),
        _parts: Box::new((rules, origin)),
    }
}

fn proxy_with_rules(folder: &Path, rules: &str) -> Proxy {
    let file = folder.join("rules.toml");
    fs::write(&file, rules).unwrap();
    start(&["--rules", file.to_str().unwrap()])
}

fn disabled_account() -> Scene {
    let (users, origin) = (TempDir::new().unwrap(), Origin::http());
    let file = users.path().join("users.db");
    fs::write(&file, []).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fill(&file));
    let database = format!("sqlite:{}", file.display());
    Scene {
        name: "403-disabled",
        status: 403,
        proxy: Proxy::start(&["--database", &database, "--contact", CONTACT]),
        url: origin.url("/"),
        credentials: Some(RIGHT),
        _parts: Box::new((users, origin)),
    }
}

/// Makes a database with a disabled user.
async fn fill(file: &Path) {
    let hash = hash_password("wonder", HashMethod::Bcrypt { cost: 5 }).unwrap();
    let row =
        format!("INSERT INTO users (name, password_hash, enabled) VALUES ('alice', '{hash}', 0)");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    connection.execute(sqlite::DEFAULT_SCHEMA).await.unwrap();
    connection.execute(AssertSqlSafe(row)).await.unwrap();
    connection.close().await.unwrap();
}

fn too_many_failures() -> Scene {
    let origin = Origin::http();
    let proxy = start(&["--max-failures", "1"]);
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    let guess = Wire::connect(proxy.address()).login(&head, &basic("alice:guess"));
    assert_eq!(guess.status, 407);
    Scene {
        name: "429-failures",
        status: 429,
        proxy,
        url: origin.url("/"),
        credentials: Some(RIGHT),
        _parts: Box::new(origin),
    }
}

/// The origin is a proxy that asks for credentials of its own.
fn refused_by_another_proxy() -> Scene {
    let (other, proxy) = (proxy_of_alice(&[]), start(&[]));
    Scene {
        name: "502-another-proxy",
        status: 502,
        proxy,
        url: format!("{}/", other.url()),
        credentials: Some(RIGHT),
        _parts: Box::new(other),
    }
}

fn unreachable_directory() -> Scene {
    let (directory, origin) = (format!("ldap://{}", closed_port()), Origin::http());
    let directory = ["--ldap", &directory, "--ldap-dn", "uid={user},o=x"];
    let options = [&directory[..], &["--insecure-ldap-plaintext", "--contact", CONTACT]].concat();
    Scene {
        name: "503-directory",
        status: 503,
        proxy: Proxy::start(&options),
        url: origin.url("/"),
        credentials: Some(RIGHT),
        _parts: Box::new(origin),
    }
}

fn in_maintenance() -> Scene {
    let (folder, origin) = (TempDir::new().unwrap(), Origin::http());
    let file = folder.path().join("maintenance");
    fs::write(&file, "2096-10-02T16:06:40+09:00\n").unwrap();
    Scene {
        name: "503-maintenance",
        status: 503,
        proxy: start(&["--maintenance", file.to_str().unwrap()]),
        url: origin.url("/"),
        // Nobody is asked.
        credentials: None,
        _parts: Box::new((folder, origin)),
    }
}
