//! A headless Chromium that the DevTools protocol controls.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest wait for a message.
const LIMIT: Duration = Duration::from_secs(60);

/// Chromium reads commands from descriptor 3 and writes to 4, each message ending in NUL.
const SCRIPT: &str = "exec chromium \"$@\" 3<&0 4>&1 </dev/null 1>&2";

const OPTIONS: [&str; 9] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Chromium refuses to run as root with a sandbox.
    "--no-sandbox",
    "--no-first-run",
    "--hide-scrollbars",
    // It sends no requests of its own, and could not.
    "--disable-background-networking",
    "--disable-component-update",
    "--proxy-server=127.0.0.1:9",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A running browser. It ends, with all its processes, when this is dropped.
pub(super) struct Chromium {
    program: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    last_id: u64,
    profile: TempDir,
}

impl Chromium {
    /// Starts a browser whose user reads this language.
    #[track_caller]
    pub(super) fn start(language: &str) -> Self {
        let profile = TempDir::new().expect("a folder can be made");
        let log = fs::File::create(profile.path().join("log")).expect("a file can be made");
        let mut program = Command::new("sh")
            .args(["-c", SCRIPT, "chromium"])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args([format!("--lang={language}"), format!("--accept-lang={language}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("sh can be run");
        let (sender, messages) = mpsc::channel();
        let output = program.stdout.take().expect("stdout is piped");
        thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("a message is JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let commands = program.stdin.take();
        Self { program, commands, messages, last_id: 0, profile }
    }

    /// Sends a command, to a tab if there is a session, and returns its id.
    #[track_caller]
    pub(super) fn send(&mut self, session: Option<&str>, method: &str, parameters: Value) -> u64 {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let commands = self.commands.as_mut().expect("it is running");
        write!(commands, "{message}\0").expect("Chromium is running");
        self.last_id
    }

    /// The next message: an event, or the reply to a command.
    #[track_caller]
    pub(super) fn next(&self) -> Value {
        self.messages.recv_timeout(LIMIT).expect("a message of Chromium")
    }

    /// The reply to a command for the browser as a whole.
    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.send(None, method, parameters);
        loop {
            let message = self.next();
            if message["id"] == id {
                return result(method, message);
            }
        }
    }
}

/// The result in a reply.
#[track_caller]
pub(super) fn result(method: &str, mut reply: Value) -> Value {
    assert!(reply["error"].is_null(), "{method}: {}", reply["error"]);
    reply["result"].take()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It ends when the pipe is closed.
        self.commands = None;
        let _ = self.program.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.profile.path().join("log")).unwrap_or_default();
            eprintln!("--- log of Chromium ---\n{log}");
        }
    }
}
