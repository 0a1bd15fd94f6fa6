//! Database servers that tests start for themselves, and what can happen to a server.

// Every test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net,
    sync::watch,
    task::JoinSet,
    time,
};
use tower_proxy_auth::{middleware::ProxyAuthLayer, validator::sql::Sql};

use crate::{
    layer::{self, Origin, RIGHT, WRONG},
    sql::basic,
};

/// What a server is run by: nothing that it is told stays when the tests are over.
const WRAPPER: &str = r#"
signal=$1 folder=$2
shift 2
"$@" &
server=$!
read -r keep
kill "-$signal" $server
wait $server
[ -n "$keep" ] || rm -rf "$folder"
"#;

/// A server on a port of its own, with its data in a folder of its own. It ends with the tests,
/// however they end.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) port: u16,
    signal: &'static str,
    command: Vec<String>,
    running: Option<Child>,
}

impl Server {
    /// A folder for the data, which belongs to `user` if we are root: no server wants to be that.
    pub(crate) fn new(user: &'static str, signal: &'static str) -> Self {
        let folder = TempDir::new().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Vec::new();
        if id(&["-u"]) == Some(0) {
            let user = [user, "nobody"].into_iter().find(|user| id(&["-u", user]).is_some());
            let user = user.expect("somebody to run the server");
            let [of_user, of_group] = [id(&["-u", user]), id(&["-g", user])].map(Option::unwrap);
            chown(&folder, Some(of_user), Some(of_group)).unwrap();
            command = vec![
                "setpriv".to_owned(),
                format!("--reuid={of_user}"),
                format!("--regid={of_group}"),
                "--clear-groups".to_owned(),
            ];
        }
        Self { folder, port, signal, command, running: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) {
        let output = self.command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", program.display());
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let words = self.command.iter().map(String::as_str);
        let mut words = words.chain([program.to_str().unwrap()]).chain(arguments.iter().copied());
        let mut command = Command::new(words.next().unwrap());
        command.args(words).current_dir(&self.folder);
        command
    }

    /// Starts the server, which may take a while to answer.
    pub(crate) fn start(&mut self, program: &Path, arguments: &[&str]) {
        let server = self.command(program, arguments);
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let mut wrapper = Command::new("sh");
        wrapper.args(["-c", WRAPPER, "sh", self.signal]).arg(&self.folder);
        wrapper.arg(server.get_program()).args(server.get_args()).current_dir("/");
        wrapper.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(wrapper.spawn().unwrap());
    }

    /// Kills the server, and leaves its data.
    pub(crate) fn kill(&mut self) {
        let mut running = self.running.take().unwrap();
        running.stdin.take().unwrap().write_all(b"keep\n").unwrap();
        running.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.running.take() {
            Some(mut running) => {
                drop(running.stdin.take());
                drop(running.wait());
            }
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}

/// What the program `id` says.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().ok()
}

/// The program, where `PATH` has it, or in one of the folders.
pub(crate) fn program(name: &str, folders: &[&str]) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = path.split(':').map(PathBuf::from).collect();
    for folder in folders {
        // The last part may be in a folder with a version for its name.
        match folder.split_once("/*/") {
            Some((above, below)) => {
                let versions = fs::read_dir(above).into_iter().flatten().flatten();
                all.extend(versions.map(|version| version.path().join(below)));
            }
            None => all.push(PathBuf::from(folder)),
        }
    }
    let found = all.into_iter().map(|folder| folder.join(name)).find(|program| program.exists());
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

/// Tries until it works.
pub(crate) async fn until<T, E: std::fmt::Debug>(attempt: impl AsyncFn() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(120), "{error:?}"),
        }
        time::sleep(Duration::from_millis(50)).await;
    }
}

/// The port of one who takes connections and never says a word.
pub(crate) fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // For as long as the test lives.
    std::mem::forget(listener);
    port
}

/// Passes on what goes to a server and comes from it, unless it is closed.
pub(crate) struct Gate {
    pub(crate) port: u16,
    is_open: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Gate {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, open) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut tasks = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = net::TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tasks.spawn(pass(from_client, to_server, open.clone()));
                tasks.spawn(pass(from_server, to_client, open.clone()));
            }
        });
        Self { port, is_open, _tasks: tasks }
    }

    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }
}

async fn pass(
    mut from: net::tcp::OwnedReadHalf,
    mut to: net::tcp::OwnedWriteHalf,
    mut open: watch::Receiver<bool>,
) {
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if open.wait_for(|is_open| *is_open).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}

/// One answer of the layer.
#[derive(Debug)]
struct Seen {
    was_right: bool,
    asked: Instant,
    answered: Instant,
    status: u16,
    says_when: bool,
}

/// Asks with the right password and with a wrong one until it is dropped.
pub(crate) struct Load {
    tasks: JoinSet<()>,
    seen: std::sync::Arc<std::sync::Mutex<Vec<Seen>>>,
}

impl Load {
    pub(crate) fn on(sql: &Sql) -> Self {
        let (layer, seen) = (basic(sql), std::sync::Arc::default());
        let mut tasks = JoinSet::new();
        for task in 0..6 {
            tasks.spawn(ask(layer.clone(), task % 2 == 0, std::sync::Arc::clone(&seen)));
        }
        Self { tasks, seen }
    }

    /// Ends it. What was asked before `down` or after `up` and `recovery` is answered as it should
    /// be, what was asked and answered in between is not, and nothing is ever answered wrongly.
    pub(crate) async fn check(mut self, [down, start, up]: [Instant; 3], recovery: Duration) {
        self.tasks.shutdown().await;
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let mut counts = [0; 3];
        for one in &seen {
            let served = if one.was_right { 200 } else { 407 };
            assert!([served, 503].contains(&one.status), "{one:?}");
            assert_eq!(one.says_when, one.status == 503, "{one:?}");
            let is_out = one.asked >= down && one.answered <= start;
            let is_back = one.asked >= up + recovery;
            if is_out {
                assert_eq!(one.status, 503, "in the outage: {one:?}");
                counts[1] += 1;
            } else if is_back {
                assert_eq!(one.status, served, "after the outage: {one:?}");
                counts[2] += 1;
            } else if one.status == served && one.answered < down {
                counts[0] += 1;
            }
        }
        assert!(counts.iter().all(|&count| count >= 6), "before, in and after: {counts:?}");
    }
}

async fn ask(
    layer: ProxyAuthLayer,
    was_right: bool,
    seen: std::sync::Arc<std::sync::Mutex<Vec<Seen>>>,
) {
    let origin = Origin::new();
    loop {
        let asked = Instant::now();
        let credentials = if was_right { RIGHT } else { WRONG };
        let response = layer::send(&layer, &origin, layer::get(credentials)).await;
        let says_when = response.headers().contains_key(http::header::RETRY_AFTER);
        let (answered, status) = (Instant::now(), response.status().as_u16());
        seen.lock().unwrap().push(Seen { was_right, asked, answered, status, says_when });
        time::sleep(Duration::from_millis(10)).await;
    }
}
