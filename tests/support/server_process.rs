//! A server that a test starts for itself.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

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
        // Where two MariaDBs share a folder for temporary files, one deletes those of the other.
        command.args(words).current_dir(&self.folder).env("TMPDIR", &self.folder);
        command
    }

    /// Starts the server, which may take a while to answer.
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
