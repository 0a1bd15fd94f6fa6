//! The users of one realm in all files.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use crate::{
    backend::{
        DigestAccount, DigestName, DigestUser,
        watched_file::{Content, FileError, UserTable, check_name, lines, shown},
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
}

/// A secret and its line.
struct Entry<'a> {
    path: &'a Path,
    line: usize,
    secret: HashedA1,
}

/// The lines of the realm, and the number of other lines.
#[derive(Default)]
struct Entries<'a> {
    by_name: BTreeMap<&'a str, Vec<Entry<'a>>>,
    skipped: usize,
}

impl Table {
    /// Parses the files, each with its hash function.
    pub(super) fn parse(
        realm: &Realm,
        files: &[(&Content, HashFunction)],
    ) -> Result<Self, FileError> {
        let mut entries = Entries::default();
        for &(content, function) in files {
            entries.add(realm, content, function)?;
        }
        let functions = entries.common_functions()?;
        let (mut by_name, mut by_userhash) = (HashMap::new(), HashMap::new());
        for (name, entries) in entries.by_name {
            let secrets = entries.into_iter().map(|entry| entry.secret).collect();
            let user = Arc::new(User { account: Account::new(name), secrets });
            for secret in &user.secrets {
                let hash = Userhash::new(secret.function(), name, realm);
                by_userhash.insert(hash, Arc::clone(&user));
            }
            by_name.insert(name.into(), user);
        }
        Ok(Self { by_name, by_userhash, functions, skipped: entries.skipped })
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

    /// The account and the secret of a user.
    pub(super) fn find(&self, user: &DigestUser<'_>) -> Option<DigestAccount> {
        let found = match user.name() {
            DigestName::UserId(name) => self.by_name.get(name),
            DigestName::Userhash(hash) => self.by_userhash.get(hash),
        }?;
        let secret = found.secrets.iter().find(|secret| secret.function() == user.function())?;
        Some(DigestAccount::new(found.account.clone(), secret.clone()))
    }
}

impl UserTable for Table {
    fn changed<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = UserId> {
        let users = self.by_name.iter().chain(&new.by_name);
        let changed =
            users.filter(move |&(name, _)| match [self, new].map(|it| it.by_name.get(name)) {
                [Some(old), Some(new)] => !old.has_secrets_of(new),
                _ => true,
            });
        changed.map(|(_, user)| user.account.user().clone())
    }
}

impl User {
    fn has_secrets_of(&self, other: &Self) -> bool {
        let [these, others] =
            [self, other].map(|user| user.secrets.iter().map(|one| (one.function(), one.as_hex())));
        these.eq(others)
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
        let mut is_empty = true;
        for line in lines(content) {
            let (line, text) = line?;
            let invalid = |problem: String| FileError::in_line(path, line, problem);
            let (name, its_realm, hex) = split(text)
                .ok_or_else(|| invalid("it needs two colons, after name and realm".to_owned()))?;
            if its_realm != realm.as_str() {
                self.skipped += 1;
                continue;
            }
            check_name(name).map_err(invalid)?;
            let secret = HashedA1::from_hex(function, hex)
                .map_err(|error| invalid(format!("the user {}: {error}", shown(name))))?;
            let entries = self.by_name.entry(name).or_default();
            if let Some(Entry { path, line, .. }) =
                entries.iter().find(|entry| entry.secret.function() == function)
            {
                let name = shown(name);
                return Err(invalid(format!(
                    "the user {name} is already in line {line} of {path:?}"
                )));
            }
            entries.push(Entry { path, line, secret });
            is_empty = false;
        }
        if is_empty {
            let problem = format!("it has no user of the realm {:?}", realm.as_str());
            return Err(FileError::new(path, problem));
        }
        Ok(())
    }

    /// The functions that every user has. If there is none, the error names a user who lacks the
    /// last one.
    fn common_functions(&self) -> Result<HashFunctions, FileError> {
        let mut common = HashFunctions::ALL;
        for (name, entries) in &self.by_name {
            let each = entries.iter().map(|entry| entry.secret.function());
            common = common.intersection(each.fold(HashFunctions::NONE, HashFunctions::with));
            if let (HashFunctions::NONE, Some(entry)) = (common, entries.first()) {
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

/// User name, realm and H(A1). A realm may contain colons, the others cannot.
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
        let secret = HashedA1::new(function, name, &Realm::new(realm).unwrap(), "wonder");
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
    fn finds_users_by_name_and_by_userhash() {
        let another = Realm::new("another").unwrap();
        for &function in HashFunction::ALL {
            let names = ["alice", "\u{e4}lice", "al ice"];
            let text = names.map(|name| line(function, name, REALM)).concat();
            let table = parse_files(&realm(), &[("users", function, text.as_bytes())]).unwrap();
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
            parse_files(&realm(), &files).unwrap()
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
    fn refuses_a_file_without_users_of_the_realm() {
        let other = line(HashFunction::Md5, "alice", "other");
        for text in ["", "# nobody\n", &other] {
            refused(
                &[("users", HashFunction::Md5, text.as_bytes())],
                r#""users": it has no user of the realm "proxy""#,
            );
        }
        let good = line(HashFunction::Md5, "alice", REALM);
        refused(
            &[
                ("a", HashFunction::Md5, good.as_bytes()),
                ("b", HashFunction::Sha256, other.as_bytes()),
            ],
            r#""b": it has no user of the realm "proxy""#,
        );
    }

    #[test]
    fn refuses_an_empty_blank_short_or_non_hex_value() {
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
            (b"al\xe9ce:proxy:00", "it is not UTF-8"),
            (
                format!("bob:proxy:{hex}").as_bytes(),
                r#"the user "bob" is already in line 1 of "users""#,
            ),
        ] {
            let file = [format!("bob:proxy:{hex}\n\n").as_bytes(), line].concat();
            let files = [("users", HashFunction::Md5, &*file)];
            refused(&files, &format!("\"users\", line 3: {message}"));
        }
    }

    #[test]
    fn refuses_a_user_in_two_files_of_one_function() {
        let [alice, bob] = ["alice", "bob"].map(|name| line(HashFunction::Md5, name, REALM));
        let files =
            |second| [("a", HashFunction::Md5, alice.as_bytes()), ("b", HashFunction::Md5, second)];
        assert_eq!(parse_files(&realm(), &files(bob.as_bytes())).unwrap().len(), 2);
        refused(
            &files(alice.as_bytes()),
            r#""b", line 1: the user "alice" is already in line 1 of "a""#,
        );
    }

    #[test]
    fn distinguishes_a_realm_with_colons_from_the_name() {
        let realm = Realm::new("a:b").unwrap();
        let text =
            line(HashFunction::Md5, "alice", "a:b") + &line(HashFunction::Md5, "alice:a", "b");
        let table = parse_files(&realm, &[("users", HashFunction::Md5, text.as_bytes())]);
        // The second line could belong to alice in `a:b` too, so the file is refused.
        let error = table.err().unwrap().to_string();
        assert_eq!(error, r#""users", line 2: the user "alice" is already in line 1 of "users""#);
    }

    #[test]
    fn skips_crlf_byte_order_mark_comments_and_blank_lines() {
        let text = line(HashFunction::Md5, "alice", REALM).trim_end().to_owned();
        let table = parse(&format!("\u{feff}# users\r\n\r\n{text}\r\n \t\r\n"));
        assert_eq!((table.len(), table.skipped()), (1, 0));
    }
}
