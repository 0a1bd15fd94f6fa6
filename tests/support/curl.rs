//! Runs of the curl program through a proxy.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use super::proxy::Proxy;

/// The label of the number of connections that a transfer opened.
const CONNECTS: &str = "new connections: ";

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// curl's exit status: 0 also for a 407 to a plain request.
    pub(crate) exit: Option<i32>,
    /// All request heads sent, in order, those inside tunnels too.
    pub(crate) requests: Vec<Head>,
    /// All answer heads received, in order.
    pub(crate) answers: Vec<Head>,
    /// The number of connections opened.
    pub(crate) connections: usize,
    /// The bodies that curl printed: that of the last answer for each URL.
    pub(crate) body: Vec<u8>,
    /// What curl wrote to stderr.
    pub(crate) log: String,
}

/// The head of a message.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
}

/// Runs `curl ARGUMENTS` through `proxy`, without the user's configuration.
#[track_caller]
pub(crate) fn curl(proxy: &Proxy, arguments: &[&str]) -> Run {
    curl_with_input(proxy, arguments, b"")
}

/// The same with `input` on stdin, for `--data-binary @-`.
#[track_caller]
pub(crate) fn curl_with_input(proxy: &Proxy, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = Command::new("curl");
    // --disable must come first.
    command.args(["--disable", "--silent", "--show-error", "--verbose", "--max-time", "30"]);
    command.args(["--write-out", &format!("%{{stderr}}{CONNECTS}%{{num_connects}}\n")]);
    command.args(["--proxy", &proxy.url()]).args(arguments);
    run(command, input)
}

/// Runs a printed curl command line in a shell.
#[track_caller]
pub(crate) fn curl_from_shell(command_line: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{command_line} --silent --show-error --verbose --max-time 30")]);
    run(command, b"")
}

#[track_caller]
fn run(mut command: Command, input: &[u8]) -> Run {
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_ascii_uppercase());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("curl can be run");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = thread::scope(|scope| {
        // curl need not read all of it.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("curl ends")
    });
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    Run {
        exit: output.status.code(),
        requests: heads(&log, "> "),
        answers: heads(&log, "< "),
        connections: log
            .lines()
            .filter_map(|line| line.strip_prefix(CONNECTS)?.parse::<usize>().ok())
            .sum(),
        body: output.stdout,
        log,
    }
}

/// The heads whose lines begin with `mark` in what `--verbose` prints.
fn heads(log: &str, mark: &str) -> Vec<Head> {
    let mut heads: Vec<Head> = Vec::new();
    let mut within = false;
    for line in log.lines().filter_map(|line| line.strip_prefix(mark)).map(str::trim_end) {
        if !within {
            heads.push(Head { first_line: line.to_owned(), fields: Vec::new() });
        } else if let (Some(head), Some((name, value))) = (heads.last_mut(), line.split_once(':')) {
            head.fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        within = !line.is_empty();
    }
    heads
}

impl Run {
    /// The status of every answer.
    #[track_caller]
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.answers.iter().map(Head::status).collect()
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The `Proxy-Authorization` of every request that had one.
    pub(crate) fn credentials(&self) -> Vec<&str> {
        self.requests.iter().flat_map(|request| request.all("proxy-authorization")).collect()
    }

    /// Checks that curl succeeded, and that the last answer was a 200 with this `body`.
    #[track_caller]
    pub(crate) fn expect(&self, body: &str) {
        let status = self.answers.last().map(Head::status);
        assert_eq!((self.exit, status, self.text()), (Some(0), Some(200), body), "{}", self.log);
    }
}

impl Head {
    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let status = self.first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("status line {:?}", self.first_line))
    }

    /// The values of all field lines `name`.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.fields.iter().filter(|(found, _)| found == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }
}
