//! The users of one realm in all files.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use crate::{
    backend::{
        AccountLookup, DigestAccount, DigestName, DigestUser, SecretLookup, UnusableRecord,
        watched_file::{Content, FileError, Parsed, UserTable, lines, read_name, shown},
    },
    identity::Account,
    user_id::UserId,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// The users of one realm, by name and by the hash of the name.
pub(super) struct Table {
    by_name: HashMap<Box<str>, Arc<User>>,
    by_userhash: HashMap<Userhash, Arc<User>>,
    /// The functions for which every user has a secret.
    functions: HashFunctions,
    skipped: usize,
}

struct User {
    account: Account,
    /// One for each function that the user has.
    secrets: Box<[HashedA1]>,
    /// Why the user cannot log in.
    error: Option<FileError>,
}

/// A secret and its line.
struct Entry<'a> {
    path: &'a Path,
    line: usize,
    secret: HashedA1,
}

/// The lines of one user.
#[derive(Default)]
struct Entries<'a> {
    usable: Vec<Entry<'a>>,
    error: Option<FileError>,
}

/// The lines of the realm, and what is left of the others.
#[derive(Default)]
struct Lines<'a> {
    by_name: BTreeMap<&'a str, Entries<'a>>,
    problems: Vec<FileError>,
    skipped: usize,
}

impl Table {
    /// Parses the files, each with its hash function.
    pub(super) fn parse(
        realm: &Realm,
        files: &[(&Content, HashFunction)],
    ) -> Result<Parsed<Self>, FileError> {
        let mut lines = Lines::default();
        for &(content, function) in files {
            lines.add(realm, content, function);
        }
        let all = files.iter().fold(HashFunctions::NONE, |all, &(_, function)| all.with(function));
        let functions = lines.common_functions(all)?;
        let Lines { by_name: entries, problems, skipped } = lines;
        let (mut by_name, mut by_userhash) = (HashMap::new(), HashMap::new());
        for (name, Entries { usable, error }) in entries {
            let secrets: Box<[_]> = usable.into_iter().map(|entry| entry.secret).collect();
            let hashes: Vec<_> = secrets.iter().map(HashedA1::as_hex).collect();
            let account = Account::new(name).with_change_stamp(hashes);
            let user = Arc::new(User { account, secrets, error });
            for &(_, function) in files {
                by_userhash.insert(Userhash::new(function, name, realm), Arc::clone(&user));
            }
            by_name.insert(name.into(), user);
        }
        let users = Self { by_name, by_userhash, functions, skipped };
        Ok(Parsed { users, problems, mixed_costs: None })
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

    /// Finds the account and the secret of a user.
    pub(super) fn find(&self, user: &DigestUser<'_>) -> SecretLookup {
        let found = match user.name() {
            DigestName::UserId(name) => self.by_name.get(name),
            DigestName::Userhash(hash) => self.by_userhash.get(hash),
        };
        let Some(found) = found else { return SecretLookup::Unknown };
        if let Some(error) = &found.error {
            return SecretLookup::Unusable(UnusableRecord::new(error.clone()));
        }
        let secret = found.secrets.iter().find(|secret| secret.function() == user.function());
        secret.map(|secret| DigestAccount::new(found.account.clone(), secret.clone())).into()
    }

    /// Looks up a user without a secret. A user with a line that cannot be used is unknown.
    pub(super) fn account(&self, user: &UserId) -> AccountLookup {
        match self.by_name.get(user.as_str()) {
            Some(found) if found.error.is_none() => AccountLookup::Known(found.account.clone()),
            _ => AccountLookup::Unknown,
        }
    }
}

impl UserTable for Table {
    fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId> {
        let users = self.by_name.iter().chain(&new.by_name);
        let changed =
            users.filter(move |&(name, _)| match [self, new].map(|it| it.by_name.get(name)) {
                [Some(old), Some(new)] => !old.is_as(new),
                _ => true,
            });
        changed.map(|(_, user)| user.account.user().clone())
    }
}

impl User {
    /// Returns whether both have the same secrets and the same error.
    fn is_as(&self, other: &Self) -> bool {
        let [these, others] =
            [self, other].map(|user| user.secrets.iter().map(|one| (one.function(), one.as_hex())));
        these.eq(others) && self.error == other.error
    }
}

impl<'a> Lines<'a> {
    fn add(&mut self, realm: &Realm, content: &'a Content, function: HashFunction) {
        let path = content.path();
        let mut is_empty = true;
        for (line, text) in lines(content) {
            let invalid = |problem: String| FileError::in_line(path, line, problem);
            let Some((name, its_realm, hex)) = split(text) else {
                let problem = "it needs two colons, after name and realm";
                self.problems.push(invalid(problem.to_owned()));
                continue;
            };
            if its_realm != realm.as_str().as_bytes() {
                self.skipped += 1;
                continue;
            }
            let name = match read_name(name) {
                Ok(name) => name,
                Err(problem) => {
                    self.problems.push(invalid(problem));
                    continue;
                }
            };
            is_empty = false;
            let entries = self.by_name.entry(name).or_default();
            let other = entries.usable.iter().find(|entry| entry.secret.function() == function);
            let secret = match other {
                Some(Entry { path, line, .. }) => {
                    Err(format!("there is another H(A1) in line {line} of {path:?}"))
                }
                // What is not UTF-8 is not hex either.
                None => HashedA1::from_hex(function, str::from_utf8(hex).unwrap_or_default())
                    .map_err(|error| error.to_string()),
            };
            match secret {
                Ok(secret) => entries.usable.push(Entry { path, line, secret }),
                Err(problem) => {
                    let error = invalid(format!("the user {}: {problem}", shown(name)));
                    self.problems.push(error.clone());
                    entries.error.get_or_insert(error);
                }
            }
        }
        if is_empty {
            let problem = format!("it has no user of the realm {:?}", realm.as_str());
            self.problems.push(FileError::new(path, problem));
        }
    }

    /// Returns the functions in `all` that every user has who can log in. If there is none, the
    /// error names a user who lacks the last one.
    fn common_functions(&self, all: HashFunctions) -> Result<HashFunctions, FileError> {
        let mut common = all;
        for (name, entries) in self.by_name.iter().filter(|(_, entries)| entries.error.is_none()) {
            let each = entries.usable.iter().map(|entry| entry.secret.function());
            common = common.intersection(each.fold(HashFunctions::NONE, HashFunctions::with));
            if let (HashFunctions::NONE, Some(entry)) = (common, entries.usable.first()) {
                let problem = format!(
                    "the user {} has {} but other users do not: no algorithm is left that every \
                     user can use",
                    shown(name),
                    entry.secret.function()
                );
                return Err(FileError::in_line(entry.path, entry.line, problem));
            }
        }
        Ok(common)
    }
}

/// Splits a line into user name, realm and H(A1). A realm may contain colons, the others cannot.
fn split(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = line.iter().position(|&byte| byte == b':')?;
    let last = line.iter().rposition(|&byte| byte == b':').filter(|&last| last > first)?;
    Some((line.get(..first)?, line.get(first + 1..last)?, line.get(last + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: &str = "proxy";

    fn realm() -> Realm {
        Realm::new(REALM).unwrap()
    }

    fn line(function: HashFunction, name: &str, realm: &str) -> String {
        let secret = HashedA1::new(function, name, &Realm::new(realm).unwrap(), "wonder");
        format!("{name}:{realm}:{}\n", *secret.expose_hex())
    }

    fn parse_files(
        realm: &Realm,
        files: &[(&str, HashFunction, &[u8])],
    ) -> Result<Parsed<Table>, FileError> {
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
        good(&[("users", HashFunction::Md5, text.as_bytes())])
    }

    /// The users of files without a problem.
    #[track_caller]
    fn good(files: &[(&str, HashFunction, &[u8])]) -> Table {
        let Parsed { users, problems, .. } = parse_files(&realm(), files).unwrap();
        assert_eq!(problems, []);
        users
    }

    /// Checks the only problem of files, and returns their users.
    #[track_caller]
    fn problem(files: &[(&str, HashFunction, &[u8])], message: &str) -> Table {
        let Parsed { users, problems, .. } = parse_files(&realm(), files).unwrap();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
        users
    }

    #[track_caller]
    fn refused(files: &[(&str, HashFunction, &[u8])], message: &str) {
        let error = parse_files(&realm(), files).err().unwrap();
        assert_eq!(error.to_string(), message);
    }

    fn find(table: &Table, function: HashFunction, name: DigestName<'_>) -> Option<String> {
        let found = match table.find(&DigestUser::new(&realm(), function, name)) {
            SecretLookup::Found(found) => found,
            SecretLookup::Unusable(_) => return Some("unusable".to_owned()),
            _ => return None,
        };
        assert_eq!(found.ha1().function(), function);
        let name = found.account().user().as_str().to_owned();
        let right = HashedA1::new(function, &name, &realm(), "wonder");
        assert_eq!(found.ha1().expose_hex(), right.expose_hex());
        Some(name)
    }

    #[test]
    fn users_have_changed_if_their_secrets_have() {
        let secret = |name: &str, password: &str| {
            let secret = HashedA1::new(HashFunction::Md5, name, &realm(), password);
            format!("{name}:{REALM}:{}\n", *secret.expose_hex())
        };
        let table = |users: &[(&str, &str)]| {
            parse(&users.iter().map(|(name, password)| secret(name, password)).collect::<String>())
        };
        let old = table(&[("alice", "same"), ("bob", "builder"), ("carol", "carol")]);
        let new = table(&[("bob", "changed"), ("dora", "dora"), ("alice", "same")]);
        for (old, new) in [(&old, &new), (&new, &old)] {
            let mut changed: Vec<_> =
                old.changed(new).map(|user| user.as_str().to_owned()).collect();
            changed.sort_unstable();
            changed.dedup();
            assert_eq!(changed, ["bob", "carol", "dora"]);
        }
        assert_eq!(old.changed(&old).count(), 0);
    }

    #[test]
    fn the_change_stamp_covers_the_secrets() {
        let (sha_256, md5) = (HashFunction::Sha256, HashFunction::Md5);
        let realm = realm();
        let secret = |function, password| {
            let secret = HashedA1::new(function, "alice", &realm, password);
            format!("alice:{REALM}:{}\n", *secret.expose_hex())
        };
        let stamp = |of_sha_256: String, of_md5: String| {
            let table =
                good(&[("a", sha_256, of_sha_256.as_bytes()), ("b", md5, of_md5.as_bytes())]);
            let AccountLookup::Known(account) = table.account(&UserId::new("alice")) else {
                panic!("unknown")
            };
            let user = DigestUser::new(&realm, md5, DigestName::UserId("alice"));
            let SecretLookup::Found(found) = table.find(&user) else { panic!("unknown") };
            assert_eq!(found.account().change_stamp(), account.change_stamp());
            account.change_stamp().unwrap()
        };
        let old = || secret(sha_256, "wonder");
        let first = stamp(old(), secret(md5, "wonder"));
        assert_eq!(
            first,
            stamp(
                old(),
                secret(md5, "wonder").to_uppercase().replace("ALICE:PROXY", "alice:proxy")
            )
        );
        assert_ne!(first, stamp(old(), secret(md5, "changed")));
        assert_ne!(first, stamp(secret(sha_256, "changed"), secret(md5, "wonder")));
    }

    #[test]
    fn finds_users_by_name_and_by_userhash() {
        let another = Realm::new("another").unwrap();
        for &function in HashFunction::ALL {
            let names = ["alice", "\u{e4}lice", "al ice"];
            let text = names.map(|name| line(function, name, REALM)).concat();
            let table = good(&[("users", function, text.as_bytes())]);
            assert_eq!((table.len(), table.skipped()), (3, 0));
            assert_eq!(table.functions(), HashFunctions::NONE.with(function));
            for name in names {
                let hash = Userhash::new(function, name, &realm());
                for asked in [DigestName::UserId(name), DigestName::Userhash(&hash)] {
                    assert_eq!(find(&table, function, asked).as_deref(), Some(name));
                    for other in
                        HashFunction::ALL.iter().copied().filter(|&other| other != function)
                    {
                        assert_eq!(find(&table, other, asked), None);
                    }
                }
                let elsewhere = Userhash::new(function, name, &another);
                assert_eq!(find(&table, function, DigestName::Userhash(&elsewhere)), None);
            }
            for unknown in ["Alice", "bob", "", "alice:proxy"] {
                assert_eq!(find(&table, function, DigestName::UserId(unknown)), None);
            }
        }
    }

    #[test]
    fn reads_upper_case_hex() {
        let text = line(HashFunction::Md5, "alice", REALM);
        let (head, hex) = text.rsplit_once(':').unwrap();
        let table = parse(&format!("{head}:{}", hex.to_uppercase()));
        let name = DigestName::UserId("alice");
        assert_eq!(find(&table, HashFunction::Md5, name).as_deref(), Some("alice"));
    }

    #[test]
    fn offers_the_functions_that_every_user_has() {
        let [both, one] = [&["alice", "bob"][..], &["alice"]].map(|names| {
            move |function| names.iter().map(|name| line(function, name, REALM)).collect::<String>()
        });
        let (sha_256, md5) = (HashFunction::Sha256, HashFunction::Md5);
        let offered = |for_sha_256: String, for_md5: String| {
            let files = [("a", sha_256, for_sha_256.as_bytes()), ("b", md5, for_md5.as_bytes())];
            good(&files)
        };
        assert_eq!(offered(both(sha_256), both(md5)).functions().to_string(), "SHA-256, MD5");
        assert_eq!(offered(one(sha_256), both(md5)).functions().to_string(), "MD5");
        let table = offered(both(sha_256), one(md5));
        assert_eq!(table.functions().to_string(), "SHA-256");
        assert_eq!(find(&table, md5, DigestName::UserId("bob")), None);
    }

    #[test]
    fn refuses_files_without_a_common_function() {
        let [alice, bob] = [(HashFunction::Sha256, "alice"), (HashFunction::Md5, "bob")]
            .map(|(function, name)| (function, line(function, name, REALM)));
        refused(
            &[("a", alice.0, alice.1.as_bytes()), ("b", bob.0, bob.1.as_bytes())],
            "\"b\", line 1: the user \"bob\" has MD5 but other users do not: no algorithm is left that \
             every user can use",
        );
    }

    #[test]
    fn skips_and_counts_lines_of_other_realms() {
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
    fn a_file_without_users_of_the_realm_is_a_problem() {
        let other = line(HashFunction::Md5, "alice", "other");
        for text in ["", "# nobody\n", &other] {
            let table = problem(
                &[("users", HashFunction::Md5, text.as_bytes())],
                r#""users": it has no user of the realm "proxy""#,
            );
            assert_eq!((table.len(), table.functions().to_string()), (0, "MD5".to_owned()));
        }
        let alice = line(HashFunction::Md5, "alice", REALM);
        let files = [
            ("a", HashFunction::Md5, alice.as_bytes()),
            ("b", HashFunction::Sha256, other.as_bytes()),
        ];
        let table = problem(&files, r#""b": it has no user of the realm "proxy""#);
        assert_eq!(table.functions().to_string(), "MD5");
    }

    #[test]
    fn a_user_without_a_whole_hash_is_unusable() {
        let md5 = "the user \"alice\": a stored H(A1) for MD5 must be 32 hex digits";
        let bob = line(HashFunction::Md5, "bob", REALM);
        for hex in ["", " ", "939e", &"x".repeat(32), &"0".repeat(31), &"0".repeat(64)] {
            let text = format!("# users\nalice:proxy:{hex}\n{bob}");
            let files = [("users", HashFunction::Md5, text.as_bytes())];
            let table = problem(&files, &format!("\"users\", line 2: {md5}"));
            let userhash = Userhash::new(HashFunction::Md5, "alice", &realm());
            for name in [DigestName::UserId("alice"), DigestName::Userhash(&userhash)] {
                assert_eq!(find(&table, HashFunction::Md5, name).as_deref(), Some("unusable"));
            }
            let name = DigestName::UserId("bob");
            assert_eq!(find(&table, HashFunction::Md5, name).as_deref(), Some("bob"));
        }
        let text = line(HashFunction::Md5, "alice", REALM);
        problem(
            &[("users", HashFunction::Sha512_256, text.as_bytes())],
            "\"users\", line 1: the user \"alice\": a stored H(A1) for SHA-512-256 must be 64 hex \
             digits",
        );
    }

    #[test]
    fn names_an_invalid_line() {
        let hex = "0".repeat(32);
        for (line, message) in [
            (&b"alice"[..], "it needs two colons, after name and realm"),
            (format!("alice:{hex}").as_bytes(), "it needs two colons, after name and realm"),
            (format!(":proxy:{hex}").as_bytes(), r#"the user name "" is empty"#),
            (
                format!("a\u{1}b:proxy:{hex}").as_bytes(),
                r#"the user name "a\u{1}b" contains a control character"#,
            ),
            (b"al\xe9ce:proxy:00", "the user name is not UTF-8"),
            (
                format!("bob:proxy:{hex}").as_bytes(),
                r#"the user "bob": there is another H(A1) in line 1 of "users""#,
            ),
        ] {
            let file = [format!("bob:proxy:{hex}\n\n").as_bytes(), line].concat();
            let files = [("users", HashFunction::Md5, &*file)];
            let table = problem(&files, &format!("\"users\", line 3: {message}"));
            assert_eq!(table.len(), 1);
        }
    }

    #[test]
    fn a_user_in_two_files_of_one_function_is_unusable() {
        let [alice, bob] = ["alice", "bob"].map(|name| line(HashFunction::Md5, name, REALM));
        let files =
            |second| [("a", HashFunction::Md5, alice.as_bytes()), ("b", HashFunction::Md5, second)];
        assert_eq!(good(&files(bob.as_bytes())).len(), 2);
        let table = problem(
            &files(alice.as_bytes()),
            r#""b", line 1: the user "alice": there is another H(A1) in line 1 of "a""#,
        );
        let name = DigestName::UserId("alice");
        assert_eq!(find(&table, HashFunction::Md5, name).as_deref(), Some("unusable"));
    }

    #[test]
    fn distinguishes_a_realm_with_colons_from_the_name() {
        let realm = Realm::new("a:b").unwrap();
        let text =
            line(HashFunction::Md5, "alice", "a:b") + &line(HashFunction::Md5, "alice:a", "b");
        let table = parse_files(&realm, &[("users", HashFunction::Md5, text.as_bytes())]);
        // The second line could belong to alice in `a:b` too, so she is unusable.
        let problems: Vec<_> = table.unwrap().problems.iter().map(ToString::to_string).collect();
        let expected =
            r#""users", line 2: the user "alice": there is another H(A1) in line 1 of "users""#;
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn skips_crlf_byte_order_mark_comments_and_blank_lines() {
        let text = line(HashFunction::Md5, "alice", REALM).trim_end().to_owned();
        let table = parse(&format!("\u{feff}# users\r\n\r\n{text}\r\n \t\r\n"));
        assert_eq!((table.len(), table.skipped()), (1, 0));
    }
}
