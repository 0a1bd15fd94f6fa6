//! A user, as a row describes one.

use std::time::Duration;

use super::row::{SqlRow, SqlRowError};
use crate::{
    backend::{
        AccountStatus,
        password_hash::{HashPolicy, PasswordHash},
    },
    clock::Timestamp,
    error::BackendError,
    identity::Account,
    wire::digest::{HashFunction, HashedA1, Userhash},
};

pub(super) const NAME: &str = "name";
pub(super) const PASSWORD_HASH: &str = "password_hash";
const ENABLED: &str = "enabled";
const EXPIRES: &str = "expires";
const GROUPS: &str = "groups";

/// The column that holds the H(A1)s of a hash function.
pub(super) const fn ha1_column(function: HashFunction) -> &'static str {
    match function {
        HashFunction::Sha256 => "ha1_sha256",
        HashFunction::Sha512_256 => "ha1_sha512_256",
        HashFunction::Md5 => "ha1_md5",
    }
}

/// Whether no column is one of ours but for its case: what is taken for missing would be in force
/// for nobody, an expiry for instance.
///
/// # Errors
/// The first that is.
pub(super) fn known_columns<'a>(
    mut columns: impl Iterator<Item = &'a str>,
) -> Result<(), SqlRowError> {
    let ours = HashFunction::all().map(ha1_column);
    let ours: Vec<_> = ours.chain([NAME, PASSWORD_HASH, ENABLED, EXPIRES, GROUPS]).collect();
    let is_misspelt =
        |column: &&str| ours.iter().any(|one| one != column && one.eq_ignore_ascii_case(column));
    match columns.find(is_misspelt) {
        Some(column) => Err(SqlRowError::new(column, "has to be spelt in lower case")),
        None => Ok(()),
    }
}

/// The row of the user who was asked for.
pub(super) struct User {
    name: String,
    row: SqlRow,
}

impl User {
    /// The user of a row, if it is the one called `asked`.
    ///
    /// # Security
    /// A database may take other names for the same: it folds case, accents or blanks at the end.
    pub(super) fn named(asked: &str, row: SqlRow) -> Result<Option<Self>, SqlRowError> {
        Ok(Self::of(row)?.filter(|user| user.name == asked))
    }

    /// The user of a row, if that is the one whose name has this hash.
    pub(super) fn hashed(
        asked: &Userhash,
        (function, realm): (HashFunction, &str),
        row: SqlRow,
    ) -> Result<Option<Self>, SqlRowError> {
        let is_asked = |user: &Self| Userhash::new(function, &user.name, realm) == *asked;
        Ok(Self::of(row)?.filter(is_asked))
    }

    fn of(row: SqlRow) -> Result<Option<Self>, SqlRowError> {
        known_columns(row.columns())?;
        match row.text(NAME)? {
            Some(name) => Ok(Some(Self { name: name.to_owned(), row })),
            None => Ok(None),
        }
    }

    /// The stored password; `None` for a user who has none, who cannot use Basic.
    pub(super) fn password_hash(
        &self,
        policy: &HashPolicy,
    ) -> Result<Option<PasswordHash>, BackendError> {
        let Some(text) = self.row.text(PASSWORD_HASH).map_err(BackendError::new)? else {
            return Ok(None);
        };
        PasswordHash::parse(text, policy).map(Some).map_err(BackendError::new)
    }

    /// The stored H(A1), which every user is said to have.
    pub(super) fn ha1(&self, function: HashFunction) -> Result<HashedA1, BackendError> {
        let column = ha1_column(function);
        let stored = self.row.text(column).map_err(BackendError::new)?;
        HashedA1::from_hex(function, stored.unwrap_or_default()).map_err(|error| {
            BackendError::new(SqlRowError::new(column, &format!("is unusable: {error}")))
        })
    }

    /// Whether the account may be used at `now`. A NULL in `enabled` is no.
    pub(super) fn standing(&self, now: Timestamp) -> Result<AccountStatus, SqlRowError> {
        if self.row.has(ENABLED) && self.row.boolean(ENABLED)? != Some(true) {
            return Ok(AccountStatus::Disabled);
        }
        Ok(match self.expiry()? {
            Some(expiry) if now >= expiry => AccountStatus::Expired,
            _ => AccountStatus::Active,
        })
    }

    /// For how long the account may be used from `now` on; `None` if that has no end.
    fn time_left(&self, now: Timestamp) -> Result<Option<Duration>, SqlRowError> {
        Ok(self.expiry()?.map(|expiry| expiry.saturating_since(now)))
    }

    fn expiry(&self) -> Result<Option<Timestamp>, SqlRowError> {
        if !self.row.has(EXPIRES) {
            return Ok(None);
        }
        let in_micros = |seconds| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
        let seconds = self.row.integer(EXPIRES)?;
        Ok(seconds.map(|seconds| Timestamp::from_micros(in_micros(seconds))))
    }

    /// The account, and the row without what is secret.
    pub(super) fn into_account(mut self, now: Timestamp) -> Result<(Account, SqlRow), SqlRowError> {
        let time_left = self.time_left(now)?;
        let mut account = Account::new(self.name);
        if let Some(time_left) = time_left {
            account = account.with_max_age(time_left);
        }
        if self.row.has(GROUPS) {
            for group in self.row.texts(GROUPS)? {
                account = account.with_group(group);
            }
        }
        self.row.remove(PASSWORD_HASH);
        for function in HashFunction::all() {
            self.row.remove(ha1_column(function));
        }
        Ok((account, self.row))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::backend::sql::row::Value;

    const MD5: &str = "939e7578ed9e3c518a452acee763bce9";

    fn row(values: Vec<(&str, Value)>) -> SqlRow {
        SqlRow::new(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned().into())
    }

    fn alice(mut values: Vec<(&str, Value)>) -> User {
        values.insert(0, ("name", text("alice")));
        User::named("alice", row(values)).unwrap().unwrap()
    }

    fn said<T>(result: Result<T, BackendError>) -> String {
        result.err().unwrap().source().unwrap().to_string()
    }

    #[test]
    fn a_row_with_another_name_is_nobodys() {
        for other in ["Alice", "alice ", "alic\u{e9}", "alice\0", ""] {
            assert!(User::named("alice", row(vec![("name", text(other))])).unwrap().is_none());
        }
        assert!(User::named("alice", row(vec![("name", Value::Null)])).unwrap().is_none());
        assert!(User::named("", row(vec![("name", Value::Null)])).unwrap().is_none());
        assert!(User::named("alice", row(vec![("user", text("alice"))])).is_err());
        assert!(User::named("1", row(vec![("name", Value::Integer(1))])).is_err());
    }

    #[test]
    fn a_row_whose_name_has_another_hash_is_nobodys() {
        let function = HashFunction::Sha256;
        let hash = Userhash::new(function, "alice", "proxy");
        for (name, realm, is_asked) in
            [("alice", "proxy", true), ("Alice", "proxy", false), ("alice", "other", false)]
        {
            let user = User::hashed(&hash, (function, realm), row(vec![("name", text(name))]));
            assert_eq!(user.unwrap().is_some(), is_asked, "{name} {realm}");
        }
    }

    #[test]
    fn a_broken_h_a1_is_a_failure_and_never_a_wrong_password() {
        let unusable =
            "the column ha1_md5 is unusable: a stored H(A1) for MD5 must be 32 hex digits";
        for value in [Value::Null, text(""), text(&MD5[1..]), text(&MD5.replace('9', "g"))] {
            assert_eq!(said(alice(vec![("ha1_md5", value)]).ha1(HashFunction::Md5)), unusable);
        }
        let missing = "the column ha1_md5 is missing from what the query answers";
        assert_eq!(said(alice(Vec::new()).ha1(HashFunction::Md5)), missing);
        let held = alice(vec![("ha1_md5", text(MD5))]).ha1(HashFunction::Md5).unwrap();
        assert_eq!(*held.expose_hex(), MD5);
    }

    #[test]
    fn a_broken_password_hash_is_a_failure_that_does_not_show_it() {
        let policy = HashPolicy::new();
        for stored in ["", "wonder", "$2y$05$wonder", "$2y$31$wonder"] {
            let said = said(alice(vec![(PASSWORD_HASH, text(stored))]).password_hash(&policy));
            assert!(!said.contains("wonder"), "{said}");
        }
        let none = alice(vec![(PASSWORD_HASH, Value::Null)]).password_hash(&policy).unwrap();
        assert!(none.is_none());
        assert!(alice(Vec::new()).password_hash(&policy).is_err(), "no column");
    }

    #[test]
    fn who_is_not_enabled_is_disabled_and_who_has_expired_is_expired() {
        let now = Timestamp::from_micros(1_000_000_000);
        for (name, values, standing) in [
            ("neither column", vec![], AccountStatus::Active),
            ("true", vec![(ENABLED, Value::Boolean(true))], AccountStatus::Active),
            ("false", vec![(ENABLED, Value::Boolean(false))], AccountStatus::Disabled),
            ("0", vec![(ENABLED, Value::Integer(0))], AccountStatus::Disabled),
            ("NULL", vec![(ENABLED, Value::Null)], AccountStatus::Disabled),
            ("never", vec![(EXPIRES, Value::Null)], AccountStatus::Active),
            ("later", vec![(EXPIRES, Value::Integer(1_001))], AccountStatus::Active),
            ("now", vec![(EXPIRES, Value::Integer(1_000))], AccountStatus::Expired),
            ("before 1970", vec![(EXPIRES, Value::Integer(-1))], AccountStatus::Expired),
            ("in the end", vec![(EXPIRES, Value::Integer(i64::MAX))], AccountStatus::Active),
        ] {
            assert_eq!(alice(values).standing(now).unwrap(), standing, "{name}");
        }
        for values in [(ENABLED, Value::Integer(2)), (EXPIRES, text("2030-01-01"))] {
            assert!(alice(vec![values]).standing(now).is_err());
        }
    }

    #[test]
    fn the_account_has_groups_and_the_row_no_secret() {
        let user = alice(vec![
            (GROUPS, text("staff, night")),
            (PASSWORD_HASH, text("x")),
            ("ha1_md5", text(MD5)),
            ("ha1_sha256", text("x")),
            ("ha1_sha512_256", text("x")),
            ("quota", Value::Integer(7)),
        ]);
        let (account, row) = user.into_account(Timestamp::from_micros(0)).unwrap();
        assert_eq!(account.user().as_str(), "alice");
        assert_eq!(account.groups().collect::<Vec<_>>(), ["staff", "night"]);
        assert_eq!(row.columns().collect::<Vec<_>>(), ["name", "groups", "quota"]);
    }

    #[test]
    fn an_account_is_good_until_it_expires() {
        let user = alice(vec![(EXPIRES, Value::Integer(100))]);
        let (account, _) = user.into_account(Timestamp::from_micros(40_000_000)).unwrap();
        assert_eq!(account.max_age(), Some(Duration::from_secs(60)));
        let (account, _) = alice(vec![]).into_account(Timestamp::from_micros(0)).unwrap();
        assert_eq!(account.max_age(), None);
    }

    #[test]
    fn a_column_of_ours_in_another_case_is_a_mistake() {
        for column in ["Name", "ENABLED", "Expires", "gROUPS", "HA1_md5", "Password_Hash"] {
            let error = known_columns(["name", "quota", column].into_iter()).unwrap_err();
            let expected = format!("the column {column} has to be spelt in lower case");
            assert_eq!(error.to_string(), expected);
        }
        assert!(known_columns(["name", "expires", "Quota", "name2"].into_iter()).is_ok());
    }
}
