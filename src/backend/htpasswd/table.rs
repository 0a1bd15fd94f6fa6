//! The users of a file.

use std::collections::HashMap;

use crate::{
    backend::{
        AccountLookup, BasicCredentials, UnusableRecord, Verdict,
        password_hash::{HashCost, HashKind, HashPolicy, PasswordHash},
        watched_file::{Content, FileError, Parsed, UserTable, lines, read_name, shown},
    },
    error::BackendError,
    identity::Account,
    user_id::UserId,
};

/// The users of a file, and the cost of the most expensive hash.
pub(super) struct Table {
    users: HashMap<Box<str>, Record>,
    cost: HashCost,
}

/// The hash of a user, or why it cannot be used.
#[derive(PartialEq)]
enum Record {
    Hash(PasswordHash),
    Unusable(FileError),
}

impl Table {
    pub(super) fn parse(contents: &[Content], policy: &HashPolicy) -> Parsed<Self> {
        let (mut users, mut cost, mut problems) = (HashMap::new(), HashCost::ZERO, Vec::new());
        let (mut numbers, mut costs) = (HashMap::new(), Costs::default());
        let in_content =
            |content| lines(content).map(move |(number, line)| (content, number, line));
        for (content, number, line) in contents.iter().flat_map(in_content) {
            let invalid = |problem| FileError::in_line(content.path(), number, problem);
            let (name, rest) = match split(line) {
                Ok(split) => split,
                Err(problem) => {
                    problems.push(invalid(problem));
                    continue;
                }
            };
            let hash = match numbers.insert(name, number) {
                None => parse_hash(rest, policy),
                Some(other) => Err(format!("it is in line {other}, too")),
            };
            let record = match hash {
                Ok(hash) => {
                    cost = cost.max(HashCost::of(&hash));
                    costs.add(content, number, &hash);
                    Record::Hash(hash)
                }
                Err(problem) => {
                    let error = invalid(format!("the user {}: {problem}", shown(name)));
                    problems.push(error.clone());
                    Record::Unusable(error)
                }
            };
            users.insert(name.into(), record);
        }
        if users.is_empty() {
            let is_empty = |content: &Content| FileError::new(content.path(), "it has no user");
            problems.extend(contents.iter().map(is_empty));
        }
        users.shrink_to_fit();
        Parsed { users: Self { users, cost }, problems, mixed_costs: costs.mixed }
    }

    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    /// Checks a password, at the same cost for known and unknown users.
    pub(super) fn check(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let user_id = credentials.user_id();
        let record = self.users.get(user_id);
        let hash = match record {
            Some(Record::Hash(hash)) => Some(hash),
            _ => None,
        };
        let is_right = self.cost.verify(hash, credentials.password())?;
        Ok(match record {
            Some(Record::Hash(hash)) if is_right => Verdict::Accepted(account(user_id, hash)),
            Some(Record::Hash(hash)) if hash.is_too_long(credentials.password()) => {
                Verdict::PasswordTooLong
            }
            Some(Record::Hash(_)) => Verdict::WrongPassword,
            Some(Record::Unusable(error)) => Verdict::Unusable(UnusableRecord::new(error.clone())),
            None => Verdict::UnknownUser,
        })
    }

    /// Looks up a user without a password. A user whose record cannot be used is unknown.
    pub(super) fn account(&self, user: &UserId) -> AccountLookup {
        match self.users.get(user.as_str()) {
            Some(Record::Hash(hash)) => AccountLookup::Known(account(user.as_str(), hash)),
            Some(Record::Unusable(_)) | None => AccountLookup::Unknown,
        }
    }
}

impl UserTable for Table {
    fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId> {
        let names = self.users.keys().chain(new.users.keys());
        let changed = names.filter(|&name| self.users.get(name) != new.users.get(name));
        changed.map(|name| UserId::new(&**name))
    }
}

/// Finds two hashes of different cost.
#[derive(Default)]
struct Costs {
    /// The cost of the first hash, its description, and the number of its line.
    first: Option<(HashCost, String, usize)>,
    mixed: Option<FileError>,
}

impl Costs {
    fn add(&mut self, content: &Content, number: usize, hash: &PasswordHash) {
        let cost = HashCost::of(hash);
        let Some((first, first_text, first_number)) = &self.first else {
            self.first = Some((cost, hash.describe_cost(), number));
            return;
        };
        if *first != cost && self.mixed.is_none() {
            let text = hash.describe_cost();
            let problem = format!(
                "its hash ({text}) differs in cost from that in line {first_number} ({first_text}): \
                 response times can show which users exist"
            );
            self.mixed = Some(FileError::in_line(content.path(), number, problem));
        }
    }
}

fn account(user: &str, hash: &PasswordHash) -> Account {
    Account::new(user).with_change_stamp(hash.salt_and_hash())
}

/// The name, and what follows its colon.
fn split(line: &[u8]) -> Result<(&str, &[u8]), String> {
    let mut parts = line.splitn(2, |&byte| byte == b':');
    match (parts.next(), parts.next()) {
        (Some(name), Some(rest)) => Ok((read_name(name)?, rest)),
        _ => Err("there is no colon after the user name".to_owned()),
    }
}

/// Reads a hash and skips the comment after it.
fn parse_hash(rest: &[u8], policy: &HashPolicy) -> Result<PasswordHash, String> {
    let rest = str::from_utf8(rest).map_err(|_| "the line is not UTF-8")?;
    let (text, comment) = match rest.split_once(':') {
        Some((text, comment)) => (text, Some(comment)),
        None => (rest, None),
    };
    let hash = PasswordHash::parse(text, policy).map_err(|error| error.to_string())?;
    if hash.kind() == HashKind::PlainText && comment.is_some() {
        return Err("a plain password must not contain a colon".to_owned());
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeSet, HashSet},
        path::Path,
    };

    use super::*;
    use crate::{
        backend::password_hash::{HashMethod, hash_password, work_of},
        wire::Realm,
    };

    const POLICY: HashPolicy = HashPolicy::new().allow_kind(HashKind::PlainText);
    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";

    fn parse_bytes(bytes: &[u8], policy: &HashPolicy) -> (Table, Vec<String>) {
        let content = Content::new(Path::new("users"), bytes.to_vec().into());
        let Parsed { users, problems, .. } = Table::parse(&[content], policy);
        (users, problems.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn parse(text: &str) -> Table {
        let (table, problems) = parse_bytes(text.as_bytes(), &POLICY);
        assert_eq!(problems, [""; 0]);
        table
    }

    /// Checks the only problem of a file, and returns its users.
    #[track_caller]
    fn problem(bytes: &[u8], message: &str) -> Table {
        let (table, problems) = parse_bytes(bytes, &POLICY);
        assert_eq!(problems, [format!("\"users\"{message}")]);
        table
    }

    #[track_caller]
    fn verdict(table: &Table, name: &str, password: &str) -> String {
        let realm = Realm::new("proxy").unwrap();
        match table.check(BasicCredentials::new(&realm, name, password)).unwrap() {
            Verdict::Accepted(account) => account.user().as_str().to_owned(),
            Verdict::Unusable(_) => "Unusable".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn users_have_changed_if_their_hash_has() {
        let comment = |text: &str| format!("alice:{BCRYPT}:{text}\n");
        let old = parse(&(comment("old") + "bob:builder\ncarol:carol\nemil:same\n"));
        let new = comment("new") + "emil:same\nbob:changed\ndora:dora\nfred:\n";
        let (new, _) = parse_bytes(new.as_bytes(), &POLICY);
        for (old, new) in [(&old, &new), (&new, &old)] {
            let changed: BTreeSet<_> =
                old.changed(new).map(|user| user.as_str().to_owned()).collect();
            assert_eq!(changed.iter().collect::<Vec<_>>(), ["bob", "carol", "dora", "fred"]);
        }
        assert_eq!(old.changed(&old).count(), 0);
        assert_eq!(new.changed(&new).count(), 0);
    }

    #[test]
    fn the_change_stamp_covers_the_hash() {
        let realm = Realm::new("proxy").unwrap();
        let looked_up = |table: &Table| match table.account(&UserId::new("alice")) {
            AccountLookup::Known(account) => account.change_stamp().unwrap(),
            other => panic!("{other:?}"),
        };
        let text = "{SSHA}A7iu9w6m2UTBdDkmJpX5pLNLmPRzYWx0";
        let policy = POLICY.allow_kind(HashKind::SaltedSha1);
        let parse = |text: String| parse_bytes(text.as_bytes(), &policy).0;
        let mut stamps = HashSet::new();
        for method in [
            HashMethod::Bcrypt { cost: 4 },
            HashMethod::Sha512Crypt { rounds: 1_000 },
            HashMethod::Argon2id { memory: 32, passes: 1, lanes: 1 },
        ] {
            for password in ["wonder", "wonder", "another"] {
                let hash = hash_password(password, method).unwrap();
                let table = parse(format!("bob:builder\nalice:{hash}\n"));
                let credentials = BasicCredentials::new(&realm, "alice", password);
                let stamp = match table.check(credentials).unwrap() {
                    Verdict::Accepted(account) => account.change_stamp().unwrap(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(stamp, looked_up(&table));
                assert_eq!(stamp, looked_up(&parse(format!("alice:{hash}:a comment\n"))));
                assert!(stamps.insert(stamp), "every salt gives another stamp");
            }
        }
        for hash in ["wonder", "another", text, "$1$abcd0123$Wn4nsBUcxGzG7dKmKHPjo/"] {
            let policy = policy.allow_kind(HashKind::Md5Crypt);
            let line = format!("alice:{hash}\n");
            let table = || parse_bytes(line.as_bytes(), &policy).0;
            let stamp = looked_up(&table());
            assert_eq!(stamp, looked_up(&table()));
            assert!(stamps.insert(stamp), "{hash}");
        }
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
        problem(
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
            (b"al\xe9ce:wonder", "the user name is not UTF-8"),
            (b"alice:w\xe9", r#"the user "alice": the line is not UTF-8"#),
            (
                b"alice:!$2y$05$",
                r#"the user "alice": the hash is the mark of a locked account, which is never accepted: make a new one"#,
            ),
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
            let table = problem(&file, &format!(", line 3: {message}"));
            assert_eq!(verdict(&table, "bob", "builder"), "bob");
            assert_eq!(verdict(&table, "zoe", "zz"), "zoe");
            let has_name = line.starts_with(b"alice:");
            let expected = if has_name { "Unusable" } else { "UnknownUser" };
            assert_eq!(verdict(&table, "alice", "wonder"), expected);
        }
    }

    #[test]
    fn a_user_in_two_lines_is_unusable() {
        let table = problem(
            b"alice:wonder\nbob:builder\n\nalice:wonder\n",
            ", line 4: the user \"alice\": it is in line 1, too",
        );
        assert_eq!(verdict(&table, "alice", "wonder"), "Unusable");
        assert_eq!(verdict(&table, "bob", "builder"), "bob");
    }

    #[test]
    fn a_file_without_users_admits_nobody() {
        for file in ["", "\n\n", "# nobody yet\n", "\u{feff}"] {
            let table = problem(file.as_bytes(), ": it has no user");
            assert_eq!(verdict(&table, "alice", ""), "UnknownUser");
        }
    }

    #[test]
    fn survives_every_byte_at_every_position() {
        let file = format!("\u{feff}#c\r\nalice:{BCRYPT}\nbob:$6$a$b\n").into_bytes();
        for at in 0..file.len() {
            for byte in [0, b'\n', b'\r', b':', b'$', b'{', 0x80, 0xFF] {
                let mut file = file.clone();
                file[at] = byte;
                // The hash of bob is truncated, unless his line has become a comment.
                let (table, problems) = parse_bytes(&file, &HashPolicy::new());
                assert!(table.len() == 1 || !problems.is_empty(), "{at} {byte}");
            }
        }
    }

    #[test]
    fn reports_a_password_that_is_too_long_for_bcrypt() {
        let (exact, longer) = ("a".repeat(72), "a".repeat(73));
        let stored = hash_password(&exact, HashMethod::Bcrypt { cost: 4 }).unwrap();
        let table = parse(&format!("alice:{stored}\nbob:{longer}\n"));
        for (name, password, expected) in [
            ("alice", &exact, "alice"),
            ("alice", &longer, "PasswordTooLong"),
            ("bob", &longer, "bob"),
            ("bob", &exact, "WrongPassword"),
            ("carol", &longer, "UnknownUser"),
        ] {
            assert_eq!(verdict(&table, name, password), expected, "{name} {}", password.len());
        }
    }

    #[test]
    fn names_two_hashes_of_different_cost() {
        let line = |name: &str, method| format!("{name}:{}\n", hash_password("a", method).unwrap());
        let bcrypt = |name, cost| line(name, HashMethod::Bcrypt { cost });
        let argon2 =
            |name, lanes| line(name, HashMethod::Argon2id { memory: 32, passes: 1, lanes });
        let mixed = |text: String| {
            let content = Content::new(Path::new("users"), text.into_bytes().into());
            let parsed = Table::parse(&[content], &HashPolicy::new());
            parsed.mixed_costs.map(|error| error.to_string())
        };
        assert_eq!(mixed(bcrypt("a", 4)), None);
        assert_eq!(mixed(bcrypt("a", 4) + &bcrypt("b", 4) + "c:!\n"), None);
        let shown = |line, one, other| {
            Some(format!(
                "\"users\", line {line}: its hash ({one}) differs in cost from that in line 1 \
                 ({other}): response times can show which users exist"
            ))
        };
        assert_eq!(
            mixed(bcrypt("a", 4) + &bcrypt("b", 4) + &bcrypt("c", 5) + &bcrypt("d", 6)),
            shown(3, "bcrypt, cost 5", "bcrypt, cost 4")
        );
        assert_eq!(
            mixed(argon2("a", 1) + &argon2("b", 2)),
            shown(2, "argon2id, m=32, t=1, p=2", "argon2id, m=32, t=1, p=1")
        );
        let rounds = line("b", HashMethod::Sha512Crypt { rounds: 1_234 });
        assert_eq!(
            mixed(argon2("a", 1) + &rounds),
            shown(2, "sha512-crypt, 1234 rounds", "argon2id, m=32, t=1, p=1")
        );
        assert_eq!(
            mixed(
                rounds
                    + "a:$y$j75$eyHfBVyhQiZ2Mqozo13iL1$or/S9K4iVVwSMQJbU.XgIN1Y2dZ0F/zK7drD3nopyb5"
            ),
            shown(2, "yescrypt, N=1024, r=8, p=1", "sha512-crypt, 1234 rounds")
        );
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
