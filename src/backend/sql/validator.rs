//! Users in a database, for Basic and Digest.

use std::{fmt, sync::Arc};

use super::{
    builder::{Options, SqlBuilder},
    max_cost::MaxCost,
    query::{Answer, QueryRunner},
    row::{SqlRow, SqlRowError},
    user::{FindError, PASSWORD_HASH, User, ha1_column},
};
use crate::{
    backend::{
        AccountLookup, AccountStatus, BasicCredentials, CredentialValidator, DigestAccount,
        DigestName, DigestSecrets, DigestUser, SecretLookup, Verdict,
        password_hash::{HashingPool, PasswordHash},
        queue::{Check, Queue},
        runtime::within,
    },
    error::BackendError,
    identity::Account,
    secret::Password,
    user_id::UserId,
    wire::{
        Realm,
        digest::{HashFunction, HashFunctions, Userhash},
    },
};

/// The longest name that is looked up, in bytes. Users with longer ones do not exist.
const MAX_NAME: usize = 256;

/// Users in a table of a database. Serves Basic with password hashes, and Digest with H(A1)s.
///
/// Clones share the connections. See the [module](super) for the columns. It needs a tokio runtime;
/// without one, checks fail.
///
/// # Panics
/// A check panics on a runtime without a timer or I/O.
#[derive(Clone)]
pub struct Sql(Arc<Parts>);

pub(super) struct Parts {
    pub(super) database: Arc<dyn QueryRunner>,
    pub(super) queue: Queue,
    pub(super) query: Arc<str>,
    pub(super) hashing: HashingPool,
    pub(super) max_cost: MaxCost,
    pub(super) options: Options,
}

impl Sql {
    /// The options for the database of `url`: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/NAME`
    /// or `mysql://USER:PASSWORD@HOST/NAME`. The feature of the database must be enabled.
    pub fn builder(url: impl Into<String>) -> SqlBuilder {
        SqlBuilder::from_url(url.into())
    }

    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }

    /// Waits in the queue, and runs a query to its end even if the caller is cancelled.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        check: Check<'_>,
        query: impl FnOnce(Arc<dyn QueryRunner>) -> Answer<T>,
    ) -> Result<T, BackendError> {
        let limit = self.0.options.timeout;
        let permit = self.0.queue.enter(check, limit).await?;
        let answer = query(Arc::clone(&self.0.database));
        within(limit, permit.run(answer)).await
    }

    pub(super) fn parameters(&self, key: String, realm: &Realm) -> Vec<String> {
        let realm = self.0.options.has_realm.then(|| realm.as_str().to_owned());
        [key].into_iter().chain(realm).collect()
    }

    pub(super) async fn rows(
        &self,
        query: &Arc<str>,
        parameters: Vec<String>,
        limit: usize,
        check: Check<'_>,
    ) -> Result<Vec<SqlRow>, BackendError> {
        let select =
            |database: Arc<dyn QueryRunner>| database.rows(Arc::clone(query), parameters, limit);
        self.run(check, select).await
    }

    /// Includes stored hashes in the cost of all checks, once.
    pub(super) async fn learn_cost(&self) -> Result<(), BackendError> {
        let Parts { database, max_cost, options, .. } = &*self.0;
        max_cost.learn(database, &options.policy, options.timeout).await
    }

    /// The user whose name, or whose hash of the name, is `key`.
    async fn find(
        &self,
        query: &Arc<str>,
        key: String,
        realm: &Realm,
        check: Check<'_>,
        is_wanted: impl FnOnce(&str) -> bool,
    ) -> Result<Option<User>, FindError> {
        let parameters = self.parameters(key, realm);
        // A second row is ambiguous.
        let mut rows = self.rows(query, parameters, 2, check).await?;
        match (rows.pop(), rows.is_empty()) {
            (None, _) => Ok(None),
            (Some(row), true) => User::read(row, is_wanted, self.0.options.clock.now()),
            (Some(_), false) => {
                Err(FindError::Unusable("the query finds more than one row".into()))
            }
        }
    }

    async fn find_by_name(
        &self,
        name: &str,
        realm: &Realm,
        check: Check<'_>,
    ) -> Result<Option<User>, FindError> {
        if name.len() > MAX_NAME || name.contains('\0') {
            return Ok(None);
        }
        self.find(&self.0.query, name.to_owned(), realm, check, |found| found == name).await
    }

    async fn find_by_userhash(
        &self,
        hash: &Userhash,
        function: HashFunction,
        realm: &Realm,
        check: Check<'_>,
    ) -> Result<Option<User>, FindError> {
        let Some(query) = self.0.options.by_userhash.get(&function) else { return Ok(None) };
        let is_wanted = |found: &str| Userhash::new(function, found, realm) == *hash;
        self.find(query, in_hex(hash), realm, check, is_wanted).await
    }

    /// Whether the password is right, which an empty one never is. The work is the same with a hash
    /// and without.
    async fn is_right(
        &self,
        hash: Option<PasswordHash>,
        credentials: BasicCredentials<'_>,
    ) -> Result<bool, BackendError> {
        self.learn_cost().await?;
        let cost = self.0.max_cost.with(hash.as_ref());
        let password = Password::new(credentials.password());
        let check = move || {
            let is_right = cost.verify(hash.as_ref(), password.expose())?;
            Ok(is_right && !password.expose().is_empty())
        };
        self.0.hashing.run_for(credentials, check).await?
    }

    /// The account, with a change stamp for the stored secrets in the columns `secrets`.
    fn full_account(
        &self,
        user: User,
        secrets: impl Iterator<Item = &'static str>,
    ) -> Result<Account, FindError> {
        let (account, row) = user.into_account(secrets, &self.0.options.change_columns)?;
        let Some(record) = &self.0.options.record else { return Ok(account) };
        record(&row, account).map_err(|error| match error.downcast::<SqlRowError>() {
            Ok(error) => (*error).into(),
            Err(error) => FindError::Unusable(error),
        })
    }

    fn ha1_columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.0.options.functions.iter().map(ha1_column)
    }

    async fn verdict(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, FindError> {
        let check = Check::new(credentials.is_recheck(), credentials.ticket());
        let found = self.find_by_name(credentials.user_id(), credentials.realm(), check).await;
        let (hash, found) = match found.and_then(|user| self.with_hash(user)) {
            Ok(Some((user, hash))) => (hash, Ok(Some(user))),
            Ok(None) => (None, Ok(None)),
            Err(FindError::Failed(error)) => return Err(error.into()),
            Err(unusable) => (None, Err(unusable)),
        };
        let is_too_long =
            hash.as_ref().is_some_and(|hash| hash.is_too_long(credentials.password()));
        // Users who are unknown or have an unusable record cost the same.
        let is_right = self.is_right(hash, credentials).await?;
        let Some(user) = found? else { return Ok(Verdict::UnknownUser) };
        if !is_right {
            return Ok(if is_too_long { Verdict::PasswordTooLong } else { Verdict::WrongPassword });
        }
        let status = user.status();
        let account = self.full_account(user, [PASSWORD_HASH].into_iter())?;
        Ok(match status {
            AccountStatus::Active => Verdict::Accepted(account),
            AccountStatus::Disabled => Verdict::Disabled(account),
            AccountStatus::Expired => Verdict::Expired(account),
        })
    }

    fn with_hash(
        &self,
        user: Option<User>,
    ) -> Result<Option<(User, Option<PasswordHash>)>, FindError> {
        let Some(user) = user else { return Ok(None) };
        let hash = user.password_hash(&self.0.options.policy)?;
        Ok(Some((user, hash)))
    }

    /// Looks up a user without a password. Users who may not log in or whose record is not `usable`
    /// are unknown.
    async fn known(
        &self,
        realm: &Realm,
        user: &UserId,
        usable: impl FnOnce(&User) -> Result<bool, FindError>,
        secrets: impl Iterator<Item = &'static str>,
    ) -> Result<AccountLookup, BackendError> {
        let account = async {
            let found = self.find_by_name(user.as_str(), realm, Check::Recheck(None)).await?;
            let Some(user) = found else { return Ok(AccountLookup::Unknown) };
            if user.status() != AccountStatus::Active || !usable(&user)? {
                return Ok(AccountLookup::Unknown);
            }
            self.full_account(user, secrets).map(AccountLookup::Known)
        };
        account.await.or_else(|error: FindError| error.answer(|_| AccountLookup::Unknown))
    }

    async fn stored(&self, user: DigestUser<'_>) -> Result<SecretLookup, FindError> {
        let (function, realm) = (user.function(), user.realm());
        let check = Check::new(user.is_recheck(), user.ticket());
        if !self.0.options.functions.contains(function) {
            return Err(BackendError::new(format!("no H(A1) is stored for {function}")).into());
        }
        let found = match user.name() {
            DigestName::UserId(name) => self.find_by_name(name, realm, check).await?,
            DigestName::Userhash(hash) => {
                self.find_by_userhash(hash, function, realm, check).await?
            }
        };
        let Some(user) = found else { return Ok(SecretLookup::Unknown) };
        let (ha1, status) = (user.ha1(function)?, user.status());
        let account = DigestAccount::new(self.full_account(user, self.ha1_columns())?, ha1);
        Ok(SecretLookup::Found(account.with_status(status)))
    }
}

pub(super) fn in_hex(hash: &Userhash) -> String {
    base16ct::lower::encode_string(hash.as_bytes())
}

impl CredentialValidator for Sql {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.verdict(credentials).await.or_else(|error| error.answer(Verdict::Unusable))
    }

    /// Users without a usable password hash are unknown.
    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        let policy = &self.0.options.policy;
        let is_usable = |user: &User| Ok(user.password_hash(policy)?.is_some());
        self.known(realm, user, is_usable, [PASSWORD_HASH].into_iter()).await
    }
}

impl DigestSecrets for Sql {
    fn hash_functions(&self) -> HashFunctions {
        self.0.options.functions
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        self.stored(user).await.or_else(|error| error.answer(SecretLookup::Unusable))
    }

    /// Users without a usable H(A1) are unknown.
    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        let functions = self.0.options.functions;
        let is_usable = |user: &User| {
            for function in functions.iter() {
                match user.ha1(function) {
                    Ok(_) => return Ok(true),
                    Err(FindError::Unusable(_)) => {}
                    Err(failed) => return Err(failed),
                }
            }
            Ok(false)
        };
        self.known(realm, user, is_usable, self.ha1_columns()).await
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("query", &self.0.query)
            .field("functions", &self.0.options.functions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error as _,
        sync::mpsc,
        task::{Context, Waker},
        time::Duration,
    };

    use tokio::sync::oneshot;

    use super::*;
    use crate::backend::{
        password_hash::{HashCost, HashMethod, hash_password},
        sql::{query::Prepared, row::Value, user::NAME},
    };

    const METHOD: HashMethod = HashMethod::Bcrypt { cost: 4 };

    type MakeRows = fn() -> Vec<SqlRow>;

    /// Finds the same rows for every query.
    struct Fixed(MakeRows);

    impl QueryRunner for Fixed {
        fn default_query(&self) -> &'static str {
            "SELECT"
        }

        fn default_cost_query(&self) -> &'static str {
            "SELECT"
        }

        fn rows(self: Arc<Self>, _: Arc<str>, _: Vec<String>, _: usize) -> Answer<Vec<SqlRow>> {
            Box::pin(async move { Ok((self.0)()) })
        }

        fn prepared(self: Arc<Self>, _: Arc<str>, _: Vec<String>) -> Answer<Prepared> {
            unreachable!("only check() calls it")
        }
    }

    fn row(password_hash: &str) -> Vec<SqlRow> {
        let text = |text: &str| Value::Text(text.to_owned().into());
        let columns = [(NAME, text("alice")), (PASSWORD_HASH, text(password_hash))];
        vec![SqlRow::new(columns.map(|(name, value)| (name.to_owned(), value)).into())]
    }

    async fn verdict(rows: MakeRows, pool: &HashingPool) -> Result<Verdict, BackendError> {
        let sql = SqlBuilder::new(move |_| Ok(Arc::new(Fixed(rows))))
            .with_hashing_pool(pool.clone())
            .with_min_cost(HashCost::of_method(METHOD))
            .build()
            .unwrap();
        let realm = Realm::new("proxy").unwrap();
        sql.validate(BasicCredentials::new(&realm, "alice", "wonder")).await
    }

    /// Runs a hash in a pool until the sender is dropped.
    async fn occupy(pool: &HashingPool) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel::<()>();
        let (start, started) = oneshot::channel();
        let pool = pool.clone();
        tokio::spawn(async move {
            let work = move || {
                start.send(()).unwrap();
                let _ = ended.recv();
            };
            pool.run(work).await
        });
        started.await.unwrap();
        end
    }

    /// A database with stored hashes that finds no user.
    struct Sample;

    impl QueryRunner for Sample {
        fn default_query(&self) -> &'static str {
            "users"
        }

        fn default_cost_query(&self) -> &'static str {
            "hashes"
        }

        fn rows(
            self: Arc<Self>,
            query: Arc<str>,
            parameters: Vec<String>,
            limit: usize,
        ) -> Answer<Vec<SqlRow>> {
            let answer = match &*query {
                "hashes" => {
                    assert_eq!((parameters.len(), limit), (0, 10_000));
                    let stored = [5, 4].map(|cost| HashMethod::Bcrypt { cost });
                    let stored = stored.map(|method| hash_password("x", method).unwrap());
                    let rows = stored.iter().flat_map(|hash| row(hash));
                    Ok(rows.chain(row("unusable")).collect())
                }
                "broken" => Err(BackendError::new("no such table")),
                _ => Ok(Vec::new()),
            };
            Box::pin(async move { answer })
        }

        fn prepared(self: Arc<Self>, _: Arc<str>, _: Vec<String>) -> Answer<Prepared> {
            Box::pin(async { Ok(Prepared { columns: None, parameters: None }) })
        }
    }

    #[tokio::test]
    async fn regression_the_first_unknown_user_costs_as_much_as_a_known_one() {
        let builder = || SqlBuilder::new(|_| Ok(Arc::new(Sample)));
        let cost = |cost| HashCost::of_method(HashMethod::Bcrypt { cost });
        let guess = HashCost::of_method(HashMethod::default());
        let realm = Realm::new("proxy").unwrap();
        for (name, builder, expected) in [
            ("the default queries", builder(), cost(5)),
            ("a minimum", builder().with_min_cost(cost(4)), cost(4)),
            ("a query of one's own", builder().with_query("own"), guess),
            (
                "with a query for hashes",
                builder().with_query("own").with_cost_query("hashes"),
                cost(5),
            ),
            ("both", builder().with_cost_query("hashes").with_min_cost(cost(6)), cost(6)),
        ] {
            let sql = builder.build().unwrap();
            let verdict = sql.validate(BasicCredentials::new(&realm, "carol", "wonder")).await;
            assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{name}: {verdict:?}");
            assert_eq!(sql.parts().max_cost.with(None), expected, "{name}");
        }
        let sql = builder().build().unwrap();
        sql.check(&realm).await.unwrap();
        assert_eq!(sql.parts().max_cost.with(None), cost(5), "after a check");

        let sql = builder().with_cost_query("broken").build().unwrap();
        let verdict = sql.validate(BasicCredentials::new(&realm, "carol", "wonder")).await;
        for error in [sql.check(&realm).await.unwrap_err(), verdict.unwrap_err()] {
            let cause = error.source().unwrap().to_string();
            assert_eq!(cause, "the query for stored hashes fails: no such table");
        }
    }

    /// Never answers.
    struct Hanging;

    impl QueryRunner for Hanging {
        fn default_query(&self) -> &'static str {
            "SELECT"
        }

        fn default_cost_query(&self) -> &'static str {
            "SELECT"
        }

        fn rows(self: Arc<Self>, _: Arc<str>, _: Vec<String>, _: usize) -> Answer<Vec<SqlRow>> {
            Box::pin(std::future::pending())
        }

        fn prepared(self: Arc<Self>, _: Arc<str>, _: Vec<String>) -> Answer<Prepared> {
            unreachable!("only check() calls it")
        }
    }

    #[tokio::test]
    async fn look_ups_of_invented_names_leave_places_for_rechecks() {
        let sql = SqlBuilder::new(|_| Ok(Arc::new(Hanging)))
            .with_digest([HashFunction::Md5])
            .with_max_connections(1)
            .with_queue(1)
            .build()
            .unwrap();
        let realm = Realm::new("proxy").unwrap();
        let look_up = |name, recheck| {
            let user = DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId(name));
            Box::pin(sql.secret(user.with_recheck(recheck)))
        };
        let mut context = Context::from_waker(Waker::noop());
        let mut flood = ["a", "b"].map(|name| look_up(name, false));
        for look_up in &mut flood {
            assert!(look_up.as_mut().poll(&mut context).is_pending());
        }
        assert!(look_up("c", false).await.unwrap_err().is_overloaded());
        let mut recheck = look_up("alice", true);
        assert!(recheck.as_mut().poll(&mut context).is_pending(), "it waits in its own queue");
    }

    /// A cache would answer with an expired verdict during an outage, but a flood of guesses can
    /// cause these waits.
    #[tokio::test(start_paused = true)]
    async fn regression_a_long_wait_in_the_queue_is_overload_and_not_an_outage() {
        let builder = SqlBuilder::new(|_| Ok(Arc::new(Hanging))).with_digest([HashFunction::Md5]);
        let sql = builder.with_max_connections(1).build().unwrap();
        let realm = Realm::new("proxy").unwrap();
        let look_up =
            |name| sql.secret(DigestUser::new(&realm, HashFunction::Md5, DigestName::UserId(name)));
        let (running, waiting) = tokio::join!(look_up("a"), look_up("b"));
        let (running, waiting) = (running.unwrap_err(), waiting.unwrap_err());
        assert!(running.is_transient() && !running.is_overloaded(), "{running:?}");
        assert!(waiting.is_overloaded(), "{waiting:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_long_wait_for_the_hashing_pool_is_overload_and_not_an_outage() {
        let pool = HashingPool::builder().with_max_hashes(1).with_queue(1).build().unwrap();
        let end = occupy(&pool).await;
        let check = tokio::spawn({
            let pool = pool.clone();
            async move { verdict(Vec::new, &pool).await }
        });
        // The clock does not advance by itself while a blocking thread runs.
        while !check.is_finished() {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let error = check.await.unwrap().unwrap_err();
        assert!(error.is_overloaded(), "{error:?}");
        drop(end);
    }

    /// The pool is full, so it refuses every check that hashes.
    #[tokio::test]
    async fn an_unusable_record_costs_as_much_as_an_unknown_user() {
        let full = HashingPool::builder().with_max_hashes(1).with_queue(1).build().unwrap();
        let end = occupy(&full).await;
        let pool = full.clone();
        tokio::spawn(async move { pool.run(|| ()).await });
        tokio::task::yield_now().await;

        let free = HashingPool::new();
        let cases: [(&str, MakeRows, &str); 5] = [
            ("a user", || row(&hash_password("wonder", METHOD).unwrap()), "Accepted"),
            ("no row", Vec::new, "UnknownUser"),
            ("two rows", || row("x").into_iter().chain(row("x")).collect(), "Unusable"),
            ("a malformed hash", || row("$2y$05$abc"), "Unusable"),
            ("a cost bomb", || row(&format!("$2y$31${}", "a".repeat(53))), "Unusable"),
        ];
        for (name, rows, expected) in cases {
            let verdict_of_free = format!("{:?}", verdict(rows, &free).await.unwrap());
            assert!(verdict_of_free.starts_with(expected), "{name}: {verdict_of_free}");
            let error = verdict(rows, &full).await.unwrap_err();
            assert!(error.is_overloaded(), "{name}: {error:?}");
        }
        drop(end);
    }
}
