//! OpenLDAP's server, slapd, as a private process with its own directory.

use std::{
    fmt::Write as _,
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use super::{certificates, server};

/// The root of the directory.
pub(crate) const SUFFIX: &str = "dc=example,dc=org";
/// The entry above the users.
pub(crate) const PEOPLE: &str = "ou=people,dc=example,dc=org";
/// The entry above the groups.
pub(crate) const GROUPS: &str = "ou=groups,dc=example,dc=org";
/// The account that may search, and its password.
pub(crate) const SERVICE: (&str, &str) = ("cn=proxy,dc=example,dc=org", "service-secret");
/// The account with all rights, and its password.
const ROOT: (&str, &str) = ("cn=root,dc=example,dc=org", "root-secret");

/// The names in the certificate of a server by default.
const NAMES: &[&str] = &["localhost", "127.0.0.1"];

/// A running server; it is killed when this is dropped.
pub(crate) struct Slapd {
    folder: TempDir,
    port: u16,
    tls_port: u16,
    child: Mutex<Option<Child>>,
}

/// The content and options of a server to start.
pub(crate) struct Setup {
    ldif: String,
    names: Vec<String>,
    options: String,
    /// Who may read everything but passwords, besides the service account.
    readers: &'static str,
    /// Who may read passwords.
    password_readers: String,
}

impl Setup {
    /// A directory without users.
    pub(crate) fn new() -> Self {
        let mut setup = Self {
            ldif: String::new(),
            names: NAMES.iter().map(|&name| name.to_owned()).collect(),
            options: String::new(),
            readers: "by users read",
            password_readers: String::new(),
        };
        setup = setup
            .entry(SUFFIX, &[("objectClass", "domain"), ("dc", "example")])
            .entry(PEOPLE, &[("objectClass", "organizationalUnit"), ("ou", "people")])
            .entry(GROUPS, &[("objectClass", "organizationalUnit"), ("ou", "groups")]);
        let (dn, password) = SERVICE;
        setup.entry(
            dn,
            &[
                ("objectClass", "organizationalRole"),
                ("objectClass", "simpleSecurityObject"),
                ("cn", "proxy"),
                ("userPassword", password),
            ],
        )
    }

    /// Adds a user.
    pub(crate) fn user(self, name: &str, password: &str) -> Self {
        self.user_with(name, password, &[])
    }

    /// Adds a user with more attributes.
    pub(crate) fn user_with(self, name: &str, password: &str, more: &[(&str, &str)]) -> Self {
        let own = [
            ("objectClass", "inetOrgPerson"),
            ("cn", name),
            ("sn", name),
            ("uid", name),
            ("userPassword", password),
        ];
        self.entry(&dn_of(name), &[&own, more].concat())
    }

    /// Adds any entry.
    pub(crate) fn entry(mut self, dn: &str, attributes: &[(&str, &str)]) -> Self {
        let mut line = |name: &str, value: &str| {
            writeln!(self.ldif, "{name}:: {}", STANDARD.encode(value)).expect("a string grows");
        };
        line("dn", dn);
        for (name, value) in attributes {
            line(name, value);
        }
        self.ldif.push('\n');
        self
    }

    /// Makes the certificate for these names instead of `localhost` and `127.0.0.1`.
    pub(crate) fn named(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Lets only the service account read entries.
    pub(crate) fn hidden_from_themselves(mut self) -> Self {
        self.readers = "";
        self
    }

    /// Lets the service account read stored passwords.
    pub(crate) fn passwords_readable(mut self) -> Self {
        self.password_readers = format!("by dn.exact={} read", SERVICE.0);
        self
    }

    /// Adds a line to the configuration of the database.
    pub(crate) fn option(mut self, line: &str) -> Self {
        self.options += line;
        self.options.push('\n');
        self
    }

    /// Starts a server on free ports of the loopback address and waits until it listens.
    #[track_caller]
    pub(crate) fn start(self) -> Slapd {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path();
        certificates::write(path, &self.names);
        fs::create_dir(path.join("data")).expect("a folder can be made");
        fs::write(path.join("slapd.conf"), configuration(path, &self)).expect("it is written");
        fs::write(path.join("content.ldif"), self.ldif).expect("it is written");
        let mut slapadd = program("slapadd");
        slapadd.arg("-f").arg(path.join("slapd.conf")).arg("-l").arg(path.join("content.ldif"));
        succeed(&mut slapadd);
        let mut server = Slapd { folder, port: 0, tls_port: 0, child: Mutex::default() };
        // Another process may take a port first.
        let got_ports = (0..5).any(|_| {
            (server.port, server.tls_port) = (free_port(), free_port());
            server.launch()
        });
        assert!(got_ports, "slapd does not start");
        server
    }
}

/// The distinguished name of a user.
pub(crate) fn dn_of(name: &str) -> String {
    let special = |one: char| ",+\"\\<>;=#".contains(one) || one == ' ';
    let mut escaped = String::new();
    for one in name.chars() {
        if special(one) {
            escaped.push('\\');
        }
        escaped.push(one);
    }
    format!("uid={escaped},{PEOPLE}")
}

impl Slapd {
    /// `ldap://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// `ldaps://localhost:PORT`
    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Kills the server.
    pub(crate) fn kill(&self) {
        server::kill(&self.child);
    }

    /// Starts it again with the same ports and data.
    #[track_caller]
    pub(crate) fn restart(&self) {
        self.kill();
        assert!(self.launch(), "slapd does not start again");
    }

    /// Waits until it listens; returns `false` if it ends, for example because a port is taken.
    fn launch(&self) -> bool {
        let urls = format!("ldap://127.0.0.1:{} ldaps://127.0.0.1:{}", self.port, self.tls_port);
        let mut child = program("slapd")
            .args(["-d", "0", "-h", &urls, "-f"])
            .arg(self.folder.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("slapd starts");
        let end = Instant::now() + Duration::from_secs(30);
        let has_ended = |child: &mut Child| child.try_wait().expect("a status").is_some();
        for port in [self.port, self.tls_port] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                if has_ended(&mut child) {
                    return false;
                }
                if Instant::now() > end {
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        // Another process might be the one that listens.
        thread::sleep(Duration::from_millis(20));
        let is_running = !has_ended(&mut child);
        *self.child.lock().expect("no panic") = Some(child);
        is_running
    }

    /// Deletes the entry of a user, as an administrator does.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        let (root, root_password) = ROOT;
        let mut ldapdelete = program("ldapdelete");
        ldapdelete.args(["-x", "-H", &self.url(), "-D", root, "-w", root_password]);
        succeed(ldapdelete.arg(dn_of(name)));
    }

    /// Changes an entry, as an administrator does: the lines of an LDIF file after `changetype`.
    #[track_caller]
    pub(crate) fn modify(&self, dn: &str, change: &str) {
        self.ldif(&[], &format!("dn: {dn}\nchangetype: modify\n{change}\n"));
    }

    /// Moves the entry of a user below another one.
    #[track_caller]
    pub(crate) fn rename(&self, name: &str, parent: &str) {
        let (dn, kind) = (dn_of(name), "changetype: modrdn");
        let new = format!("newrdn: uid={name}\ndeleteoldrdn: 0\nnewsuperior: {parent}");
        self.ldif(&[], &format!("dn: {dn}\n{kind}\n{new}\n"));
    }

    /// Adds an entry, as an administrator does.
    #[track_caller]
    pub(crate) fn add(&self, dn: &str, attributes: &[(&str, &str)]) {
        let lines = attributes.iter().map(|(name, value)| format!("{name}: {value}\n"));
        self.ldif(&["-a"], &format!("dn: {dn}\n{}", lines.collect::<String>()));
    }

    #[track_caller]
    fn ldif(&self, options: &[&str], text: &str) {
        let (root, root_password) = ROOT;
        let file = self.folder.path().join("change.ldif");
        fs::write(&file, text).expect("it is written");
        let mut ldapmodify = program("ldapmodify");
        ldapmodify.args(["-x", "-H", &self.url(), "-D", root, "-w", root_password]);
        succeed(ldapmodify.args(options).arg("-f").arg(file));
    }

    /// Changes a password, as an administrator does.
    #[track_caller]
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        let (root, root_password) = ROOT;
        let mut ldappasswd = program("ldappasswd");
        ldappasswd.args(["-x", "-H", &self.url(), "-D", root, "-w", root_password]);
        succeed(ldappasswd.args(["-s", password]).arg(dn_of(name)));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn configuration(folder: &Path, setup: &Setup) -> String {
    let Setup { readers, password_readers, options, .. } = setup;
    let folder = folder.display();
    let (root, password) = ROOT;
    let (service, _) = SERVICE;
    format!(
        "include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         moduleload memberof\n\
         moduleload ppolicy\n\
         TLSCACertificateFile {folder}/authority.pem\n\
         TLSCertificateFile {folder}/server.pem\n\
         TLSCertificateKeyFile {folder}/key.pem\n\
         database mdb\n\
         suffix {SUFFIX}\n\
         directory {folder}/data\n\
         rootdn {root}\n\
         rootpw {password}\n\
         access to attrs=userPassword {password_readers} by anonymous auth by * none\n\
         access to * by dn.exact={service} read {readers} by anonymous auth by * none\n\
         {options}"
    )
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A program of the server, which Debian installs outside the path of users.
fn program(name: &str) -> Command {
    let in_sbin = Path::new("/usr/sbin").join(name);
    if in_sbin.exists() { Command::new(in_sbin) } else { Command::new(name) }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().expect("the program starts");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
}
