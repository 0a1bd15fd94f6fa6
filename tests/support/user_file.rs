//! Files of users that change, and programs that write them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The longest wait, even for a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A file of users in a temporary folder.
pub(crate) struct UserFile {
    folder: TempDir,
}

impl UserFile {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let file = Self::none();
        file.write(text);
        file
    }

    /// A file that does not exist yet.
    pub(crate) fn none() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    pub(crate) fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
    }

    /// Replaces the file atomically.
    pub(crate) fn replace(&self, text: impl AsRef<[u8]>) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

/// Waits until the condition holds, and returns for how long.
#[track_caller]
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "a timeout");
        thread::sleep(Duration::from_millis(1));
    }
    start.elapsed()
}

/// Runs a program that prompts for a password, without a terminal.
#[track_caller]
pub(crate) fn run(program: &str, options: &[&str], file: &Path, more: &[&str], input: &str) {
    let mut command = Command::new("setsid");
    command.args(["--wait", program]).args(options).arg(file).args(more);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    // Some programs do not read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}
