//! A source of users who are looked up.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, DigestAccount, DigestSecrets,
    DigestUser, HashedA1, Realm, SecretLookup, UserId, Verdict,
    backend::{AccountLookup, DigestName},
    digest::HashFunctions,
};

/// A stored user, whose password is `wonder`.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) group: &'static str,
    pub(super) hash: u32,
    pub(super) is_stamped: bool,
    /// Whether a look-up finds the user; a login does in any case.
    pub(super) is_enabled: bool,
    pub(super) failure: Option<fn(&'static str) -> BackendError>,
    pub(super) is_supported: bool,
}

pub(super) const RECORD: Record = Record {
    group: "staff",
    hash: 1,
    is_stamped: true,
    is_enabled: true,
    failure: None,
    is_supported: true,
};

/// A source of users for Basic and Digest, which can be changed while it is used.
#[derive(Clone, Default)]
pub(super) struct Source(pub(super) Arc<Shared>);

#[derive(Default)]
pub(super) struct Shared {
    records: Mutex<HashMap<String, Record>>,
    lookups: AtomicUsize,
    /// Whether look-ups wait before they read the record.
    pub(super) is_closed_before: AtomicBool,
    /// Whether look-ups wait after they have read the record.
    pub(super) is_closed_after: AtomicBool,
    running: AtomicUsize,
    pub(super) most_running: AtomicUsize,
}

impl Source {
    pub(super) fn with<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let source = Self::default();
        source.records().extend(names.into_iter().map(|name| (name.to_owned(), RECORD)));
        source
    }

    pub(super) fn records(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.0.records.lock().unwrap()
    }

    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Record)) {
        change(self.records().get_mut(name).expect("a user"));
    }

    pub(super) fn lookups(&self) -> usize {
        self.0.lookups.load(SeqCst)
    }

    fn account_of(name: &str, record: &Record) -> Account {
        let account = Account::new(name).with_group(record.group);
        match record.is_stamped {
            true => account.with_change_stamp((record.group, record.hash)),
            false => account,
        }
    }

    fn find(&self, name: &str) -> Option<Account> {
        self.records().get(name).map(|record| Self::account_of(name, record))
    }

    async fn look_up(&self, user: &UserId) -> Result<AccountLookup, BackendError> {
        let shared = &*self.0;
        shared.lookups.fetch_add(1, SeqCst);
        let running = shared.running.fetch_add(1, SeqCst) + 1;
        shared.most_running.fetch_max(running, SeqCst);
        opening(&shared.is_closed_before).await;
        let record = self.records().get(user.as_str()).cloned();
        opening(&shared.is_closed_after).await;
        shared.running.fetch_sub(1, SeqCst);
        match record {
            Some(Record { failure: Some(failure), .. }) => Err(failure("no answer")),
            Some(Record { is_supported: false, .. }) => Ok(AccountLookup::Unsupported),
            Some(record) if record.is_enabled => {
                Ok(AccountLookup::Known(Self::account_of(user.as_str(), &record)))
            }
            _ => Ok(AccountLookup::Unknown),
        }
    }
}

/// Waits while a gate is closed. The test that opens it polls again.
async fn opening(is_closed: &AtomicBool) {
    poll_fn(|_| if is_closed.load(SeqCst) { Poll::Pending } else { Poll::Ready(()) }).await;
}

impl CredentialValidator for Source {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Ok(match self.find(credentials.user_id()) {
            Some(account) if credentials.verify(Some("wonder")) => Verdict::Accepted(account),
            Some(_) => Verdict::WrongPassword,
            None => Verdict::UnknownUser,
        })
    }

    async fn account(&self, _: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.look_up(user).await
    }
}

impl DigestSecrets for Source {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        let DigestName::UserId(name) = user.name() else { return Ok(SecretLookup::Unknown) };
        let ha1 = HashedA1::new(user.function(), name, user.realm(), "wonder");
        Ok(self.find(name).map(|account| DigestAccount::new(account, ha1)).into())
    }

    async fn account(&self, _: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.look_up(user).await
    }
}
