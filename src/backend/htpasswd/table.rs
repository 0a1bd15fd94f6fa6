//! The users of a file.

use std::collections::HashMap;

use crate::{
    backend::{
        BasicCredentials, Verdict,
        password_hash::{HashCost, HashKind, HashPolicy, PasswordHash},
        watched_file::{Content, FileError, UserTable, check_name, lines, shown},
    },
    error::BackendError,
    identity::Account,
    user_id::UserId,
};

/// The users of a file, and the cost of the most expensive hash.
pub(super) struct Table {
    users: HashMap<Box<str>, PasswordHash>,
    cost: HashCost,
}

impl Table {
    pub(super) fn parse(contents: &[Content], policy: &HashPolicy) -> Result<Self, FileError> {
        let (mut users, mut cost) = (HashMap::new(), HashCost::ZERO);
        for content in contents {
            let mut numbers = HashMap::new();
            for line in lines(content) {
                let (number, line) = line?;
                let invalid = |problem| FileError::in_line(content.path(), number, problem);
                let (name, hash) = parse_line(line, policy).map_err(invalid)?;
                if let Some(first) = numbers.insert(name, number) {
                    let problem = format!("the user {} is already in line {first}", shown(name));
                    return Err(invalid(problem));
                }
                cost = cost.max(HashCost::of(&hash));
                users.insert(name.into(), hash);
            }
            // A file may be empty for a moment while it is rewritten, which must not lock out everyone.
            if users.is_empty() {
                return Err(FileError::new(content.path(), "it has no user"));
            }
        }
        users.shrink_to_fit();
        Ok(Self { users, cost })
    }

    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    /// Checks a password, at the same cost for known and unknown users.
    pub(super) fn check(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let user_id = credentials.user_id();
        let hash = self.users.get(user_id);
        let is_right = self.cost.verify(hash, credentials.password())?;
        Ok(match hash {
            Some(_) if is_right => Verdict::Accepted(Account::new(user_id)),
            Some(_) => Verdict::WrongPassword,
            None => Verdict::UnknownUser,
        })
    }
}

impl UserTable for Table {
    fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId> {
        let names = self.users.keys().chain(new.users.keys());
        let changed = names.filter(|&name| self.users.get(name) != new.users.get(name));
        changed.map(|name| UserId::new(&**name))
    }
}

/// The name and the hash.
fn parse_line<'a>(line: &'a str, policy: &HashPolicy) -> Result<(&'a str, PasswordHash), String> {
    let (name, rest) = line.split_once(':').ok_or("there is no colon after the user name")?;
    let (text, comment) = match rest.split_once(':') {
        Some((text, comment)) => (text, Some(comment)),
        None => (rest, None),
    };
    check_name(name)?;
    let invalid = |problem: &dyn std::fmt::Display| format!("the user {}: {problem}", shown(name));
    let hash = PasswordHash::parse(text, policy).map_err(|error| invalid(&error))?;
    if hash.kind() == HashKind::PlainText && comment.is_some() {
        return Err(invalid(&"a plain password must not contain a colon"));
    }
    Ok((name, hash))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::{
        backend::password_hash::{HashMethod, hash_password, work_of},
        wire::Realm,
    };

    const POLICY: HashPolicy = HashPolicy::new().allow_kind(HashKind::PlainText);
    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";

    fn parse_bytes(bytes: &[u8], policy: &HashPolicy) -> Result<Table, FileError> {
        let content = Content::new(Path::new("users"), bytes.to_vec().into());
        Table::parse(&[content], policy)
    }

    #[track_caller]
    fn parse(text: &str) -> Table {
        parse_bytes(text.as_bytes(), &POLICY).unwrap()
    }

    #[track_caller]
    fn refused(bytes: &[u8], message: &str) {
        let error = parse_bytes(bytes, &POLICY).err().unwrap();
        assert_eq!(error.to_string(), format!("\"users\"{message}"));
    }

    #[track_caller]
    fn verdict(table: &Table, name: &str, password: &str) -> String {
        let realm = Realm::new("proxy").unwrap();
        match table.check(BasicCredentials::new(&realm, name, password)).unwrap() {
            Verdict::Accepted(account) => account.user().as_str().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn users_have_changed_if_their_hash_has() {
        let parse = |text: &str| {
            let content = Content::new(Path::new("users"), text.as_bytes().to_vec().into());
            Table::parse(&[content], &POLICY).unwrap()
        };
        let comment = |text: &str| format!("alice:{BCRYPT}:{text}\n");
        let old = parse(&(comment("old") + "bob:builder\ncarol:carol\nemil:same\n"));
        let new = parse(&(comment("new") + "emil:same\nbob:changed\ndora:dora\n"));
        for (old, new) in [(&old, &new), (&new, &old)] {
            let changed: BTreeSet<_> =
                old.changed(new).map(|user| user.as_str().to_owned()).collect();
            assert_eq!(changed.iter().collect::<Vec<_>>(), ["bob", "carol", "dora"]);
        }
        assert_eq!(old.changed(&old).count(), 0);
    }

    #[test]
    fn every_user_has_one_password() {
        let table = parse("bob:builder\nalice:wonder\n\u{e4}lice:\u{fc}ber\nal:ice\n");
        assert_eq!(table.len(), 4);
        let users =
            [("alice", "wonder"), ("bob", "builder"), ("\u{e4}lice", "\u{fc}ber"), ("al", "ice")];
        for (name, password) in users {
            for (_, other) in users {
                let expected = if other == password { name } else { "WrongPassword" };
                assert_eq!(verdict(&table, name, other), expected);
            }
        }
        for unknown in ["Alice", "alic", "alicee", "", "a\u{308}lice", "zoe", "bob:"] {
            assert_eq!(verdict(&table, unknown, "wonder"), "UnknownUser", "{unknown}");
        }
    }

    #[test]
    fn skips_crlf_byte_order_mark_comments_and_blank_lines() {
        let table = parse("\u{feff}# users\r\n\r\nalice:wonder\r\n  \t\r\n#bob:builder\r\nzoe:zz");
        assert_eq!(table.len(), 2);
        assert_eq!(verdict(&table, "alice", "wonder"), "alice");
        assert_eq!(verdict(&table, "zoe", "zz"), "zoe");
    }

    #[test]
    fn skips_a_comment_after_a_second_colon() {
        let table = parse(&format!("alice:{BCRYPT}:Alice, third floor: left"));
        assert_eq!(verdict(&table, "alice", "password"), "alice");
        refused(
            b"alice:won:der",
            ", line 1: the user \"alice\": a plain password must not contain a colon",
        );
    }

    #[test]
    fn names_an_invalid_line_and_its_user_but_no_hash() {
        let long = "x".repeat(100);
        let cut = format!(r#""{}""#, "x".repeat(64));
        for (line, message) in [
            (&b"alice"[..], "there is no colon after the user name"),
            (b":wonder", r#"the user name "" is empty"#),
            (b"  :wonder", r#"the user name "" is empty"#),
            (b"al\x1bice:wonder", r#"the user name "al\u{1b}ice" contains a control character"#),
            (b"alice:", r#"the user "alice": the hash is empty"#),
            (b"alice::comment", r#"the user "alice": the hash is empty"#),
            (b"al\xe9ce:wonder", "it is not UTF-8"),
            (
                &[b"alice:", &BCRYPT.as_bytes()[..40]].concat(),
                r#"the user "alice": the bcrypt hash is malformed: it does not have 60 characters"#,
            ),
            (
                b"alice:rqXexS6ZhobKA",
                "the user \"alice\": the hash is DES crypt, which is never accepted: make a new \
                 one",
            ),
            (
                b"alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
                "the user \"alice\": the hash is of the weak kind sha: make a new one, or accept \
                 it with allow_kind",
            ),
            (
                &BCRYPT.replace("$2y$05$", "alice:$2y$31$").into_bytes(),
                r#"the user "alice": the cost of the bcrypt hash is 31: at most 15 is allowed"#,
            ),
            (format!("{long}:").as_bytes(), &format!("the user {cut}: the hash is empty")),
        ] {
            let file = [b"# users\nbob:builder\n", line, b"\nzoe:zz\n"].concat();
            refused(&file, &format!(", line 3: {message}"));
        }
    }

    #[test]
    fn names_both_lines_of_a_duplicate_user() {
        refused(
            b"alice:wonder\nbob:builder\n\nalice:wonder\n",
            ", line 4: the user \"alice\" is already in line 1",
        );
    }

    #[test]
    fn refuses_a_file_without_users() {
        for file in ["", "\n\n", "# nobody yet\n", "\u{feff}"] {
            refused(file.as_bytes(), ": it has no user");
        }
    }

    #[test]
    fn survives_every_byte_at_every_position() {
        let file = format!("\u{feff}#c\r\nalice:{BCRYPT}\nbob:$6$a$b\n").into_bytes();
        for at in 0..file.len() {
            for byte in [0, b'\n', b'\r', b':', b'$', b'{', 0x80, 0xFF] {
                let mut file = file.clone();
                file[at] = byte;
                // The hash of bob is truncated, so the file is valid only without his line.
                if let Ok(table) = parse_bytes(&file, &HashPolicy::new()) {
                    assert_eq!(table.len(), 1);
                }
            }
        }
    }

    #[test]
    fn all_users_cost_the_same_with_mixed_hashes() {
        let costs = [4, 6, 5].map(|cost| (cost, HashMethod::Bcrypt { cost }));
        let line =
            |(cost, method)| format!("user{cost}:{}\n", hash_password("wonder", method).unwrap());
        let rounds = hash_password("wonder", HashMethod::Sha512Crypt { rounds: 1_234 }).unwrap();
        let file = costs.map(line).concat() + &format!("rounds:{rounds}\n");
        let table = parse(&file);
        for name in ["user4", "user5", "user6", "rounds", "nobody", "user"] {
            for password in ["wonder", "wrong", &"a".repeat(100)] {
                let work = work_of(|| drop(verdict(&table, name, password)));
                assert_eq!(work, [("bcrypt", 1 << 6), ("sha512-crypt", 1_234)].into(), "{name}");
            }
        }
    }
}
