//! What the files of users say.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use foldhash::quality::RandomState;

use crate::{
    backend::{
        DigestAccount, DigestName, DigestUser,
        watched_file::{Content, FileError, check_name, lines, next_version, shown},
    },
    identity::Account,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// The users of one realm, by name and by the hash of the name.
pub(super) struct Table {
    by_name: HashMap<Box<str>, Arc<User>, RandomState>,
    by_hash: HashMap<Userhash, Arc<User>, RandomState>,
    /// Those that every user has.
    functions: HashFunctions,
    skipped: usize,
    version: u64,
}

struct User {
    account: Account,
    /// One for each function that the user is in a file of.
    secrets: Box<[HashedA1]>,
}

/// An H(A1) and where it stands.
struct Entry<'a> {
    path: &'a Path,
    line: usize,
    secret: HashedA1,
}

/// The entries of each user, and how many lines of other realms there are.
#[derive(Default)]
struct Entries<'a> {
    by_name: BTreeMap<&'a str, Vec<Entry<'a>>>,
    skipped: usize,
}

impl Table {
    /// Reads the files, of which each has its function.
    pub(super) fn parse(
        realm: &Realm,
        files: &[(&Content, HashFunction)],
    ) -> Result<Self, FileError> {
        let mut entries = Entries::default();
        for &(content, function) in files {
            entries.add(realm, content, function)?;
        }
        entries.into_table(realm)
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn functions(&self) -> HashFunctions {
        self.functions
    }

    pub(super) const fn skipped(&self) -> usize {
        self.skipped
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The account of a user of this realm.
    pub(super) fn find(&self, user: &DigestUser<'_>) -> Option<DigestAccount> {
        let found = match user.name() {
            DigestName::UserId(name) => self.by_name.get(name),
            DigestName::Userhash(hash) => self.by_hash.get(hash),
        }?;
        let secret = found.secrets.iter().find(|secret| secret.function() == user.function())?;
        Some(DigestAccount::new(found.account.clone(), secret.clone()))
    }
}

impl<'a> Entries<'a> {
    fn add(
        &mut self,
        realm: &Realm,
        content: &'a Content,
        function: HashFunction,
    ) -> Result<(), FileError> {
        let path = content.path();
        let mut ours = 0;
        for line in lines(content) {
            let (line, text) = line?;
            let wrong = |problem: String| FileError::in_line(path, line, problem);
            let (name, its_realm, hex) = split(text).ok_or_else(|| {
                wrong("there are no two colons, after user name and realm".to_owned())
            })?;
            if its_realm != realm.as_str() {
                self.skipped += 1;
                continue;
            }
            check_name(name).map_err(wrong)?;
            let secret = HashedA1::from_hex(function, hex)
                .map_err(|error| wrong(format!("the user {}: {error}", shown(name))))?;
            let known = self.by_name.entry(name).or_default();
            if let Some(Entry { path, line, .. }) =
                known.iter().find(|entry| entry.secret.function() == function)
            {
                let problem =
                    format!("the user {} is in line {line} of {path:?} already", shown(name));
                return Err(wrong(problem));
            }
            known.push(Entry { path, line, secret });
            ours += 1;
        }
        if ours == 0 {
            let problem = format!("there is no user of the realm {:?} in it", realm.as_str());
            return Err(FileError::new(path, problem));
        }
        Ok(())
    }

    fn into_table(self, realm: &Realm) -> Result<Table, FileError> {
        let functions = self.functions()?;
        let count = self.by_name.len();
        let mut by_name = HashMap::with_capacity_and_hasher(count, RandomState::default());
        let mut by_hash = HashMap::with_hasher(RandomState::default());
        for (name, entries) in self.by_name {
            let secrets = entries.into_iter().map(|entry| entry.secret).collect();
            let user = Arc::new(User { account: Account::new(name), secrets });
            for secret in &user.secrets {
                let hash = Userhash::new(secret.function(), name, realm.as_str());
                by_hash.insert(hash, Arc::clone(&user));
            }
            by_name.insert(name.into(), user);
        }
        Ok(Table { by_name, by_hash, functions, skipped: self.skipped, version: next_version() })
    }

    /// What every user has. That there is nothing is a mistake, found at somebody who misses
    /// something.
    fn functions(&self) -> Result<HashFunctions, FileError> {
        let mut held = HashFunctions::ALL;
        for (name, entries) in &self.by_name {
            let each = entries.iter().map(|entry| entry.secret.function());
            held = held.intersection(each.fold(HashFunctions::NONE, HashFunctions::with));
            if let (HashFunctions::NONE, Some(entry)) = (held, entries.first()) {
                let function = entry.secret.function();
                let problem = format!(
                    "the user {} is there for {function}, but others are not: no algorithm is left \
                     that every user can use",
                    shown(name)
                );
                return Err(FileError::in_line(entry.path, entry.line, problem));
            }
        }
        Ok(held)
    }
}

/// User name, realm and H(A1). A realm may hold colons, the others cannot.
fn split(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once(':')?;
    let (realm, hex) = rest.rsplit_once(':')?;
    Some((name, realm, hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: &str = "proxy";

    fn realm() -> Realm {
        Realm::new(REALM).unwrap()
    }

    fn line(function: HashFunction, name: &str, realm: &str) -> String {
        let secret = HashedA1::new(function, name, realm, "wonder");
        format!("{name}:{realm}:{}\n", *secret.expose_hex())
    }

    fn parse_files(
        realm: &Realm,
        files: &[(&str, HashFunction, &[u8])],
    ) -> Result<Table, FileError> {
        let contents: Vec<_> = files
            .iter()
            .map(|&(path, function, bytes)| {
                (Content::new(Path::new(path), bytes.to_vec().into()), function)
            })
            .collect();
        let contents: Vec<_> =
            contents.iter().map(|(content, function)| (content, *function)).collect();
        Table::parse(realm, &contents)
    }

    #[track_caller]
    fn parse(text: &str) -> Table {
        parse_files(&realm(), &[("users", HashFunction::Md5, text.as_bytes())]).unwrap()
    }

    #[track_caller]
    fn refused(files: &[(&str, HashFunction, &[u8])], message: &str) {
        let error = parse_files(&realm(), files).err().unwrap();
        assert_eq!(error.to_string(), message);
    }

    fn find(table: &Table, function: HashFunction, name: DigestName<'_>) -> Option<String> {
        let found = table.find(&DigestUser::new(&realm(), function, name))?;
        assert_eq!(found.ha1().function(), function);
        let name = found.account().user().as_str().to_owned();
        let right = HashedA1::new(function, &name, REALM, "wonder");
        assert_eq!(found.ha1().expose_hex(), right.expose_hex());
        Some(name)
    }

    #[test]
    fn every_function_is_found_by_name_and_by_hash() {
        for function in HashFunction::all() {
            let names = ["alice", "\u{e4}lice", "al ice"];
            let text = names.map(|name| line(function, name, REALM)).concat();
            let table = parse_files(&realm(), &[("users", function, text.as_bytes())]).unwrap();
            assert_eq!((table.len(), table.skipped()), (3, 0));
            assert_eq!(table.functions(), HashFunctions::NONE.with(function));
            for name in names {
                let hash = Userhash::new(function, name, REALM);
                for asked in [DigestName::UserId(name), DigestName::Userhash(&hash)] {
                    assert_eq!(find(&table, function, asked).as_deref(), Some(name));
                    for other in HashFunction::all().filter(|&other| other != function) {
                        assert_eq!(find(&table, other, asked), None);
                    }
                }
                let elsewhere = Userhash::new(function, name, "another");
                assert_eq!(find(&table, function, DigestName::Userhash(&elsewhere)), None);
            }
            for unknown in ["Alice", "bob", "", "alice:proxy"] {
                assert_eq!(find(&table, function, DigestName::UserId(unknown)), None);
            }
        }
    }

    #[test]
    fn the_value_of_a_file_may_be_in_upper_case() {
        let text = line(HashFunction::Md5, "alice", REALM);
        let (head, hex) = text.rsplit_once(':').unwrap();
        let table = parse(&format!("{head}:{}", hex.to_uppercase()));
        let name = DigestName::UserId("alice");
        assert_eq!(find(&table, HashFunction::Md5, name).as_deref(), Some("alice"));
    }

    #[test]
    fn only_what_every_user_has_is_offered() {
        let [both, one] = [&["alice", "bob"][..], &["alice"]].map(|names| {
            move |function| names.iter().map(|name| line(function, name, REALM)).collect::<String>()
        });
        let (sha_256, md5) = (HashFunction::Sha256, HashFunction::Md5);
        let offered = |for_sha_256: String, for_md5: String| {
            let files = [("a", sha_256, for_sha_256.as_bytes()), ("b", md5, for_md5.as_bytes())];
            parse_files(&realm(), &files).unwrap()
        };
        assert_eq!(offered(both(sha_256), both(md5)).functions().to_string(), "SHA-256, MD5");
        assert_eq!(offered(one(sha_256), both(md5)).functions().to_string(), "MD5");
        let table = offered(both(sha_256), one(md5));
        assert_eq!(table.functions().to_string(), "SHA-256");
        assert_eq!(find(&table, md5, DigestName::UserId("bob")), None);
    }

    #[test]
    fn files_that_leave_no_algorithm_for_all_are_refused() {
        let [alice, bob] = [(HashFunction::Sha256, "alice"), (HashFunction::Md5, "bob")]
            .map(|(function, name)| (function, line(function, name, REALM)));
        refused(
            &[("a", alice.0, alice.1.as_bytes()), ("b", bob.0, bob.1.as_bytes())],
            "\"b\", line 1: the user \"bob\" is there for MD5, but others are not: no algorithm is \
             left that every user can use",
        );
    }

    #[test]
    fn lines_of_other_realms_are_skipped_and_counted() {
        let md5 = HashFunction::Md5;
        let table = parse(&format!(
            "{}{}bob:other:no hash at all\nalice::\n",
            line(md5, "alice", REALM),
            line(md5, "carol", "Proxy"),
        ));
        assert_eq!((table.len(), table.skipped()), (1, 3));
        assert_eq!(find(&table, md5, DigestName::UserId("carol")), None);
    }

    #[test]
    fn a_file_without_a_line_for_the_realm_is_refused() {
        let other = line(HashFunction::Md5, "alice", "other");
        for text in ["", "# nobody\n", &other] {
            refused(
                &[("users", HashFunction::Md5, text.as_bytes())],
                r#""users": there is no user of the realm "proxy" in it"#,
            );
        }
        let good = line(HashFunction::Md5, "alice", REALM);
        refused(
            &[
                ("a", HashFunction::Md5, good.as_bytes()),
                ("b", HashFunction::Sha256, other.as_bytes()),
            ],
            r#""b": there is no user of the realm "proxy" in it"#,
        );
    }

    #[test]
    fn an_empty_blank_short_or_non_hex_value_is_refused() {
        let md5 = "the user \"alice\": a stored H(A1) for MD5 must be 32 hex digits";
        for hex in ["", " ", "939e", &"x".repeat(32), &"0".repeat(31), &"0".repeat(64)] {
            let text = format!("# users\nalice:proxy:{hex}\n");
            let files = [("users", HashFunction::Md5, text.as_bytes())];
            refused(&files, &format!("\"users\", line 2: {md5}"));
        }
        let text = line(HashFunction::Md5, "alice", REALM);
        refused(
            &[("users", HashFunction::Sha512_256, text.as_bytes())],
            "\"users\", line 1: the user \"alice\": a stored H(A1) for SHA-512-256 must be 64 hex \
             digits",
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let hex = "0".repeat(32);
        for (line, message) in [
            (&b"alice"[..], "there are no two colons, after user name and realm"),
            (
                format!("alice:{hex}").as_bytes(),
                "there are no two colons, after user name and realm",
            ),
            (format!(":proxy:{hex}").as_bytes(), "the user name is empty"),
            (
                format!("a\u{1}b:proxy:{hex}").as_bytes(),
                r#"the user name "a\u{1}b" holds a control character"#,
            ),
            (b"al\xe9ce:proxy:00", "it is not UTF-8"),
            (
                format!("bob:proxy:{hex}").as_bytes(),
                r#"the user "bob" is in line 1 of "users" already"#,
            ),
        ] {
            let file = [format!("bob:proxy:{hex}\n\n").as_bytes(), line].concat();
            let files = [("users", HashFunction::Md5, &*file)];
            refused(&files, &format!("\"users\", line 3: {message}"));
        }
    }

    #[test]
    fn a_user_may_not_be_in_two_files_of_one_function() {
        let [alice, bob] = ["alice", "bob"].map(|name| line(HashFunction::Md5, name, REALM));
        let files =
            |second| [("a", HashFunction::Md5, alice.as_bytes()), ("b", HashFunction::Md5, second)];
        assert_eq!(parse_files(&realm(), &files(bob.as_bytes())).unwrap().len(), 2);
        refused(
            &files(alice.as_bytes()),
            r#""b", line 1: the user "alice" is in line 1 of "a" already"#,
        );
    }

    #[test]
    fn a_realm_with_colons_is_told_from_the_name() {
        let realm = Realm::new("a:b").unwrap();
        let text =
            line(HashFunction::Md5, "alice", "a:b") + &line(HashFunction::Md5, "alice:a", "b");
        let table = parse_files(&realm, &[("users", HashFunction::Md5, text.as_bytes())]);
        // The second line reads as one of alice in `a:b` too: such a file is refused, not guessed
        // at.
        let error = table.err().unwrap().to_string();
        assert_eq!(error, r#""users", line 2: the user "alice" is in line 1 of "users" already"#);
    }

    #[test]
    fn crlf_byte_order_mark_comments_and_blank_lines_are_left_out() {
        let text = line(HashFunction::Md5, "alice", REALM).trim_end().to_owned();
        let table = parse(&format!("\u{feff}# users\r\n\r\n{text}\r\n \t\r\n"));
        assert_eq!((table.len(), table.skipped()), (1, 0));
    }
}
