//! Sets the password of a user in a file for Digest, which is made if there is none. As Apache's
//! `htdigest`, but for SHA-256 and SHA-512-256 as well: one file for each algorithm.
//!
//!     cargo run --example htdigest -- --algorithm sha-256 users.sha256 proxy alice
//!
//! The password is asked for on a terminal, and otherwise read from standard input; it is never
//! taken from the command line, which everybody on the machine can see. The file is put in the
//! place of the old one at once, so whoever watches it never reads a half of it.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, ValueEnum};
use tower_proxy_auth::{HashedA1, Realm, digest::HashFunction, secret::Password};

/// Sets the password of a user in a file for Digest.
#[derive(Parser)]
struct Options {
    /// What the file is for
    #[arg(long, value_enum, default_value = "sha-256")]
    algorithm: Algorithm,
    /// The file
    file: PathBuf,
    /// The realm that the proxy names
    realm: String,
    /// The name of the user
    user: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    Md5,
    #[value(name = "sha-256")]
    Sha256,
    #[value(name = "sha-512-256")]
    Sha512_256,
}

impl From<Algorithm> for HashFunction {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512_256 => Self::Sha512_256,
        }
    }
}

fn main() -> ExitCode {
    match set_password(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn set_password(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { algorithm, file, realm, user } = options;
    let realm = Realm::new(realm.as_str())?;
    check_name(user)?;
    let password = read_password(user)?;
    let secret =
        HashedA1::new((*algorithm).into(), user, realm.as_str(), password.expose()).expose_hex();

    let old = match fs::read_to_string(file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{file:?} cannot be read: {error}").into()),
    };
    let new = with_entry(&old, &format!("{user}:{}:", realm.as_str()), &secret);
    replace(file, &new).map_err(|error| format!("{file:?} cannot be written: {error}").into())
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.starts_with('#') || name.trim() != name {
        return Err(format!(
            "the user name {name:?} is empty, or begins or ends with # or a blank"
        ));
    }
    if name.contains(|character: char| character == ':' || character.is_control()) {
        return Err(format!("the user name {name:?} holds a colon or a control character"));
    }
    Ok(())
}

/// The lines of a file, with this one entry in the place of the one that begins like it, or at the
/// end.
fn with_entry(file: &str, beginning: &str, secret: &str) -> String {
    let is_it = |line: &&str| line.strip_prefix(beginning).is_some_and(|rest| !rest.contains(':'));
    let entry = format!("{beginning}{secret}");
    let replaced = file.lines().any(|line| is_it(&line));
    let lines = file.lines().map(|line| if is_it(&line) { &*entry } else { line });
    let lines = lines.chain((!replaced).then_some(&*entry));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Writes a file beside the old one, for its owner or whom the old one was for, and renames it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(&beside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| match fs::metadata(path) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn read_password(user: &str) -> Result<Password, Box<dyn Error>> {
    let password = if io::stdin().is_terminal() {
        let first = ask(&format!("password of {user:?}: "))?;
        let second = ask("the same once more: ")?;
        if first.expose() != second.expose() {
            return Err("the passwords differ".into());
        }
        first
    } else {
        read_line()?
    };
    if password.expose().is_empty() || password.expose().contains(char::is_control) {
        return Err("the password is empty or holds a control character".into());
    }
    Ok(password)
}

/// Reads a line from the terminal without showing it.
fn ask(prompt: &str) -> Result<Password, Box<dyn Error>> {
    eprint!("{prompt}");
    let hidden = Command::new("stty").arg("-echo").status().is_ok_and(|status| status.success());
    let line = read_line();
    if hidden {
        Command::new("stty").arg("echo").status()?;
    }
    eprintln!();
    line
}

fn read_line() -> Result<Password, Box<dyn Error>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(Password::new(line.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_the_place_of_the_one_before_and_leaves_the_others() {
        let file = "# users\nalice:proxy:old\nalice:other:1\nbob:proxy:2\n";
        let new = with_entry(file, "alice:proxy:", "new");
        assert_eq!(new, "# users\nalice:proxy:new\nalice:other:1\nbob:proxy:2\n");
    }

    #[test]
    fn a_new_entry_comes_last_also_after_a_line_without_an_end() {
        assert_eq!(with_entry("", "alice:proxy:", "1"), "alice:proxy:1\n");
        assert_eq!(with_entry("bob:proxy:2", "alice:proxy:", "1"), "bob:proxy:2\nalice:proxy:1\n");
        // A realm with a colon is another realm.
        assert_eq!(
            with_entry("alice:proxy:2:3\n", "alice:proxy:", "1"),
            "alice:proxy:2:3\nalice:proxy:1\n"
        );
    }

    #[test]
    fn a_name_that_a_file_cannot_hold_is_refused() {
        for name in ["", "a:b", "#a", " a", "a ", "a\nb"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("j\u{e4}son doe"), Ok(()));
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("users");
        for text in ["one\n", "two\n"] {
            replace(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("nowhere/users"), "three\n").is_err());
    }
}
