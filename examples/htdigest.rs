//! Sets the password of a user in a file for Digest, which is created if it does not exist. Unlike
//! Apache's `htdigest`, it also supports SHA-256 and SHA-512-256. Each algorithm needs its own
//! file, whose first line names it; secrets for another algorithm are not added.
//!
//!     cargo run --example htdigest -- --algorithm sha-256 users.sha256 proxy alice
//!
//! The password is read from the terminal or standard input, not from the command line, which other
//! users of the machine can see. The file is replaced atomically.

use std::{
    error::Error,
    fs,
    io::{self, IsTerminal as _, Write as _},
    iter,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Parser;
use tempfile::NamedTempFile;
use tower_proxy_auth::{HashedA1, Realm, digest::HashFunction, secret::Password};
use zeroize::Zeroizing;

/// The start of the comment that names the algorithm of a file.
const ALGORITHM: &str = "# algorithm: ";

/// Sets the password of a user in a file for Digest.
#[derive(Parser)]
struct Options {
    /// The algorithm of the secrets in the file: md5, sha-256 or sha-512-256
    #[arg(long, default_value = "sha-256")]
    algorithm: HashFunction,
    /// The file
    file: PathBuf,
    /// The realm of the proxy
    realm: String,
    /// The name of the user
    user: String,
}

fn main() -> ExitCode {
    match set_password(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in iter::successors(error.source(), |&cause| cause.source()) {
                eprintln!("caused by: {cause}");
            }
            ExitCode::from(2)
        }
    }
}

fn set_password(options: &Options) -> Result<(), Box<dyn Error>> {
    let Options { algorithm, file, realm, user } = options;
    let realm = Realm::new(realm.as_str())?;
    check_name(user)?;
    let old = match fs::read_to_string(file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("cannot read {file:?}: {error}").into()),
    };
    check_algorithm(&old, *algorithm).map_err(|(number, problem)| {
        format!("{file:?}, line {number}: {problem}: use one file for each algorithm")
    })?;
    let old = if old.is_empty() { format!("{ALGORITHM}{algorithm}\n") } else { old };
    let password = read_password(user)?;
    let secret = HashedA1::new(*algorithm, user, &realm, password.expose()).expose_hex();
    let new = with_entry(&old, &format!("{user}:{}:", realm.as_str()), &secret);
    replace(file, &new).map_err(|error| format!("cannot write {file:?}: {error}").into())
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.starts_with('#') || name.trim() != name {
        return Err(format!(
            "the user name {name:?} is empty, starts with # or has a blank at an end"
        ));
    }
    if name.contains(|character: char| character == ':' || character.is_control()) {
        return Err(format!("the user name {name:?} contains a colon or a control character"));
    }
    Ok(())
}

/// Refuses a file with a line for another algorithm. The error has the number of the line and the
/// problem.
///
/// SHA-256 and SHA-512-256 make secrets of the same length, so only the first line distinguishes
/// them.
fn check_algorithm(file: &str, algorithm: HashFunction) -> Result<(), (usize, String)> {
    for (number, line) in (1..).zip(file.lines()) {
        let secret = line.rsplit_once(':').map_or("", |(_, secret)| secret.trim());
        let of_line = match (line.strip_prefix(ALGORITHM), secret.len()) {
            (Some(name), _) => name.trim(),
            (None, _) if line.starts_with('#') => continue,
            (None, 32) => "MD5",
            (None, 64) if algorithm == HashFunction::Md5 => "SHA-256 or SHA-512-256",
            _ => continue,
        };
        if !of_line.eq_ignore_ascii_case(&algorithm.to_string()) {
            return Err((number, format!("it is for {of_line}, not for {algorithm}")));
        }
    }
    Ok(())
}

/// Replaces the entry that starts with `prefix`, or appends one.
fn with_entry(file: &str, prefix: &str, secret: &str) -> String {
    let is_same = |line: &str| line.strip_prefix(prefix).is_some_and(|rest| !rest.contains(':'));
    let entry = format!("{prefix}{secret}");
    let is_new = !file.lines().any(is_same);
    let lines = file.lines().map(|line| if is_same(line) { &*entry } else { line });
    lines.chain(is_new.then_some(&*entry)).flat_map(|line| [line, "\n"]).collect()
}

/// Writes a new file with the permissions of the old one, and renames it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Only its owner can read it, and it is removed when this function fails.
    let mut new = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

fn read_password(user: &str) -> Result<Password, Box<dyn Error>> {
    let password = if io::stdin().is_terminal() {
        let first = prompt(&format!("password of {user:?}: "))?;
        let second = prompt("repeat the password: ")?;
        if first.expose() != second.expose() {
            return Err("the passwords differ".into());
        }
        first
    } else {
        read_line()?
    };
    if password.expose().is_empty() || password.expose().contains(char::is_control) {
        return Err("the password is empty or contains a control character".into());
    }
    Ok(password)
}

/// Reads a line from the terminal without showing it.
fn prompt(text: &str) -> Result<Password, Box<dyn Error>> {
    eprint!("{text}");
    let hidden = Command::new("stty").arg("-echo").status().is_ok_and(|status| status.success());
    let line = read_line();
    if hidden {
        Command::new("stty").arg("echo").status()?;
    }
    eprintln!();
    line
}

fn read_line() -> Result<Password, Box<dyn Error>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().read_line(&mut line)?;
    Ok(Password::new(line.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_an_entry_and_keeps_the_others() {
        let file = "# users\nalice:proxy:old\nalice:other:1\nbob:proxy:2\n";
        let new = with_entry(file, "alice:proxy:", "new");
        assert_eq!(new, "# users\nalice:proxy:new\nalice:other:1\nbob:proxy:2\n");
    }

    #[test]
    fn appends_a_new_entry() {
        assert_eq!(with_entry("", "alice:proxy:", "1"), "alice:proxy:1\n");
        assert_eq!(with_entry("bob:proxy:2", "alice:proxy:", "1"), "bob:proxy:2\nalice:proxy:1\n");
        // A realm with a colon is another realm.
        assert_eq!(
            with_entry("alice:proxy:2:3\n", "alice:proxy:", "1"),
            "alice:proxy:2:3\nalice:proxy:1\n"
        );
    }

    #[test]
    fn refuses_a_file_for_another_algorithm() {
        let [short, long] = [32, 64].map(|length| "a".repeat(length));
        let (md5, sha) = (format!("a:proxy:{short}\n"), format!("a:proxy:{long}\n"));
        let of = |name: &str| format!("# users: of {name}\n{ALGORITHM}{name}\n");
        for (file, algorithm, problem) in [
            (String::new(), HashFunction::Sha256, None),
            (md5.clone(), HashFunction::Md5, None),
            (sha.clone(), HashFunction::Sha256, None),
            (sha.clone(), HashFunction::Sha512_256, None),
            (of("SHA-256") + &sha, HashFunction::Sha256, None),
            (of("sha-512-256"), HashFunction::Sha512_256, None),
            (md5.clone(), HashFunction::Sha256, Some((1, "it is for MD5, not for SHA-256"))),
            (
                format!("\n{sha}"),
                HashFunction::Md5,
                Some((2, "it is for SHA-256 or SHA-512-256, not for MD5")),
            ),
            (
                of("SHA-512-256") + &sha,
                HashFunction::Sha256,
                Some((2, "it is for SHA-512-256, not for SHA-256")),
            ),
            (of("SHA-256"), HashFunction::Md5, Some((2, "it is for SHA-256, not for MD5"))),
            (sha + &md5, HashFunction::Sha256, Some((2, "it is for MD5, not for SHA-256"))),
            ("a:proxy:!\nb:proxy\n".to_owned(), HashFunction::Md5, None),
        ] {
            let problem = problem.map(|(number, text)| (number, text.to_owned()));
            assert_eq!(check_algorithm(&file, algorithm).err(), problem, "{file}");
        }
    }

    #[test]
    fn refuses_a_name_that_a_file_cannot_contain() {
        for name in ["", "a:b", "#a", " a", "a ", "a\nb"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("j\u{e4}son doe"), Ok(()));
    }

    #[test]
    fn replaces_a_file_and_leaves_no_temporary_one() {
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
