//! The example `forward_proxy`, and others, as processes.

#[cfg(feature = "access-rules")]
use std::path::Path;
use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A running proxy; it is killed when this is dropped.
pub(crate) struct Proxy {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: Arc<Mutex<String>>,
    /// `http` or `https`.
    scheme: String,
    address: SocketAddr,
}

impl Proxy {
    /// Starts a proxy on a free port of the loopback address and waits until it listens.
    ///
    /// `Proxy::start(&["--user", "alice:wonder"])`
    #[track_caller]
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_command(command(&["--listen", "127.0.0.1:0"]), options)
    }

    /// Starts a proxy that resolves the names in this file, by Debian's libnss-wrapper.
    #[cfg(feature = "access-rules")]
    #[track_caller]
    pub(crate) fn start_with_hosts(hosts: &Path, options: &[&str]) -> Self {
        let mut command = command(&["--listen", "127.0.0.1:0"]);
        command.env("LD_PRELOAD", "libnss_wrapper.so").env("NSS_WRAPPER_HOSTS", hosts);
        Self::start_command(command, options)
    }

    /// Starts another example that prints its address like `forward_proxy`.
    #[track_caller]
    pub(crate) fn start_example(name: &str, arguments: &[&str]) -> Self {
        Self::start_command(Command::new(binary(name)), arguments)
    }

    /// Starts a proxy that logs everything.
    #[track_caller]
    pub(crate) fn start_tracing(options: &[&str]) -> Self {
        let mut command = Command::new("env");
        command.arg("RUST_LOG=trace").arg(binary("forward_proxy"));
        command.args(["--listen", "127.0.0.1:0"]);
        Self::start_command(command, options)
    }

    /// Starts a proxy with a limit of open files: the options of `ulimit`.
    #[track_caller]
    pub(crate) fn start_with_ulimit(limit: &str, options: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")])
            .arg(binary("forward_proxy"));
        shell.args(["--listen", "127.0.0.1:0"]);
        Self::start_command(shell, options)
    }

    #[track_caller]
    fn start_command(command: Command, options: &[&str]) -> Self {
        let (source, writer) = io::pipe().expect("a pipe");
        let proxy = Self::spawn(command, options, writer);
        let sink = Arc::clone(&proxy.stderr);
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                *sink.lock().expect("no panic") += &format!("{line}\n");
            }
        });
        proxy
    }

    /// Starts a proxy whose log goes to `stderr`.
    #[track_caller]
    pub(crate) fn start_with_stderr(options: &[&str], stderr: impl Into<Stdio>) -> Self {
        Self::spawn(command(&["--listen", "127.0.0.1:0"]), options, stderr)
    }

    #[track_caller]
    fn spawn(mut command: Command, options: &[&str], stderr: impl Into<Stdio>) -> Self {
        let mut child = command
            .args(options)
            .stdin(Stdio::null())
            .env("RUST_LOG", "info,forward_proxy=debug")
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the proxy starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is text");
        let url =
            line.trim_end().strip_prefix("listening on ").and_then(|url| url.split_once("://"));
        let (scheme, address) = url
            .and_then(|(scheme, address)| Some((scheme.to_owned(), address.parse().ok()?)))
            .unwrap_or_else(|| panic!("{options:?}: first line {line:?}"));
        Self { child, stdout, stderr, scheme, address }
    }

    /// Runs a proxy that is expected to end on its own.
    #[track_caller]
    pub(crate) fn run(options: &[&str]) -> Output {
        let mut child = command(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        if wait(&mut child, Duration::from_secs(10)).is_none() {
            child.kill().expect("it can be killed");
            panic!("{options:?}: still running");
        }
        child.wait_with_output().expect("its output can be read")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, for `curl -x`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The next line on stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("stdout is text");
        line.trim_end().to_owned()
    }

    /// The log so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("no panic").clone()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.send_signal("-TERM");
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.send_signal("-HUP");
    }

    fn send_signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args([signal, &id]).status().expect("kill can be run");
        assert!(done.success());
    }

    /// Waits for the end of the process; `None` when it does not end within `limit`.
    pub(crate) fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        wait(&mut self.child, limit)
    }

    /// What is still on stdout, after the end of the process.
    pub(crate) fn rest_of_stdout(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("stdout is text");
        rest
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of the proxy ---\n{}", self.stderr());
        }
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(binary("forward_proxy"));
    command.args(options).stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("the process can be asked") {
            return Some(status);
        }
        if Instant::now() > end {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The program of an example, such as `target/<profile>/examples/forward_proxy`.
///
/// Cargo has no `CARGO_BIN_EXE_..` for examples, and `cargo test` builds only their unit tests. So
/// it is built here, with the features of this test, by the same cargo into the same directory;
/// that takes a fraction of a second when it is up to date.
fn binary(example: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let build = || {
        let test = env::current_exe().expect("this program has a path");
        // target/<profile>/deps/<test>-<hash>
        let profile = test.ancestors().nth(2).expect("a directory of the profile");
        let target = profile.parent().expect("a target directory");
        let name = match profile.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(name) => name,
        };
        let mut cargo = Command::new(env!("CARGO"));
        // These variables, which cargo set for this program, would make build scripts run again.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix)) {
                cargo.env_remove(name);
            }
        }
        let built = cargo
            .args(["build", "--quiet", "--example", example, "--profile", name])
            .args(["--features", &features().join(",")])
            .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
            .arg("--target-dir")
            .arg(target)
            .status()
            .expect("cargo can be run");
        assert!(built.success(), "the example {example} does not build");
        profile.join("examples").join(format!("{example}{}", env::consts::EXE_SUFFIX))
    };
    built.entry(example.to_owned()).or_insert_with(build).clone()
}

/// The enabled features that the example uses.
fn features() -> Vec<&'static str> {
    let all = [
        ("access-rules", cfg!(feature = "access-rules")),
        ("cached", cfg!(feature = "cached")),
        ("htdigest", cfg!(feature = "htdigest")),
        ("htpasswd", cfg!(feature = "htpasswd")),
        ("ldap", cfg!(feature = "ldap")),
        ("metrics", cfg!(feature = "metrics")),
        ("sql-mysql", cfg!(feature = "sql-mysql")),
        ("sql-postgres", cfg!(feature = "sql-postgres")),
        ("sql-sqlite", cfg!(feature = "sql-sqlite")),
        ("tls-ring", cfg!(feature = "tls-ring")),
    ];
    all.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
}
