//! What a file of users says.

use std::cmp::Ordering;

use crate::{
    backend::{
        BasicCredentials, Verdict,
        password_hash::{HashCost, HashKind, HashPolicy, PasswordHash},
        watched_file::{Content, FileError, check_name, lines, next_version, shown},
    },
    error::BackendError,
    identity::Account,
};

/// The users of one file, sorted by name. Their names lie end to end in one text, so that a user
/// takes 56 bytes and the name where the hash is one of bcrypt.
pub(super) struct Table {
    names: Box<str>,
    users: Box<[User]>,
    max_cost: HashCost,
    version: u64,
}

struct User {
    /// Where the name lies in [`Table::names`]: no file is larger than that.
    name: (u32, u32),
    hash: PasswordHash,
}

/// A line as it was read.
struct Line<'a> {
    number: usize,
    name: &'a str,
    hash: PasswordHash,
}

impl Table {
    pub(super) fn parse(content: &Content, policy: &HashPolicy) -> Result<Self, FileError> {
        let read = |line: Result<(usize, _), FileError>| {
            let (number, line) = line?;
            Line::parse(number, line, policy)
                .map_err(|problem| FileError::in_line(content.path(), number, problem))
        };
        let mut users: Vec<_> = lines(content).map(read).collect::<Result<_, _>>()?;
        // A file that is being written anew may be empty for a moment, which is no reason to send
        // everybody away.
        if users.is_empty() {
            return Err(FileError::new(content.path(), "there is no user in it"));
        }
        // Equal names stay in the order of their lines.
        users.sort_by(|one, other| one.name.cmp(other.name));
        for pair in users.windows(2) {
            if let [first, second] = pair
                && first.name == second.name
            {
                let problem =
                    format!("the user {} is in line {} already", shown(second.name), first.number);
                return Err(FileError::in_line(content.path(), second.number, problem));
            }
        }
        Ok(Self::of(users))
    }

    fn of(lines: Vec<Line<'_>>) -> Self {
        let max_cost = lines.iter().map(|line| HashCost::of(&line.hash));
        let max_cost = max_cost.fold(HashCost::ZERO, HashCost::max);
        let mut names = String::with_capacity(lines.iter().map(|line| line.name.len()).sum());
        let users = lines.into_iter().map(|Line { name, hash, .. }| {
            let start = names.len();
            names.push_str(name);
            let name = [start, names.len()].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            User { name: name.into(), hash }
        });
        let users = users.collect();
        Self { names: names.into(), users, max_cost, version: next_version() }
    }

    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The same work, whoever is asked about.
    pub(super) fn check(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let user = self.find(credentials.user_id());
        let hash = user.map(|user| &user.hash);
        let right = self.max_cost.verify(hash, credentials.password())?;
        Ok(match user {
            Some(user) if right => Verdict::Accepted(Account::new(self.name(user))),
            Some(_) => Verdict::WrongPassword,
            None => Verdict::UnknownUser,
        })
    }

    fn find(&self, name: &str) -> Option<&User> {
        let compare = |user: &User| -> Ordering { self.name(user).cmp(name) };
        let at = self.users.binary_search_by(compare).ok()?;
        self.users.get(at)
    }

    fn name(&self, user: &User) -> &str {
        let (start, end) = user.name;
        self.names.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<'a> Line<'a> {
    fn parse(number: usize, line: &'a str, policy: &HashPolicy) -> Result<Self, String> {
        let (name, rest) = line.split_once(':').ok_or("there is no colon after the user name")?;
        let (text, comment) = match rest.split_once(':') {
            Some((text, comment)) => (text, Some(comment)),
            None => (rest, None),
        };
        check_name(name)?;
        let problem =
            |problem: &dyn std::fmt::Display| format!("the user {}: {problem}", shown(name));
        let hash = PasswordHash::parse(text, policy).map_err(|error| problem(&error))?;
        if hash.kind() == HashKind::PlainText && comment.is_some() {
            return Err(problem(&"a plain password with a colon is taken for one with a comment"));
        }
        Ok(Self { number, name, hash })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        backend::password_hash::{HashMethod, hash_password, work_of},
        wire::Realm,
    };

    const POLICY: HashPolicy = HashPolicy::new().allow_kind(HashKind::PlainText);
    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";

    fn parse_bytes(bytes: &[u8], policy: &HashPolicy) -> Result<Table, FileError> {
        let content = Content::new(Path::new("users"), bytes.to_vec().into());
        Table::parse(&content, policy)
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
    fn every_user_is_found_with_the_own_password_alone() {
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
    fn crlf_byte_order_mark_comments_and_blank_lines_are_left_out() {
        let table = parse("\u{feff}# users\r\n\r\nalice:wonder\r\n  \t\r\n#bob:builder\r\nzoe:zz");
        assert_eq!(table.len(), 2);
        assert_eq!(verdict(&table, "alice", "wonder"), "alice");
        assert_eq!(verdict(&table, "zoe", "zz"), "zoe");
    }

    #[test]
    fn what_follows_a_second_colon_is_a_comment() {
        let table = parse(&format!("alice:{BCRYPT}:Alice, third floor: left"));
        assert_eq!(verdict(&table, "alice", "password"), "alice");
        refused(
            b"alice:won:der",
            ", line 1: the user \"alice\": a plain password with a colon is taken for one with a \
             comment",
        );
    }

    #[test]
    fn a_bad_line_is_named_with_its_user_and_without_its_hash() {
        let long = "x".repeat(100);
        let cut = format!(r#""{}""#, "x".repeat(64));
        for (line, message) in [
            (&b"alice"[..], "there is no colon after the user name"),
            (b":wonder", "the user name is empty"),
            (b"  :wonder", "the user name is empty"),
            (b"al\x1bice:wonder", r#"the user name "al\u{1b}ice" holds a control character"#),
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
    fn a_user_who_is_there_twice_is_named_with_both_lines() {
        refused(
            b"alice:wonder\nbob:builder\n\nalice:wonder\n",
            ", line 4: the user \"alice\" is in line 1 already",
        );
    }

    #[test]
    fn a_file_without_a_user_is_a_bad_one() {
        for file in ["", "\n\n", "# nobody yet\n", "\u{feff}"] {
            refused(file.as_bytes(), ": there is no user in it");
        }
    }

    #[test]
    fn every_byte_anywhere_is_no_panic() {
        let file = format!("\u{feff}#c\r\nalice:{BCRYPT}\nbob:$6$a$b\n").into_bytes();
        for at in 0..file.len() {
            for byte in [0, b'\n', b'\r', b':', b'$', b'{', 0x80, 0xFF] {
                let mut file = file.clone();
                file[at] = byte;
                // The hash of bob is cut, so nothing makes the file a good one but his line going.
                if let Ok(table) = parse_bytes(&file, &HashPolicy::new()) {
                    assert_eq!(table.len(), 1);
                }
            }
        }
    }

    #[test]
    fn known_and_unknown_users_cost_the_same_where_hashes_are_cheap_and_dear() {
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

    #[test]
    fn a_user_is_small() {
        assert_eq!(size_of::<User>(), 56);
    }
}
