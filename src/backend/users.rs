//! Users in memory, for Basic and Digest.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use foldhash::quality::RandomState;

use super::tag::Tag;
use crate::{
    backend::{
        BasicCredentials, CredentialValidator, DigestAccount, DigestName, DigestSecrets,
        DigestUser, Verdict,
    },
    error::BackendError,
    grammar::chars::has_control_character,
    identity::Account,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// A user that cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// A name that no client could send.
    #[error("the user name {name:?} {problem}: choose another")]
    InvalidName {
        /// The name, cut at 64 characters.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A password that Basic would refuse.
    #[error("the password of the user {name:?} {problem}: choose another")]
    InvalidPassword {
        /// The name, cut at 64 characters.
        name: String,
        /// What is wrong with the password.
        problem: &'static str,
    },
}

/// Users of one realm in memory. Serves Basic and Digest, with all hash functions and userhash.
///
/// Keeps the H(A1)s, a keyed tag for Basic, and never a password. Clones share the users, so that
/// one can be kept to add, change and remove users while the proxy runs; each change is in force at
/// the next request. Names compare byte for byte. Credentials for another realm are those of
/// nobody.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Realm, Users};
///
/// let users = Users::new(&Realm::new("proxy")?).with_user("alice", "wonder")?;
/// users.set("bob", "builder")?;
/// assert!(users.remove("alice"));
/// assert_eq!(users.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Users {
    realm: Realm,
    /// What passwords of unknown users are compared with, for the time that it takes.
    nobody: Arc<Tag>,
    /// Readers on different threads do not touch the same memory.
    table: Arc<ShardedLock<Table>>,
}

/// Names of users are all that is put in: what strangers send is looked up, and not kept.
#[derive(Default)]
struct Table {
    by_name: HashMap<Arc<str>, Arc<User>, RandomState>,
    by_hash: HashMap<Userhash, Arc<User>, RandomState>,
    /// How many users have been set. It numbers them, from 1.
    changes: u64,
}

/// Everything about a user that a request may need, made once.
struct User {
    account: Account,
    tag: Tag,
    secrets: [HashedA1; HashFunction::EACH.len()],
    /// No two users that ever were in the table have the same, nor have two states of one.
    revision: u64,
}

impl User {
    fn new(realm: &Realm, account: Account, password: &str) -> Self {
        let name = account.user().as_str();
        let tag = Tag::new(password);
        let secrets = HashFunction::EACH
            .map(|function| HashedA1::new(function, name, realm.as_str(), password));
        Self { account, tag, secrets, revision: 0 }
    }

    fn secret(&self, function: HashFunction) -> Option<&HashedA1> {
        self.secrets.iter().find(|secret| secret.function() == function)
    }
}

impl Users {
    /// Nobody yet, in `realm`.
    #[must_use]
    pub fn new(realm: &Realm) -> Self {
        Self { realm: realm.clone(), nobody: Arc::new(Tag::new("")), table: Arc::default() }
    }

    /// Adds a user, or changes the password.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn with_user(self, name: &str, password: &str) -> Result<Self, UserError> {
        self.set(name, password)?;
        Ok(self)
    }

    /// Adds a user, or changes the password of one; groups and data stay.
    ///
    /// # Errors
    /// A name that is empty or holds a colon or a control character, a password that is empty or
    /// holds a control character: [`UserError`]. Nothing has been changed then.
    pub fn set(&self, name: &str, password: &str) -> Result<(), UserError> {
        check(name, password)?;
        let known = self.read().by_name.get(name).map(|user| user.account.clone());
        self.insert(known.unwrap_or_else(|| Account::new(name)), password);
        Ok(())
    }

    /// Adds a user with groups and data of your own, or replaces account and password.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn set_account(&self, account: Account, password: &str) -> Result<(), UserError> {
        check(account.user().as_str(), password)?;
        self.insert(account, password);
        Ok(())
    }

    fn insert(&self, account: Account, password: &str) {
        let name = account.user().as_str();
        let (name, hashes) = (Arc::<str>::from(name), self.hashes(name));
        let mut user = User::new(&self.realm, account, password);
        let mut table = self.write();
        table.changes += 1;
        user.revision = table.changes;
        let user = Arc::new(user);
        for hash in hashes {
            table.by_hash.insert(hash, Arc::clone(&user));
        }
        table.by_name.insert(name, user);
    }

    /// Removes a user. Says whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        let hashes = self.hashes(name);
        let mut table = self.write();
        for hash in &hashes {
            table.by_hash.remove(hash);
        }
        table.by_name.remove(name).is_some()
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hashes(&self, name: &str) -> [Userhash; HashFunction::EACH.len()] {
        HashFunction::EACH.map(|function| Userhash::new(function, name, self.realm.as_str()))
    }

    /// A panic while the lock was held cannot leave a user half changed that could then log in:
    /// the entries are made before, and each insertion stands for itself.
    fn read(&self) -> ShardedLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One tag, whether the user is known or not.
    fn check(&self, credentials: &BasicCredentials<'_>) -> Verdict {
        let table = self.read();
        let user = table.by_name.get(credentials.user_id());
        let user = user.filter(|_| *credentials.realm() == self.realm);
        let tag = user.map_or(&*self.nobody, |user| &user.tag);
        match (tag.is_of(credentials.password()), user) {
            (true, Some(user)) => Verdict::Accepted(user.account.clone()),
            (false, Some(_)) => Verdict::WrongPassword,
            (_, None) => Verdict::UnknownUser,
        }
    }

    fn find(&self, user: &DigestUser<'_>) -> Option<DigestAccount> {
        if *user.realm() != self.realm {
            return None;
        }
        let table = self.read();
        let found = match user.name() {
            DigestName::UserId(name) => table.by_name.get(name),
            DigestName::Userhash(hash) => table.by_hash.get(hash),
        }?;
        let secret = found.secret(user.function())?.clone();
        Some(DigestAccount::new(found.account.clone(), secret))
    }
}

fn check(name: &str, password: &str) -> Result<(), UserError> {
    let shown = || name.chars().take(64).collect();
    if let Some(problem) = problem_of_name(name) {
        return Err(UserError::InvalidName { name: shown(), problem });
    }
    if let Some(problem) = problem_of_password(password) {
        return Err(UserError::InvalidPassword { name: shown(), problem });
    }
    Ok(())
}

fn problem_of_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        _ if name.contains(':') => Some("holds a colon"),
        _ if has_control_character(name) => Some("holds a control character"),
        _ => None,
    }
}

fn problem_of_password(password: &str) -> Option<&'static str> {
    match password {
        "" => Some("is empty"),
        _ if has_control_character(password) => Some("holds a control character"),
        _ => None,
    }
}

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for Users {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Ok(self.check(&credentials))
    }

    fn validate_now(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Option<Result<Verdict, BackendError>> {
        Some(Ok(self.check(&credentials)))
    }

    fn revision(&self, credentials: &BasicCredentials<'_>) -> u64 {
        self.read().by_name.get(credentials.user_id()).map_or(0, |user| user.revision)
    }
}

#[deny(clippy::missing_trait_methods)]
impl DigestSecrets for Users {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    fn holds_passwords(&self) -> bool {
        false
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<Option<DigestAccount>, BackendError> {
        Ok(self.find(&user))
    }

    fn secret_now(
        &self,
        user: DigestUser<'_>,
    ) -> Option<Result<Option<DigestAccount>, BackendError>> {
        Some(Ok(self.find(&user)))
    }

    fn secret_revision(&self, user: &DigestUser<'_>) -> u64 {
        let table = self.read();
        let found = match user.name() {
            DigestName::UserId(name) => table.by_name.get(name),
            DigestName::Userhash(hash) => table.by_hash.get(hash),
        };
        found.map_or(0, |user| user.revision)
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("realm", &self.realm)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ValidatorChain;

    fn realm() -> Realm {
        Realm::new("proxy").unwrap()
    }

    fn alice() -> Users {
        Users::new(&realm()).with_user("alice", "wonder").unwrap()
    }

    #[track_caller]
    fn verdict(users: &Users, realm: &Realm, name: &str, password: &str) -> &'static str {
        let credentials = BasicCredentials::new(realm, name, password);
        match users.validate_now(credentials).unwrap().unwrap() {
            Verdict::Accepted(account) if account.user().as_str() == name => "accepted",
            Verdict::WrongPassword => "wrong",
            Verdict::UnknownUser => "unknown",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn knows_its_users_by_name_and_password() {
        let (users, realm) = (alice(), realm());
        assert_eq!(verdict(&users, &realm, "alice", "wonder"), "accepted");
        assert_eq!(verdict(&users, &realm, "alice", "wonderer"), "wrong");
        assert_eq!(verdict(&users, &realm, "Alice", "wonder"), "unknown");
        assert_eq!(verdict(&users, &realm, "bob", "wonder"), "unknown");
        assert_eq!(verdict(&users, &Realm::new("other").unwrap(), "alice", "wonder"), "unknown");
    }

    #[test]
    fn a_name_and_password_that_join_to_the_same_text_are_not_the_same() {
        let users = Users::new(&realm()).with_user("a", "x:y").unwrap();
        assert_eq!(verdict(&users, &realm(), "a", "x:y"), "accepted");
        assert_eq!(verdict(&users, &Realm::new("proxy:x").unwrap(), "a", "y"), "unknown");
    }

    #[test]
    fn changes_are_in_force_at_once_and_in_every_clone() {
        let (users, realm) = (alice(), realm());
        let clone = users.clone();
        clone.set("alice", "changed").unwrap();
        clone.set("bob", "builder").unwrap();
        assert_eq!(verdict(&users, &realm, "alice", "wonder"), "wrong");
        assert_eq!(verdict(&users, &realm, "alice", "changed"), "accepted");
        assert_eq!(verdict(&users, &realm, "bob", "builder"), "accepted");
        assert_eq!(users.len(), 2);
        assert!(users.remove("alice"));
        assert!(!users.remove("alice"));
        assert_eq!(verdict(&clone, &realm, "alice", "changed"), "unknown");
        let hash = Userhash::new(HashFunction::Md5, "alice", "proxy");
        assert!(find(&users, HashFunction::Md5, DigestName::Userhash(&hash)).is_none());
    }

    fn find(users: &Users, function: HashFunction, name: DigestName<'_>) -> Option<DigestAccount> {
        users.secret_now(DigestUser::new(&realm(), function, name)).unwrap().unwrap()
    }

    #[test]
    fn serves_each_hash_function_by_name_and_by_userhash() {
        let users = alice();
        for function in HashFunction::EACH {
            let expected = HashedA1::new(function, "alice", "proxy", "wonder");
            let hash = Userhash::new(function, "alice", "proxy");
            for name in [DigestName::UserId("alice"), DigestName::Userhash(&hash)] {
                let found = find(&users, function, name).unwrap();
                assert_eq!(found.account().user().as_str(), "alice");
                assert_eq!(found.ha1().as_hex(), expected.as_hex());
            }
            let other = Userhash::new(function, "bob", "proxy");
            assert!(find(&users, function, DigestName::UserId("bob")).is_none());
            assert!(find(&users, function, DigestName::Userhash(&other)).is_none());
        }
        let other = Realm::new("other").unwrap();
        let user = DigestUser::new(&other, HashFunction::Md5, DigestName::UserId("alice"));
        assert!(users.secret_now(user).unwrap().unwrap().is_none());
    }

    #[test]
    fn refuses_users_that_could_never_log_in_and_names_them() {
        let table = [
            ("", "x", "the user name \"\" is empty: choose another"),
            ("a:b", "x", "the user name \"a:b\" holds a colon: choose another"),
            ("a\n", "x", "the user name \"a\\n\" holds a control character: choose another"),
            ("alice", "", "the password of the user \"alice\" is empty: choose another"),
            (
                "alice",
                "x\0",
                "the password of the user \"alice\" holds a control character: choose another",
            ),
        ];
        for (name, password, message) in table {
            let users = Users::new(&realm());
            assert_eq!(users.set(name, password).unwrap_err().to_string(), message);
            assert!(users.is_empty());
        }
    }

    #[test]
    fn an_account_brings_its_groups_and_data() {
        let users = Users::new(&realm());
        let account = Account::new("alice").with_group("staff").with_data(7_u32);
        users.set_account(account, "wonder").unwrap();
        let found = find(&users, HashFunction::Md5, DigestName::UserId("alice")).unwrap();
        assert_eq!(found.account().groups().collect::<Vec<_>>(), ["staff"]);
        assert_eq!(found.account().data::<u32>(), Some(&7));
    }

    #[test]
    fn regression_changing_a_password_keeps_groups_and_data() {
        let users = Users::new(&realm());
        let account = Account::new("alice").with_group("staff").with_data(7_u32);
        users.set_account(account, "wonder").unwrap();
        users.set("alice", "changed").unwrap();
        let found = find(&users, HashFunction::Md5, DigestName::UserId("alice")).unwrap();
        let expected = HashedA1::new(HashFunction::Md5, "alice", "proxy", "changed");
        assert_eq!(found.ha1().as_hex(), expected.as_hex());
        assert_eq!(found.account().groups().collect::<Vec<_>>(), ["staff"]);
        assert_eq!(found.account().data::<u32>(), Some(&7));
    }

    #[test]
    fn debug_shows_no_user() {
        assert_eq!(format!("{:?}", alice()), "Users { realm: \"proxy\", len: 1, .. }");
    }

    #[test]
    fn each_change_of_a_user_has_a_revision_of_its_own() {
        let (realm, users, others) = (realm(), alice(), Users::new(&realm()));
        let chain = ValidatorChain::new().with(users.clone()).with(others.clone());
        let credentials = BasicCredentials::new(&realm, "bob", "builder");
        let mut seen = Vec::new();
        let mut note = |changed: bool| {
            let now = (users.revision(&credentials), chain.revision(&credentials));
            if changed {
                assert!(!seen.contains(&now.1), "{now:?} again");
            } else {
                assert_eq!(seen.last(), Some(&now.1));
            }
            seen.push(now.1);
        };
        note(true);
        users.set("bob", "builder").unwrap();
        note(true);
        users.set("alice", "changed").unwrap();
        note(false);
        users.set("bob", "builder").unwrap();
        note(true);
        others.set("bob", "another").unwrap();
        note(true);
        users.set_account(Account::new("bob").with_group("staff"), "builder").unwrap();
        note(true);
    }
}
