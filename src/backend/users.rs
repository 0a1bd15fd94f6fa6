//! Users in memory, for Basic and Digest.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use super::{
    AccountLookup, BasicCredentials, CredentialValidator, DigestAccount, DigestName, DigestSecrets,
    DigestUser, SecretLookup, Verdict,
    impossible::{problem_of_name, problem_of_password},
};
use crate::{
    change_stamp::ChangeStamp,
    error::{BackendError, ConfigError},
    identity::Account,
    revocation::{Attached, Revocations},
    secret::constant_time_eq,
    user_id::UserId,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, HashedA1, Userhash},
    },
};

/// A user cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// The name is one that no client can send.
    #[error("the user name {name:?} {problem}: choose another")]
    InvalidName {
        /// The name, cut at 64 characters.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The password is one that Basic refuses.
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
/// It keeps H(A1)s and no passwords. Clones share the users: keep one to add, change and remove
/// users while the proxy runs. Each change takes effect at the next request, and ends the access of
/// that user. Names compare byte for byte. Credentials for another realm match no user.
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
pub struct Users(Arc<Shared>);

struct Shared {
    realm: Realm,
    table: RwLock<Table>,
    revocations: Attached,
    /// Compared with the passwords of unknown users, so that they take as long.
    dummy: HashedA1,
}

#[derive(Default)]
struct Table {
    by_name: HashMap<UserId, Arc<User>>,
    by_hash: HashMap<Userhash, Arc<User>>,
    /// The number of changes so far.
    version: u64,
}

struct User {
    account: Account,
    secrets: Box<[HashedA1]>,
}

/// The hash function whose H(A1) passwords are compared by.
const FOR_BASIC: HashFunction = HashFunction::Sha256;

impl User {
    fn secret(&self, function: HashFunction) -> Option<&HashedA1> {
        self.secrets.iter().find(|secret| secret.function() == function)
    }
}

impl Users {
    /// Creates an empty set of users in `realm`.
    #[must_use]
    pub fn new(realm: &Realm) -> Self {
        Self(Arc::new(Shared {
            realm: realm.clone(),
            table: RwLock::default(),
            revocations: Attached::default(),
            dummy: HashedA1::dummy(FOR_BASIC),
        }))
    }

    /// Adds a user, or changes the password of an existing one.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn with_user(self, name: &str, password: &str) -> Result<Self, UserError> {
        self.set(name, password)?;
        Ok(self)
    }

    /// Adds a user, or changes the password of an existing one, who keeps their groups and data.
    ///
    /// # Errors
    /// [`UserError`] for a name that is empty or contains a colon or a control character, and for a
    /// password that is empty or contains a control character. Then nothing changes.
    pub fn set(&self, name: &str, password: &str) -> Result<(), UserError> {
        check(name, password)?;
        let account = |known: Option<&User>| match known {
            Some(user) => user.account.clone(),
            None => Account::new(name),
        };
        self.insert(&UserId::new(name), password, account);
        Ok(())
    }

    /// Adds a user with groups and data, or replaces an existing user's account and password.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn set_account(&self, account: Account, password: &str) -> Result<(), UserError> {
        check(account.user().as_str(), password)?;
        self.insert(&account.user().clone(), password, |_| account);
        Ok(())
    }

    /// Removes a user and ends their access. Returns whether the user existed.
    pub fn remove(&self, name: &str) -> bool {
        let (user, hashes) = (UserId::new(name), self.hashes(name));
        let was_known = self.change(|table| {
            for hash in &hashes {
                table.by_hash.remove(hash);
            }
            table.by_name.remove(&user).is_some()
        });
        self.0.revocations.revoke(&self.0.realm, &user);
        was_known
    }

    /// The number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().by_name.len()
    }

    /// Whether there are no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `account` makes the account of the present user, under the lock: a change at the same time
    /// must not be undone.
    fn insert(
        &self,
        name: &UserId,
        password: &str,
        account: impl FnOnce(Option<&User>) -> Account,
    ) {
        let realm = &self.0.realm;
        let secret = |&function| HashedA1::new(function, name.as_str(), realm, password);
        let secrets: Box<[_]> = HashFunction::ALL.iter().map(secret).collect();
        let of_password = ChangeStamp::of(secrets.iter().map(HashedA1::as_hex).collect::<Vec<_>>());
        let hashes = self.hashes(name.as_str());
        self.change(|table| {
            let account = account(table.by_name.get(name).map(|user| &**user));
            // The version covers groups and data.
            let account = account.with_change_stamp((table.version, of_password));
            let user = Arc::new(User { account, secrets });
            for hash in hashes {
                table.by_hash.insert(hash, Arc::clone(&user));
            }
            table.by_name.insert(name.clone(), user);
        });
        // Also for a new user: a chain may have admitted the same name from a later member.
        self.0.revocations.revoke(&self.0.realm, name);
    }

    fn hashes(&self, name: &str) -> Vec<Userhash> {
        let hash = |&function| Userhash::new(function, name, &self.0.realm);
        HashFunction::ALL.iter().map(hash).collect()
    }

    fn find(&self, name: &str) -> Option<Arc<User>> {
        self.read().by_name.get(name).cloned()
    }

    fn change<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        table.version += 1;
        change(&mut table)
    }

    /// Ignores poisoning: each insertion is complete in itself, so a panic cannot leave a wrong
    /// entry.
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
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

#[deny(clippy::missing_trait_methods)]
impl CredentialValidator for Users {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let Shared { realm, dummy, .. } = &*self.0;
        let (name, password) = (credentials.user_id(), credentials.password());
        let user = self.find(name).filter(|_| credentials.realm() == realm);
        let stored = user.as_deref().and_then(|user| user.secret(FOR_BASIC)).unwrap_or(dummy);
        let sent = HashedA1::new(FOR_BASIC, name, realm, password);
        let is_right = constant_time_eq(sent.as_hex(), stored.as_hex());
        Ok(match user {
            Some(user) if is_right => Verdict::Accepted(user.account.clone()),
            Some(_) => Verdict::WrongPassword,
            None => Verdict::UnknownUser,
        })
    }

    fn version(&self) -> u64 {
        self.read().version
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        if *realm == self.0.realm {
            return Ok(());
        }
        let (realm, served) = (realm.to_string(), self.0.realm.to_string());
        Err(ConfigError::RealmNotServed { realm, served })
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        let found = self.find(user.as_str()).filter(|_| *realm == self.0.realm);
        Ok(found.map_or(AccountLookup::Unknown, |user| AccountLookup::Known(user.account.clone())))
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.revocations.add(revocations);
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

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        if *user.realm() != self.0.realm {
            return Ok(SecretLookup::Unknown);
        }
        let found = match user.name() {
            DigestName::UserId(name) => self.find(name),
            DigestName::Userhash(hash) => self.read().by_hash.get(hash).cloned(),
        };
        let found = found.as_ref().and_then(|found| {
            let secret = found.secret(user.function())?.clone();
            Some(DigestAccount::new(found.account.clone(), secret))
        });
        Ok(found.into())
    }

    fn version(&self) -> u64 {
        CredentialValidator::version(self)
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        CredentialValidator::serves(self, realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        CredentialValidator::account(self, realm, user).await
    }

    fn attach(&self, revocations: &Revocations) {
        CredentialValidator::attach(self, revocations);
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("realm", &self.0.realm)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        sync::atomic::{AtomicBool, Ordering::Relaxed},
        thread,
    };

    use super::*;
    use crate::backend::ValidatorChain;

    /// The output of a future that is ready at once.
    fn ready<T>(future: impl Future<Output = Result<T, BackendError>>) -> T {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => output.unwrap(),
            std::task::Poll::Pending => panic!("waits"),
        }
    }

    fn realm() -> Realm {
        Realm::new("proxy").unwrap()
    }

    fn alice() -> Users {
        Users::new(&realm()).with_user("alice", "wonder").unwrap()
    }

    #[track_caller]
    fn verdict(users: &Users, realm: &Realm, name: &str, password: &str) -> &'static str {
        let credentials = BasicCredentials::new(realm, name, password);
        match ready(users.validate(credentials)) {
            Verdict::Accepted(account) if account.user().as_str() == name => "accepted",
            Verdict::WrongPassword => "wrong",
            Verdict::UnknownUser => "unknown",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn checks_names_and_passwords() {
        let (users, realm) = (alice(), realm());
        assert_eq!(verdict(&users, &realm, "alice", "wonder"), "accepted");
        assert_eq!(verdict(&users, &realm, "alice", "wonderer"), "wrong");
        assert_eq!(verdict(&users, &realm, "Alice", "wonder"), "unknown");
        assert_eq!(verdict(&users, &realm, "bob", "wonder"), "unknown");
        assert_eq!(verdict(&users, &Realm::new("other").unwrap(), "alice", "wonder"), "unknown");
    }

    #[test]
    fn distinguishes_names_and_passwords_that_join_alike() {
        let users = Users::new(&realm()).with_user("a", "x:y").unwrap();
        assert_eq!(verdict(&users, &realm(), "a", "x:y"), "accepted");
        assert_eq!(verdict(&users, &Realm::new("proxy:x").unwrap(), "a", "y"), "unknown");
    }

    #[test]
    fn changes_take_effect_at_once_in_every_clone() {
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
        let hash = Userhash::new(HashFunction::Md5, "alice", &realm);
        assert!(find(&users, HashFunction::Md5, DigestName::Userhash(&hash)).is_none());
    }

    fn find(users: &Users, function: HashFunction, name: DigestName<'_>) -> Option<DigestAccount> {
        match ready(users.secret(DigestUser::new(&realm(), function, name))) {
            SecretLookup::Found(found) => Some(found),
            SecretLookup::Unknown => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn serves_each_hash_function_by_name_and_by_userhash() {
        let users = alice();
        for &function in HashFunction::ALL {
            let expected = HashedA1::new(function, "alice", &realm(), "wonder");
            let hash = Userhash::new(function, "alice", &realm());
            for name in [DigestName::UserId("alice"), DigestName::Userhash(&hash)] {
                let found = find(&users, function, name).unwrap();
                assert_eq!(found.account().user().as_str(), "alice");
                assert_eq!(found.ha1().as_hex(), expected.as_hex());
            }
            let other = Userhash::new(function, "bob", &realm());
            assert!(find(&users, function, DigestName::UserId("bob")).is_none());
            assert!(find(&users, function, DigestName::Userhash(&other)).is_none());
        }
        let other = Realm::new("other").unwrap();
        let user = DigestUser::new(&other, HashFunction::Md5, DigestName::UserId("alice"));
        assert!(matches!(ready(users.secret(user)), SecretLookup::Unknown));
    }

    #[test]
    fn refuses_users_that_could_never_log_in_and_names_them() {
        let table = [
            ("", "x", "the user name \"\" is empty: choose another"),
            ("a:b", "x", "the user name \"a:b\" contains a colon: choose another"),
            ("a\n", "x", "the user name \"a\\n\" contains a control character: choose another"),
            ("alice", "", "the password of the user \"alice\" is empty: choose another"),
            (
                "alice",
                "x\0",
                "the password of the user \"alice\" contains a control character: choose another",
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
        let expected = HashedA1::new(HashFunction::Md5, "alice", &realm(), "changed");
        assert_eq!(found.ha1().as_hex(), expected.as_hex());
        assert_eq!(found.account().groups().collect::<Vec<_>>(), ["staff"]);
        assert_eq!(found.account().data::<u32>(), Some(&7));
    }

    #[test]
    fn regression_a_new_password_does_not_undo_another_change() {
        let (users, stop) = (alice(), AtomicBool::new(false));
        let groups = |users: &Users| {
            let found = users.find("alice");
            found.map(|user| user.account.groups().map(str::to_owned).collect::<Vec<_>>())
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    users.set("alice", "changed").unwrap();
                }
            });
            let mut undone = 0;
            for round in 0..1_000 {
                let group = round.to_string();
                let account = Account::new("alice").with_group(group.as_str());
                users.set_account(account, "wonder").unwrap();
                undone += usize::from(groups(&users) != Some(vec![group]));
                users.remove("alice");
                undone += usize::from(groups(&users).is_some_and(|groups| !groups.is_empty()));
            }
            stop.store(true, Relaxed);
            assert_eq!(undone, 0);
        });
    }

    #[test]
    fn debug_shows_no_user() {
        assert_eq!(format!("{:?}", alice()), "Users { realm: \"proxy\", len: 1, .. }");
    }

    #[test]
    fn every_change_gives_a_new_version() {
        let (users, others) = (alice(), Users::new(&realm()));
        let chain = ValidatorChain::new().with(users.clone()).with(others.clone());
        let version = || (CredentialValidator::version(&users), chain.version());
        let mut seen = vec![version()];
        let mut note = |change: &dyn Fn()| {
            change();
            assert!(seen.iter().all(|(_, chain)| *chain != version().1));
            seen.push(version());
        };
        note(&|| users.set("bob", "builder").unwrap());
        note(&|| users.set("bob", "builder").unwrap());
        note(&|| others.set("bob", "another").unwrap());
        note(&|| users.set_account(Account::new("bob").with_group("staff"), "builder").unwrap());
        note(&|| assert!(users.remove("bob")));
        assert_eq!(version(), version());
    }

    #[test]
    fn every_change_revokes_only_that_user() {
        let (users, revocations, realm) = (alice(), Revocations::new(), realm());
        CredentialValidator::attach(&users, &revocations);
        DigestSecrets::attach(&users, &revocations);
        let log_in = |name: &str| {
            revocations.handle(&realm, &UserId::new(name), revocations.start_check()).unwrap()
        };
        let bob = log_in("bob");
        for change in [
            &|| users.set("alice", "changed").unwrap(),
            &|| users.set_account(Account::new("alice"), "changed").unwrap(),
            &|| assert!(users.remove("alice")),
        ] as [&dyn Fn(); 3]
        {
            let alice = log_in("alice");
            change();
            assert!(alice.is_revoked());
        }
        assert!(!bob.is_revoked());
    }

    #[test]
    fn serves_only_its_own_realm() {
        let users = alice();
        assert!(CredentialValidator::serves(&users, &realm()).is_ok());
        let other = Realm::new("Proxy").unwrap();
        assert_eq!(
            CredentialValidator::serves(&users, &other).unwrap_err().to_string(),
            "the authenticator's realm is \"Proxy\", and its users belong to the realm \"proxy\": \
             make both the same"
        );
    }

    #[test]
    fn a_look_up_has_the_change_stamp_of_the_login() {
        let users = alice();
        let by_basic =
            || match ready(users.validate(BasicCredentials::new(&realm(), "alice", "wonder"))) {
                Verdict::Accepted(account) => account.change_stamp(),
                other => panic!("{other:?}"),
            };
        let by_digest = || {
            let found = find(&users, HashFunction::Md5, DigestName::UserId("alice")).unwrap();
            found.account().change_stamp()
        };
        let looked_up =
            || match ready(DigestSecrets::account(&users, &realm(), &UserId::new("alice"))) {
                AccountLookup::Known(account) => account.change_stamp(),
                other => panic!("{other:?}"),
            };
        let first = looked_up();
        assert!(first.is_some());
        assert_eq!([by_basic(), by_digest()], [first; 2]);
        users.set_account(Account::new("alice").with_group("staff"), "wonder").unwrap();
        let regrouped = looked_up();
        assert_eq!([by_basic(), by_digest()], [regrouped; 2]);
        assert_ne!(first, regrouped);
    }

    #[test]
    fn looks_up_accounts_without_a_password() {
        let users = alice();
        let account = |realm: &Realm, name| {
            ready(CredentialValidator::account(&users, realm, &UserId::new(name)))
        };
        assert!(matches!(account(&realm(), "alice"), AccountLookup::Known(_)));
        assert!(matches!(account(&realm(), "bob"), AccountLookup::Unknown));
        let other = Realm::new("other").unwrap();
        assert!(matches!(account(&other, "alice"), AccountLookup::Unknown));
    }
}
