//! A server process that the tests start.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// Runs a server, and stops it and removes its data when the tests end.
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

/// A server with its own port and data folder. It ends with the tests, even if they are killed.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) port: u16,
    signal: &'static str,
    command: Vec<String>,
    running: Option<Child>,
}

impl Server {
    /// Makes the folder. If we are root it belongs to `user`, as servers refuse to run as root.
    pub(crate) fn new(user: &'static str, signal: &'static str) -> Self {
        let folder = TempDir::new().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Vec::new();
        if id(&["-u"]) == Some(0) {
            let user = [user, "nobody"].into_iter().find(|user| id(&["-u", user]).is_some());
            let user = user.expect("a user to run the server");
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

    /// Runs a program until it ends.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) {
        let output = self.command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", program.display());
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let words = self.command.iter().map(String::as_str);
        let mut words = words.chain([program.to_str().unwrap()]).chain(arguments.iter().copied());
        let mut command = Command::new(words.next().unwrap());
        // Two MariaDBs with one folder for temporary files delete those of each other.
        command.args(words).current_dir(&self.folder).env("TMPDIR", &self.folder);
        command
    }

    /// Starts the server. It may take some time until it answers.
    pub(crate) fn start(&mut self, program: &Path, arguments: &[&str]) {
        let server = self.command(program, arguments);
        let log = fs::File::create(self.folder.join("log")).unwrap();
        let mut wrapper = Command::new("sh");
        wrapper.args(["-c", WRAPPER, "sh", self.signal]).arg(&self.folder);
        wrapper.arg(server.get_program()).args(server.get_args()).current_dir("/");
        wrapper.env("TMPDIR", &self.folder);
        wrapper.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(wrapper.spawn().unwrap());
    }

    /// Kills the server and keeps its data.
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

/// The output of the program `id`.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().ok()
}

/// The path of a program, from `PATH` or one of the folders.
pub(crate) fn program(name: &str, folders: &[&str]) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = path.split(':').map(PathBuf::from).collect();
    for folder in folders {
        // The asterisk stands for a version.
        match folder.split_once("/*/") {
            Some((above, below)) => {
                let versions = fs::read_dir(above).into_iter().flatten().flatten();
                all.extend(versions.map(|version| version.path().join(below)));
            }
            None => all.push(PathBuf::from(folder)),
        }
    }
    let found = all.into_iter().map(|folder| folder.join(name)).find(|program| program.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed"))
}
