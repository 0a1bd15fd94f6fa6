//! Tests that every database must pass.
//!
//! A [`Database`] defines the access to it, and [`cases`] makes one test of each case for it.

use std::{error::Error, fmt::Debug, time::Duration};

use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, ChangeStamp, CredentialValidator,
    DigestAccount, DigestSecrets, DigestUser, HashedA1, ProxyAuthLayer, Reason, SecretLookup,
    UserId, Verdict,
    backend::{
        AccountLookup, AccountStatus, DigestName,
        password_hash::{HashMethod, hash_password},
        sql::{Sql, SqlBuilder, SqlRow, SqlRowError},
    },
    digest::{HashFunction, Userhash},
};

use super::{
    digest::Digest,
    layer::{self, Origin, RIGHT, WRONG},
    rechecks::{fill_queue, is_recheck_ahead},
    validator_battery::realm,
};

/// A database. Each value is a new one.
pub(crate) trait Database {
    /// The parameters for name and realm in a query.
    const PARAMETERS: [&str; 2] = ["?", "?"];
    const SCHEMA: &str;
    /// A type of column in which these names equal `alice`.
    const FOLDING: (&str, &[&str]);
    /// A condition that takes half a minute, if the database has one.
    const SLOW: Option<&str>;

    fn url(&self) -> String;

    /// Executes a statement with all rights.
    async fn execute(&self, sql: &str);

    fn literal(text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn builder(&self) -> SqlBuilder {
        Sql::builder(self.url())
    }
}

/// Makes a module with one test for each case.
macro_rules! cases {
    ($(#[$attribute:meta])* $name:ident: $database:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::support::sql::cases! {
                @each [$(#[$attribute])*] ($database)
                serves_both_schemes_from_the_default_schema
                applies_a_changed_password_at_once
                refuses_a_name_that_the_database_folds
                regression_removes_the_padding_of_a_name
                is_safe_from_injection
                refuses_two_rows_as_unusable
                refuses_a_broken_ha1_as_unusable
                refuses_a_broken_hash_as_unusable
                reports_disabled_and_expired_accounts
                does_not_know_a_name_that_is_too_long
                reads_groups_and_a_record_from_columns
                fails_on_a_record_that_cannot_be_read
                passes_the_realm_as_a_second_parameter
                finds_a_user_by_userhash
                names_a_missing_column_in_a_check
                notices_a_query_that_finds_every_user
                names_a_mistake_in_the_query_for_hashes
                looks_up_accounts_without_a_password
                a_look_up_has_the_change_stamp_of_the_login
                gives_up_on_a_slow_query_and_its_connection
                limits_the_queue
                answers_rechecks_before_queued_checks
            }
        }
    };
    (@each $attributes:tt $database:tt $($case:ident)*) => {
        $($crate::support::sql::cases!(@case $attributes $database $case);)*
    };
    (@case [$($attribute:tt)*] ($database:expr) $case:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $case() {
            $crate::support::sql::$case(&$database).await;
        }
    };
}
pub(crate) use cases;

pub(crate) const FUNCTIONS: [HashFunction; 3] =
    [HashFunction::Sha256, HashFunction::Sha512_256, HashFunction::Md5];

/// Cheap enough for tests, and expensive enough that the time of the database does not count.
pub(crate) const METHOD: HashMethod = HashMethod::Bcrypt { cost: 5 };

/// Creates the default table with these users.
pub(crate) async fn fill<D: Database>(database: &D, users: &[(&str, &str)]) {
    database.execute(D::SCHEMA).await;
    for (name, password) in users {
        let ha1 = |function| HashedA1::new(function, name, &realm(), password).expose_hex();
        let values = [
            D::literal(name),
            D::literal(&hash_password(password, METHOD).unwrap()),
            D::literal(&ha1(HashFunction::Sha256)),
            D::literal(&ha1(HashFunction::Sha512_256)),
            D::literal(&ha1(HashFunction::Md5)),
        ];
        let columns = "name, password_hash, ha1_sha256, ha1_sha512_256, ha1_md5";
        let values = values.join(", ");
        database.execute(&format!("INSERT INTO users ({columns}) VALUES ({values})")).await;
    }
}

pub(crate) async fn update<D: Database>(database: &D, set: &str) {
    database.execute(&format!("UPDATE users SET {set} WHERE name = 'alice'")).await;
}

pub(crate) async fn ask(sql: &Sql, name: &str, password: &str) -> Result<Verdict, BackendError> {
    sql.validate(BasicCredentials::new(&realm(), name, password)).await
}

pub(crate) async fn look_up(
    sql: &Sql,
    function: HashFunction,
    name: DigestName<'_>,
) -> Result<Option<DigestAccount>, BackendError> {
    match sql.secret(DigestUser::new(&realm(), function, name)).await? {
        SecretLookup::Found(found) => Ok(Some(found)),
        SecretLookup::Unknown => Ok(None),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn said<T: Debug>(result: Result<T, BackendError>) -> String {
    let error = result.expect_err("a failure");
    error.source().unwrap().to_string()
}

#[track_caller]
pub(crate) fn accepted(verdict: Result<Verdict, BackendError>) -> Account {
    match verdict {
        Ok(Verdict::Accepted(account)) => account,
        other => panic!("{other:?}"),
    }
}

/// Why the record of a user cannot be used.
#[track_caller]
pub(crate) fn unusable(verdict: Result<Verdict, BackendError>) -> String {
    match verdict {
        Ok(Verdict::Unusable(record)) => record.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// Why the MD5 secret of alice cannot be used.
async fn unusable_secret(sql: &Sql) -> String {
    let user = DigestName::UserId("alice");
    match sql.secret(DigestUser::new(&realm(), HashFunction::Md5, user)).await {
        Ok(SecretLookup::Unusable(record)) => record.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn unknown(verdict: Result<Verdict, BackendError>, name: &str) {
    assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{name:?}: {verdict:?}");
}

/// A layer over Basic.
pub(crate) fn basic(sql: &Sql) -> ProxyAuthLayer {
    let auth = Authenticator::builder(realm()).with_basic(sql.clone()).build();
    ProxyAuthLayer::new(auth.unwrap())
}

/// A layer over Digest.
pub(crate) fn digest(sql: &Sql) -> ProxyAuthLayer {
    let auth = Authenticator::builder(realm()).with_digest(sql.clone()).build();
    ProxyAuthLayer::new(auth.unwrap())
}

/// Status and reason of the layer's answer to credentials.
pub(crate) async fn status(layer: &ProxyAuthLayer, credentials: &str) -> (u16, Option<Reason>) {
    let response = layer::send(layer, &Origin::new(), layer::get(credentials)).await;
    let status = response.status().as_u16();
    (status, (status != 200).then(|| layer::reason(&response)))
}

pub(crate) async fn digest_status(layer: &ProxyAuthLayer) -> u16 {
    digest_answer(layer).await.0
}

/// The layer's answer to alice's Digest credentials.
async fn digest_answer(layer: &ProxyAuthLayer) -> (u16, Option<Reason>) {
    digest_answer_to(layer, "alice", "wonder").await
}

async fn digest_answer_to(
    layer: &ProxyAuthLayer,
    user: &str,
    password: &str,
) -> (u16, Option<Reason>) {
    let origin = Origin::new();
    let request = layer::request(http::Method::GET, layer::URL);
    let challenge = layer::send(layer, &origin, request).await;
    let (user, password) = (user.to_owned(), password.to_owned());
    let mut digest = Digest { user, password, ..Digest::of_headers(challenge.headers()) };
    status(layer, &digest.answer("GET", "/a?b=c")).await
}

pub(crate) async fn serves_both_schemes_from_the_default_schema<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    for function in FUNCTIONS {
        let sql = database.builder().with_digest([function]).build().unwrap();
        sql.check(&realm()).await.unwrap();
        let account = accepted(ask(&sql, "alice", "wonder").await);
        assert_eq!(account.user().as_str(), "alice");
        assert_eq!(status(&basic(&sql), RIGHT).await.0, 200);
        assert_eq!(status(&basic(&sql), WRONG).await.0, 407);
        assert_eq!(sql.hash_functions().to_string(), function.to_string());
        if function != HashFunction::Sha512_256 {
            // It is offered only by option.
            assert_eq!(digest_status(&digest(&sql)).await, 200, "{function}");
        }
        let found = look_up(&sql, function, DigestName::UserId("alice")).await.unwrap().unwrap();
        let expected = HashedA1::new(function, "alice", &realm(), "wonder");
        assert_eq!(*found.ha1().expose_hex(), *expected.expose_hex());
        assert!(look_up(&sql, function, DigestName::UserId("bob")).await.unwrap().is_none());
        let other = FUNCTIONS.into_iter().find(|other| *other != function).unwrap();
        assert!(look_up(&sql, other, DigestName::UserId("alice")).await.is_err(), "not held");
    }
}

pub(crate) async fn applies_a_changed_password_at_once<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_digest([HashFunction::Sha256]).build().unwrap();
    let (basic, digest) = (basic(&sql), digest(&sql));
    for (password, right) in [("wonder", 200), ("other", 407), ("wonder", 200)] {
        let hash = D::literal(&hash_password(password, METHOD).unwrap());
        let ha1 = HashedA1::new(HashFunction::Sha256, "alice", &realm(), password).expose_hex();
        let ha1 = D::literal(&ha1);
        update(database, &format!("password_hash = {hash}, ha1_sha256 = {ha1}")).await;
        assert_eq!(status(&basic, RIGHT).await.0, right);
        assert_eq!(digest_status(&digest).await, right);
        accepted(ask(&sql, "alice", password).await);
    }
    database.execute("DELETE FROM users").await;
    unknown(ask(&sql, "alice", "wonder").await, "alice");
    assert_eq!(digest_status(&digest).await, 407);
}

pub(crate) async fn refuses_a_name_that_the_database_folds<D: Database>(database: &D) {
    let (column, names) = D::FOLDING;
    fill(database, &[("alice", "wonder")]).await;
    database.execute(&format!("CREATE TABLE folding (folded {column} PRIMARY KEY)")).await;
    database.execute("INSERT INTO folding VALUES ('alice')").await;
    let [name, _] = D::PARAMETERS;
    let from = "FROM folding JOIN users ON users.name = 'alice'";
    let query = |called: &str| {
        format!("SELECT {called} AS name, password_hash, ha1_md5 {from} WHERE folded = {name}")
    };
    let honest = database.builder().with_query(query("folded")).with_digest([HashFunction::Md5]);
    let honest = honest.build().unwrap();
    for other in names {
        unknown(ask(&honest, other, "wonder").await, other);
        let found = look_up(&honest, HashFunction::Md5, DigestName::UserId(other)).await;
        assert!(found.unwrap().is_none(), "{other:?}");
        // The database did find a row, as a row that claims the other name shows.
        let lying = database.builder().with_query(query(&D::literal(other))).build().unwrap();
        match other.ends_with(' ') {
            false => drop(accepted(ask(&lying, other, "wonder").await)),
            true => unknown(ask(&lying, other, "wonder").await, other),
        }
    }
    accepted(ask(&honest, "alice", "wonder").await);
}

pub(crate) async fn regression_removes_the_padding_of_a_name<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT padded.name AS name, users.password_hash, CAST(ha1_md5 AS CHAR(40)) AS ha1_md5 \
         FROM padded JOIN users ON users.name = 'alice' WHERE rtrim(padded.name) = rtrim({name})"
    );
    for kind in ["CHAR(20)", "VARCHAR(20)"] {
        database.execute(&format!("CREATE TABLE padded (name {kind})")).await;
        database.execute("INSERT INTO padded VALUES ('alice    ')").await;
        let sql = database.builder().with_query(&*query).with_digest([HashFunction::Md5]);
        let sql = sql.build().unwrap();
        let account = accepted(ask(&sql, "alice", "wonder").await);
        assert_eq!(account.user().as_str(), "alice", "{kind}");
        assert_eq!(digest_status(&digest(&sql)).await, 200, "{kind}");
        for other in ["alice ", "alice    ", "alice               ", " alice"] {
            unknown(ask(&sql, other, "wonder").await, other);
            let found = look_up(&sql, HashFunction::Md5, DigestName::UserId(other)).await;
            assert!(found.unwrap().is_none(), "{kind}: {other:?}");
        }
        database.execute("DROP TABLE padded").await;
    }
}

pub(crate) async fn is_safe_from_injection<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_digest([HashFunction::Md5]).build().unwrap();
    for name in [
        "' OR '1'='1",
        "alice' OR 'a'='a' -- ",
        "alice'; DROP TABLE users; --",
        "alice\\'; DROP TABLE users; -- ",
        "'; UPDATE users SET enabled = 0; --",
        "' UNION SELECT name, password_hash, ha1_md5, ha1_md5, ha1_md5, 1, 2 FROM users --",
        "\" OR \"\"=\"",
        "$1",
        "?",
        "alice\0",
        "\0",
    ] {
        unknown(ask(&sql, name, "wonder").await, name);
        let found = look_up(&sql, HashFunction::Md5, DigestName::UserId(name)).await.unwrap();
        assert!(found.is_none(), "{name:?}");
    }
    accepted(ask(&sql, "alice", "wonder").await);
}

pub(crate) async fn refuses_two_rows_as_unusable<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "wonder")]).await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT sent.name AS name, password_hash, ha1_md5 FROM (SELECT {name} AS name) sent \
         JOIN users ON users.name = sent.name OR sent.name = 'alice'"
    );
    let sql = database.builder().with_query(query).with_digest([HashFunction::Md5]);
    let sql = sql.build().unwrap();
    let cause = "the query finds more than one row";
    for _ in 0..2 {
        assert_eq!(unusable(ask(&sql, "alice", "wonder").await), cause);
        assert_eq!(status(&basic(&sql), RIGHT).await, (407, Some(Reason::UnusableRecord)));
        accepted(ask(&sql, "bob", "wonder").await);
        unknown(ask(&sql, "carol", "wonder").await, "carol");
    }
    assert_eq!(unusable_secret(&sql).await, cause);
}

pub(crate) async fn refuses_a_broken_ha1_as_unusable<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    let sql = database.builder().with_digest([HashFunction::Md5]).build().unwrap();
    let layer = digest(&sql);
    assert_eq!(digest_status(&layer).await, 200);
    let cause = "the column ha1_md5 is unusable: a stored H(A1) for MD5 must be 32 hex digits";
    for broken in ["NULL", "''", "'939e'", "'xyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxy'"] {
        update(database, &format!("ha1_md5 = {broken}")).await;
        assert_eq!(unusable_secret(&sql).await, cause, "{broken}");
        let answer = digest_answer(&layer).await;
        assert_eq!(answer, (407, Some(Reason::UnusableRecord)), "{broken}");
        let others = digest_answer_to(&layer, "bob", "builder").await;
        assert_eq!(others, (200, None), "{broken}");
    }
    accepted(ask(&sql, "alice", "wonder").await);
}

pub(crate) async fn refuses_a_broken_hash_as_unusable<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    let sql = database.builder().build().unwrap();
    for (stored, cause) in [
        ("''", "the hash is empty"),
        ("'wonder'", "the hash is of the weak kind plain"),
        ("'$apr1$salt$abcdefghijklmnopqrstu.'", "the hash is of the weak kind apr1"),
        ("'*'", ""),
        (
            "'$2y$31$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu'",
            "the cost of the bcrypt",
        ),
        ("'$2y$05$abc'", "the bcrypt hash is malformed"),
    ] {
        update(database, &format!("password_hash = {stored}")).await;
        let found = unusable(ask(&sql, "alice", "wonder").await);
        assert!(found.starts_with(cause), "{stored}: {found}");
        let answer = status(&basic(&sql), RIGHT).await;
        assert_eq!(answer, (407, Some(Reason::UnusableRecord)), "{stored}");
        accepted(ask(&sql, "bob", "builder").await);
    }
    update(database, "password_hash = NULL").await;
    for password in ["wonder", "", "NULL"] {
        let verdict = ask(&sql, "alice", password).await;
        assert!(matches!(verdict, Ok(Verdict::WrongPassword)), "{verdict:?}");
    }
}

pub(crate) async fn reports_disabled_and_expired_accounts<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_digest([HashFunction::Md5]).build().unwrap();
    let no = if D::SCHEMA.contains("BOOLEAN") { "FALSE" } else { "0" };
    for (set, standing) in [
        (format!("enabled = {no}"), AccountStatus::Disabled),
        ("expires = 1".to_owned(), AccountStatus::Disabled),
        (format!("enabled = NOT {no}"), AccountStatus::Expired),
        ("expires = 4102444800".to_owned(), AccountStatus::Active),
        ("expires = NULL".to_owned(), AccountStatus::Active),
    ] {
        update(database, &set).await;
        let verdict = match ask(&sql, "alice", "wonder").await.unwrap() {
            Verdict::Disabled(account) => (AccountStatus::Disabled, account),
            Verdict::Expired(account) => (AccountStatus::Expired, account),
            Verdict::Accepted(account) => (AccountStatus::Active, account),
            other => panic!("{set}: {other:?}"),
        };
        assert_eq!((verdict.0, verdict.1.user().as_str()), (standing, "alice"), "{set}");
        let wrong = ask(&sql, "alice", "wrong").await;
        assert!(matches!(wrong, Ok(Verdict::WrongPassword)), "{set}: {wrong:?}");
        let found = look_up(&sql, HashFunction::Md5, DigestName::UserId("alice")).await;
        assert_eq!(found.unwrap().unwrap().status(), standing, "{set}");
        let right = if standing == AccountStatus::Active { 200 } else { 403 };
        assert_eq!(status(&basic(&sql), RIGHT).await.0, right, "{set}");
        assert_eq!(status(&basic(&sql), WRONG).await.0, 407, "{set}");
        assert_eq!(digest_status(&digest(&sql)).await, right, "{set}");
    }
}

pub(crate) async fn does_not_know_a_name_that_is_too_long<D: Database>(database: &D) {
    let longest = "n".repeat(256);
    fill(database, &[(&longest, "wonder")]).await;
    let sql = database.builder().build().unwrap();
    accepted(ask(&sql, &longest, "wonder").await);
    unknown(ask(&sql, &format!("{longest}n"), "wonder").await, "257 bytes");
    // Without a table, only a name that is refused beforehand is unknown.
    database.execute("DROP TABLE users").await;
    assert!(ask(&sql, &longest, "wonder").await.is_err());
    unknown(ask(&sql, &format!("{longest}n"), "wonder").await, "257 bytes");
    unknown(ask(&sql, "alice\0", "wonder").await, "NUL");
}

#[derive(Clone, Debug, PartialEq)]
struct Quota {
    megabytes: i64,
    note: Option<String>,
}

fn quota(row: &SqlRow) -> Result<Quota, SqlRowError> {
    assert!(!row.has("password_hash") && !row.has("ha1_md5"), "{row:?}");
    let note = row.text("note")?.map(str::to_owned);
    Ok(Quota { megabytes: row.integer("quota")?.unwrap_or(0), note })
}

pub(crate) async fn reads_groups_and_a_record_from_columns<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT name, password_hash, ha1_md5, 'staff, night' AS {groups}, 7 AS quota, \
         'l\u{e4}ter' AS note FROM users WHERE name = {name}",
        // A keyword of MySQL.
        groups = if D::SCHEMA.contains("utf8mb4") { "`groups`" } else { "groups" },
    );
    let sql = database.builder().with_query(query).with_digest([HashFunction::Md5]);
    let sql = sql.with_record(quota).build().unwrap();
    let found = look_up(&sql, HashFunction::Md5, DigestName::UserId("alice")).await;
    let by_digest = found.unwrap().unwrap().into_account();
    for account in [accepted(ask(&sql, "alice", "wonder").await), by_digest] {
        assert_eq!(account.groups().collect::<Vec<_>>(), ["staff", "night"]);
        let expected = Quota { megabytes: 7, note: Some("l\u{e4}ter".to_owned()) };
        assert_eq!(account.data::<Quota>(), Some(&expected));
    }
}

pub(crate) async fn fails_on_a_record_that_cannot_be_read<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_record(quota).build().unwrap();
    let problem = "the column note is missing from the rows of the query";
    assert_eq!(said(ask(&sql, "alice", "wonder").await), problem);
    let wrong = ask(&sql, "alice", "wrong").await;
    assert!(matches!(wrong, Ok(Verdict::WrongPassword)), "{wrong:?}");
}

pub(crate) async fn passes_the_realm_as_a_second_parameter<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let [name, second] = D::PARAMETERS;
    for (of_table, is_found) in [("proxy", true), ("other", false)] {
        let query = format!(
            "SELECT name, password_hash FROM users WHERE name = {name} AND {second} = '{of_table}'"
        );
        let sql = database.builder().with_query(query).with_realm_parameter(true).build().unwrap();
        sql.check(&realm()).await.unwrap();
        match ask(&sql, "alice", "wonder").await {
            Ok(Verdict::Accepted(_)) if is_found => {}
            Ok(Verdict::UnknownUser) if !is_found => {}
            other => panic!("{of_table}: {other:?}"),
        }
    }
}

pub(crate) async fn finds_a_user_by_userhash<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    database.execute("ALTER TABLE users ADD userhash VARCHAR(64)").await;
    let function = HashFunction::Sha256;
    let hash = |name: &str| Userhash::new(function, name, &realm());
    for (name, of) in [("alice", "alice"), ("bob", "somebody else")] {
        let hex: String = hash(of).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let set = format!("UPDATE users SET userhash = '{hex}' WHERE name = '{name}'");
        database.execute(&set).await;
    }
    let [key, _] = D::PARAMETERS;
    let builder = || database.builder().with_digest([function, HashFunction::Md5]);
    let sql = builder().with_userhash_query(
        function,
        format!("SELECT name, ha1_sha256, ha1_md5 FROM users WHERE userhash = {key}"),
    );
    let sql = sql.build().unwrap();
    sql.check(&realm()).await.unwrap();
    let alice = hash("alice");
    let found = look_up(&sql, function, DigestName::Userhash(&alice)).await.unwrap().unwrap();
    assert_eq!(found.account().user().as_str(), "alice");
    for (name, why) in [("carol", "not there"), ("somebody else", "the hash of another name")] {
        let found = look_up(&sql, function, DigestName::Userhash(&hash(name))).await.unwrap();
        assert!(found.is_none(), "{why}");
    }
    // Without a query, no user is found by hash.
    let md5 = Userhash::new(HashFunction::Md5, "alice", &realm());
    let found = look_up(&sql, HashFunction::Md5, DigestName::Userhash(&md5)).await.unwrap();
    assert!(found.is_none());
    let without = builder().build().unwrap();
    assert!(look_up(&without, function, DigestName::Userhash(&alice)).await.unwrap().is_none());
}

pub(crate) async fn names_a_missing_column_in_a_check<D: Database>(database: &D) {
    fill(database, &[]).await;
    let [name, _] = D::PARAMETERS;
    let missing =
        |column: &str| format!("the column {column} is missing from the rows of the query");
    for (columns, functions, column) in [
        ("password_hash", &[][..], "name"),
        ("name", &[], "password_hash"),
        ("name AS username, password_hash", &[], "name"),
        ("name, password_hash", &[HashFunction::Md5], "ha1_md5"),
        ("name, ha1_md5", &[HashFunction::Md5, HashFunction::Sha256], "ha1_sha256"),
    ] {
        let query = format!("SELECT {columns} FROM users WHERE name = {name}");
        let sql = database.builder().with_query(query).with_digest(functions.iter().copied());
        assert_eq!(said(sql.build().unwrap().check(&realm()).await), missing(column), "{columns}");
    }
    for query in [
        format!("SELECT name, password_hash FROM nowhere WHERE name = {name}"),
        format!("SELECT name, hash FROM users WHERE name = {name}"),
        "SELEKT".to_owned(),
    ] {
        let sql = database.builder().with_query(query.clone()).build().unwrap();
        let error = sql.check(&realm()).await.unwrap_err();
        assert!(!error.is_transient(), "{query}: {error:?}");
        assert!(said::<()>(Err(error)).starts_with("the database reported: "), "{query}");
    }
    let sql = database.builder().with_query("SELECT name, password_hash FROM users");
    let problem = "the query takes 0 parameters but is given 1";
    assert_eq!(said(sql.build().unwrap().check(&realm()).await), problem);
    let sql = database.builder().with_realm_parameter(true).build().unwrap();
    let problem = "the query takes 1 parameters but is given 2";
    assert_eq!(said(sql.check(&realm()).await), problem);
}

pub(crate) async fn notices_a_query_that_finds_every_user<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let [name, _] = D::PARAMETERS;
    let query = format!("SELECT name, password_hash FROM users WHERE {name} <> ''");
    let sql = database.builder().with_query(query).build().unwrap();
    assert_eq!(said(sql.check(&realm()).await), "the query finds a user that cannot exist");
    unknown(ask(&sql, "bob", "wonder").await, "bob");
}

pub(crate) async fn names_a_mistake_in_the_query_for_hashes<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    for (query, cause) in [
        ("SELECT password_hash FROM nowhere", "the database reported: "),
        ("SELECT name FROM users", "the column password_hash is missing"),
    ] {
        let sql = database.builder().with_cost_query(query).build().unwrap();
        let said = said(sql.check(&realm()).await);
        let start = format!("the query for stored hashes fails: {cause}");
        assert!(said.starts_with(&start), "{said}");
    }
    let query = "SELECT password_hash FROM users";
    let sql = database.builder().with_cost_query(query).build().unwrap();
    sql.check(&realm()).await.unwrap();
    accepted(ask(&sql, "alice", "wonder").await);
}

pub(crate) async fn looks_up_accounts_without_a_password<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    let no = if D::SCHEMA.contains("BOOLEAN") { "FALSE" } else { "0" };
    let functions = [HashFunction::Sha256, HashFunction::Md5];
    let sql = database.builder().with_digest(functions).build().unwrap();
    let is_known = async |name: &str| {
        let user = UserId::new(name);
        let basic = CredentialValidator::account(&sql, &realm(), &user).await.unwrap();
        let digest = DigestSecrets::account(&sql, &realm(), &user).await.unwrap();
        [basic, digest].map(|found| match found {
            AccountLookup::Known(account) => account.user().as_str() == name,
            AccountLookup::Unknown => false,
            other => panic!("{name}: {other:?}"),
        })
    };
    for (set, known) in [
        ("name = name".to_owned(), [true, true]),
        (format!("enabled = {no}"), [false, false]),
        (format!("enabled = NOT {no}, expires = 1"), [false, false]),
        ("expires = 4102444800".to_owned(), [true, true]),
        ("password_hash = '*'".to_owned(), [false, true]),
        ("password_hash = NULL, ha1_md5 = ''".to_owned(), [false, true]),
        ("ha1_sha256 = NULL".to_owned(), [false, false]),
    ] {
        update(database, &set).await;
        assert_eq!(is_known("alice").await, known, "{set}");
        assert_eq!(is_known("bob").await, [true, true], "{set}");
    }
    for name in ["carol", "ALICE", "bob "] {
        assert_eq!(is_known(name).await, [false, false], "{name:?}");
    }
    database.execute("DROP TABLE users").await;
    let user = UserId::new("bob");
    assert!(CredentialValidator::account(&sql, &realm(), &user).await.is_err());
    assert!(DigestSecrets::account(&sql, &realm(), &user).await.is_err());
}

/// The change stamps of alice: of a login and a look-up for Basic, and of both for Digest.
async fn change_stamps(sql: &Sql) -> [ChangeStamp; 2] {
    let user = UserId::new("alice");
    let by_basic = accepted(ask(sql, "alice", "wonder").await);
    let found = look_up(sql, HashFunction::Md5, DigestName::UserId("alice")).await;
    let by_digest = found.unwrap().unwrap().into_account();
    let basic = CredentialValidator::account(sql, &realm(), &user).await.unwrap();
    let digest = DigestSecrets::account(sql, &realm(), &user).await.unwrap();
    [(by_basic, basic), (by_digest, digest)].map(|(login, found)| {
        let AccountLookup::Known(found) = found else { panic!("{found:?}") };
        assert_eq!(login.change_stamp(), found.change_stamp());
        found.change_stamp().unwrap()
    })
}

pub(crate) async fn a_look_up_has_the_change_stamp_of_the_login<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    database.execute("ALTER TABLE users ADD role VARCHAR(64)").await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT name, password_hash, ha1_sha256, ha1_md5, expires, role AS {groups}, role \
         FROM users WHERE name = {name}",
        groups = if D::SCHEMA.contains("utf8mb4") { "`groups`" } else { "groups" },
    );
    let builder = || {
        let functions = [HashFunction::Sha256, HashFunction::Md5];
        database.builder().with_query(query.clone()).with_digest(functions)
    };
    let (sql, by_column) =
        (builder().build().unwrap(), builder().with_change_columns(["expires"]).build().unwrap());
    by_column.check(&realm()).await.unwrap();
    let again = hash_password("wonder", METHOD).unwrap();
    let sha_256 = HashedA1::new(HashFunction::Sha256, "alice", &realm(), "changed").expose_hex();
    let mut before = (change_stamps(&sql).await, change_stamps(&by_column).await);
    for (set, [basic, digest, column]) in [
        ("name = name".to_owned(), [false; 3]),
        ("role = 'staff,night'".to_owned(), [true; 3]),
        ("role = 'night, staff'".to_owned(), [false; 3]),
        ("role = 'staff'".to_owned(), [true; 3]),
        ("expires = 4102444800".to_owned(), [false, false, true]),
        (format!("password_hash = {}", D::literal(&again)), [true, false, true]),
        (format!("ha1_sha256 = {}", D::literal(&sha_256)), [false, true, false]),
    ] {
        update(database, &set).await;
        let now = (change_stamps(&sql).await, change_stamps(&by_column).await);
        let has_changed =
            [now.0[0] != before.0[0], now.0[1] != before.0[1], now.1[0] != before.1[0]];
        assert_eq!(has_changed, [basic, digest, column], "{set}");
        before = now;
    }
    let missing = database.builder().with_change_columns(["quota"]).build().unwrap();
    let problem = "the column quota is missing from the rows of the query";
    assert_eq!(said(missing.check(&realm()).await), problem);
    assert_eq!(said(ask(&missing, "alice", "wonder").await), problem);
}

pub(crate) async fn gives_up_on_a_slow_query_and_its_connection<D: Database>(database: &D) {
    let Some(slow) = D::SLOW else { return };
    fill(database, &[("alice", "wonder"), ("slow", "wonder")]).await;
    let [name, _] = D::PARAMETERS;
    let query = format!(
        "SELECT name, password_hash FROM users \
         WHERE name = {name} AND (name <> 'slow' OR {slow})"
    );
    let limit = Duration::from_millis(500);
    let sql = database.builder().with_query(query).with_max_connections(1);
    let sql = sql.with_query_timeout(limit).build().unwrap();
    for _ in 0..2 {
        accepted(ask(&sql, "alice", "wonder").await);
        let error = ask(&sql, "slow", "wonder").await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(said::<()>(Err(error)), "no answer from the database within 500ms");
    }
    accepted(ask(&sql, "alice", "wonder").await);
}

pub(crate) async fn limits_the_queue<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_max_connections(1).with_queue(1).build().unwrap();
    let asked = (0..8).map(|_| {
        let sql = sql.clone();
        tokio::spawn(async move { ask(&sql, "alice", "wonder").await })
    });
    let (mut passed, mut refused) = (0, 0);
    for answer in asked.collect::<Vec<_>>() {
        match answer.await.unwrap() {
            Ok(verdict) => {
                accepted(Ok(verdict));
                passed += 1;
            }
            Err(error) => {
                assert!(error.is_transient());
                assert_eq!(said::<()>(Err(error)), "the queue is full: 1 running, 1 waiting");
                refused += 1;
            }
        }
    }
    assert_eq!((passed, refused), (2, 6), "one runs and one waits");
}

pub(crate) async fn answers_rechecks_before_queued_checks<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder")]).await;
    let sql = database.builder().with_max_connections(1).with_queue(2);
    let sql = sql.with_digest([HashFunction::Md5]).build().unwrap();
    let secrets = fill_queue(|recheck| {
        let sql = sql.clone();
        async move {
            let (realm, name) = (realm(), DigestName::UserId("alice"));
            let user = DigestUser::new(&realm, HashFunction::Md5, name);
            sql.secret(user.with_recheck(recheck)).await
        }
    });
    let answers = secrets.await;
    assert!(is_recheck_ahead(&answers), "{answers:?}");
    // Passwords are hashed after the query, so that their order may differ.
    let verdicts = fill_queue(|recheck| {
        let sql = sql.clone();
        async move {
            let realm = realm();
            let credentials = BasicCredentials::new(&realm, "alice", "wonder");
            sql.validate(credentials.with_recheck(recheck)).await
        }
    });
    assert_eq!(verdicts.await.first(), Some(&"refused"));
}
