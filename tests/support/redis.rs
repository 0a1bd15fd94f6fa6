//! Redis as a private process.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::server;

/// A running server; it is killed when this is dropped.
pub(crate) struct Redis {
    folder: TempDir,
    pub(crate) port: u16,
    options: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Redis {
    /// Starts a server that saves nothing, on a free port of the loopback address.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(&["--save", ""])
    }

    #[track_caller]
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { folder, port: 0, options, child: Mutex::default() };
        // Another process may take a port first.
        let got_port = (0..5).any(|_| {
            server.port = free_port();
            server.launch()
        });
        assert!(got_port, "redis-server does not start");
        server
    }

    /// `redis://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the server.
    pub(crate) fn kill(&self) {
        server::kill(&self.child);
    }

    /// Starts it again on the same port, after [`kill`](Self::kill).
    #[track_caller]
    pub(crate) fn launch_again(&self) {
        assert!(self.launch(), "redis-server does not start again");
    }

    /// Stops the process for a while.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues it after [`pause`](Self::pause).
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Runs a command, and returns its output without the last line feed.
    #[track_caller]
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-e", "-p", &self.port.to_string()]).args(words);
        let output = cli.output().expect("redis-cli starts");
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert!(output.status.success(), "{words:?}: {text} {output:?}");
        text
    }

    /// The number of keys.
    #[track_caller]
    pub(crate) fn keys(&self) -> usize {
        self.cli(&["DBSIZE"]).parse().expect("a number")
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = &*child {
            let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("an id");
            kill_process(id, signal).expect("it runs");
        }
    }

    /// Waits until it answers; returns `false` if it ends, for example because a port is taken.
    fn launch(&self) -> bool {
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if child.try_wait().expect("a status").is_some() || Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // Another process might be the one that listens.
        thread::sleep(Duration::from_millis(20));
        let is_running = child.try_wait().expect("a status").is_none();
        *self.child.lock().expect("no panic") = Some(child);
        is_running
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.resume();
        self.kill();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
