//! Users with their passwords, from `--user` and `--users-file`.

use std::{collections::HashSet, fs, path::Path};

use tower_proxy_auth::{Realm, Users, secret::Password};
use zeroize::Zeroizing;

use crate::Mistake;

/// A name without a colon and a password; neither is empty or contains a control character.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Password,
}

/// How many random bytes a generated password has.
const PASSWORD_BYTES: usize = 12;

impl User {
    /// Makes a user with a random password, to try the proxy.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; PASSWORD_BYTES];
        getrandom::fill(&mut bytes)?;
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name: "user".to_owned(), password: Password::new(password) })
    }

    /// Parses NAME:PASSWORD, where the name ends at the first colon. Errors do not contain the
    /// password.
    fn parse(text: &str) -> Result<Self, Mistake> {
        let Some((name, password)) = text.split_once(':') else {
            return Err("no colon: expected NAME:PASSWORD".to_owned());
        };
        let problem = match (name, password) {
            ("", _) => "no name before the colon",
            (_, "") => "no password after the colon",
            _ if text.contains(char::is_control) => "control character in name or password",
            _ => return Ok(Self { name: name.to_owned(), password: Password::new(password) }),
        };
        Err(if name.is_empty() { problem.to_owned() } else { format!("{name:?}: {problem}") })
    }
}

/// Reads the values of `--user` and the lines of `--users-file`.
pub(super) fn read(given: &[String], file: Option<&Path>) -> Result<Vec<User>, Mistake> {
    let mut users = List::default();
    for text in given {
        if !text.contains(':') {
            return Err(format!("--user {text:?} has no colon: expected NAME:PASSWORD"));
        }
        User::parse(text)
            .and_then(|user| users.add(user))
            .map_err(|problem| format!("--user {problem}"))?;
    }
    let Some(path) = file else { return Ok(users.users) };
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("--users-file {shown}: {error}"))?;
    let bytes = Zeroizing::new(bytes);
    let text = str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("--users-file {shown}, line {line}: not UTF-8")
    })?;
    let before = users.users.len();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        User::parse(line)
            .and_then(|user| users.add(user))
            .map_err(|problem| format!("--users-file {shown}, line {}: {problem}", number + 1))?;
    }
    if users.users.len() == before {
        return Err(format!("--users-file {shown}: no user in this file"));
    }
    Ok(users.users)
}

#[derive(Default)]
struct List {
    names: HashSet<String>,
    users: Vec<User>,
}

impl List {
    fn add(&mut self, user: User) -> Result<(), Mistake> {
        if !self.names.insert(user.name.clone()) {
            return Err(format!("{:?} is given twice", user.name));
        }
        self.users.push(user);
        Ok(())
    }
}

pub(super) fn open(realm: &Realm, given: &[User]) -> Result<Users, Mistake> {
    let users = Users::new(realm);
    for User { name, password } in given {
        users.set(name, password.expose()).map_err(|error| error.to_string())?;
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    fn from_file(content: &[u8]) -> (String, Result<Vec<User>, Mistake>) {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(content).expect("written");
        (file.path().display().to_string(), read(&[], Some(file.path())))
    }

    fn pairs(users: &[User]) -> Vec<(&str, &str)> {
        users.iter().map(|user| (user.name.as_str(), user.password.expose())).collect()
    }

    #[test]
    fn a_name_ends_at_the_first_colon() {
        let given = ["J\u{fc}rgen \u{d6}l:a:b:c", "bob: x "].map(str::to_owned);
        let users = read(&given, None).expect("good");
        assert_eq!(pairs(&users), [("J\u{fc}rgen \u{d6}l", "a:b:c"), ("bob", " x ")]);
    }

    #[test]
    fn a_file_may_have_comments_and_any_line_end() {
        let (_, users) =
            from_file(b"\xEF\xBB\xBF# who may\r\n\r\nalice:wonder\r\n  \nbob:#b:c\n#x:y\n");
        assert_eq!(pairs(&users.expect("good")), [("alice", "wonder"), ("bob", "#b:c")]);
    }

    #[test]
    fn an_error_names_file_and_line_but_no_password() {
        for (content, expected) in [
            (b"alice:wonder\nbob\n".as_slice(), ", line 2: no colon: expected NAME:PASSWORD"),
            (b"\n:wonder", ", line 2: no name before the colon"),
            (b"alice:", ", line 1: \"alice\": no password after the colon"),
            (b"a:wonder\na:wonder", ", line 2: \"a\" is given twice"),
            (b"a:won\tder", ", line 1: \"a\": control character in name or password"),
            (b"a:wonder\nb:\xFF\n", ", line 2: not UTF-8"),
            (b"# nobody\n", ": no user in this file"),
        ] {
            let (path, users) = from_file(content);
            assert_eq!(users.expect_err("bad"), format!("--users-file {path}{expected}"));
        }
        let missing = read(&[], Some(Path::new("/nowhere/users"))).expect_err("not there");
        assert!(missing.starts_with("--users-file /nowhere/users: "), "{missing}");
    }

    #[test]
    fn generated_users_have_different_passwords() {
        let [one, other] = [User::generate(), User::generate()].map(|user| user.expect("random"));
        assert_ne!(one.password.expose(), other.password.expose());
        assert_eq!(one.password.expose().len(), 2 * PASSWORD_BYTES);
    }

    #[test]
    fn refuses_a_user_in_both_file_and_command_line() {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(b"alice:other").expect("written");
        let both = read(&["alice:wonder".to_owned()], Some(file.path())).expect_err("twice");
        assert!(both.ends_with(", line 1: \"alice\" is given twice"), "{both}");
    }
}
