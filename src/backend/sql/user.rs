//! A user, as the row of a query describes it.

use std::{error::Error, time::Duration};

use super::row::{SqlRow, SqlRowError};
use crate::{
    backend::{
        AccountStatus, UnusableRecord,
        password_hash::{HashPolicy, PasswordHash},
    },
    clock::Timestamp,
    error::BackendError,
    identity::Account,
    wire::digest::{HashFunction, HashedA1},
};

pub(super) const NAME: &str = "name";
pub(super) const PASSWORD_HASH: &str = "password_hash";
const ENABLED: &str = "enabled";
const EXPIRES: &str = "expires";
const GROUPS: &str = "groups";

/// The column with the H(A1)s of a hash function.
pub(super) const fn ha1_column(function: HashFunction) -> &'static str {
    match function {
        HashFunction::Sha256 => "ha1_sha256",
        HashFunction::Sha512_256 => "ha1_sha512_256",
        HashFunction::Md5 => "ha1_md5",
    }
}

/// Refuses a column that differs from one of ours only in case: otherwise, it would count as
/// missing, and an expiry would not be applied, for instance.
pub(super) fn check_spelling<'a>(
    mut columns: impl Iterator<Item = &'a str>,
) -> Result<(), SqlRowError> {
    let ours = HashFunction::ALL.iter().copied().map(ha1_column);
    let ours: Vec<_> = ours.chain([NAME, PASSWORD_HASH, ENABLED, EXPIRES, GROUPS]).collect();
    let is_misspelt =
        |column: &&str| ours.iter().any(|one| one != column && one.eq_ignore_ascii_case(column));
    match columns.find(is_misspelt) {
        Some(column) => Err(SqlRowError::of_query(column, "must be in lower case")),
        None => Ok(()),
    }
}

/// Why a look-up says nothing about a user.
#[derive(Debug)]
pub(super) enum FindError {
    /// The record of this user cannot be used.
    Unusable(Box<dyn Error + Send + Sync>),
    /// The database does not answer, or the query is wrong for every user.
    Failed(BackendError),
}

impl FindError {
    /// The answer to a request: `unusable` makes it of the record.
    pub(super) fn answer<T>(self, unusable: fn(UnusableRecord) -> T) -> Result<T, BackendError> {
        match self {
            Self::Unusable(cause) => Ok(unusable(UnusableRecord::new(cause))),
            Self::Failed(error) => Err(error),
        }
    }
}

impl From<BackendError> for FindError {
    fn from(error: BackendError) -> Self {
        Self::Failed(error)
    }
}

impl From<SqlRowError> for FindError {
    fn from(error: SqlRowError) -> Self {
        match error.is_of_query() {
            true => Self::Failed(BackendError::new(error)),
            false => Self::Unusable(error.into()),
        }
    }
}

/// A user whose record can be used.
pub(super) struct User {
    name: String,
    status: AccountStatus,
    time_left: Option<Duration>,
    row: SqlRow,
}

impl User {
    /// Reads a row at the time `now`; `None` if its name is not the requested one. Trailing blanks
    /// of a name or an H(A1) are the padding of a `CHAR(n)`.
    ///
    /// # Security
    /// The database may ignore case, accents or trailing blanks, so the row can have another name.
    pub(super) fn read(
        row: SqlRow,
        is_wanted: impl FnOnce(&str) -> bool,
        now: Timestamp,
    ) -> Result<Option<Self>, FindError> {
        check_spelling(row.columns())?;
        let name = row.text(NAME)?.map(without_padding);
        let Some(name) = name.filter(|name| is_wanted(name)) else { return Ok(None) };
        let name = name.to_owned();
        let expiry = expiry(&row)?;
        let is_enabled = !row.has(ENABLED) || row.boolean(ENABLED)? == Some(true);
        let status = match expiry {
            _ if !is_enabled => AccountStatus::Disabled,
            Some(expiry) if now >= expiry => AccountStatus::Expired,
            _ => AccountStatus::Active,
        };
        let time_left = expiry.map(|expiry| expiry.saturating_since(now));
        Ok(Some(Self { name, status, time_left, row }))
    }

    pub(super) const fn status(&self) -> AccountStatus {
        self.status
    }

    /// The stored hash; `None` for a user without a password, who cannot use Basic.
    pub(super) fn password_hash(
        &self,
        policy: &HashPolicy,
    ) -> Result<Option<PasswordHash>, FindError> {
        let hash = self.row.text(PASSWORD_HASH)?.map(|text| PasswordHash::parse(text, policy));
        hash.transpose().map_err(|error| FindError::Unusable(error.into()))
    }

    /// The stored H(A1), which is required for every user.
    pub(super) fn ha1(&self, function: HashFunction) -> Result<HashedA1, FindError> {
        let column = ha1_column(function);
        let stored = self.row.text(column)?.map(without_padding).unwrap_or_default();
        HashedA1::from_hex(function, stored)
            .map_err(|error| SqlRowError::new(column, &format!("is unusable: {error}")).into())
    }

    /// The account, and the row without secrets. The change stamp covers the groups, and the values
    /// of the columns with stored secrets and of `others`.
    pub(super) fn into_account(
        mut self,
        secrets: impl IntoIterator<Item = &'static str>,
        others: &[String],
    ) -> Result<(Account, SqlRow), FindError> {
        let mut groups = match self.row.has(GROUPS) {
            true => self.row.texts(GROUPS)?,
            false => Vec::new(),
        };
        let mut account = groups.iter().copied().fold(Account::new(self.name), Account::with_group);
        if let Some(time_left) = self.time_left {
            account = account.with_max_age(time_left);
        }
        // A query may return them in any order.
        groups.sort_unstable();
        account = account.with_change_stamp(groups);
        for column in secrets {
            account = account.with_change_stamp(self.row.stamp(column)?);
        }
        for column in others {
            account = account.with_change_stamp(self.row.stamp(column)?);
        }
        self.row.remove(PASSWORD_HASH);
        for &function in HashFunction::ALL {
            self.row.remove(ha1_column(function));
        }
        Ok((account, self.row))
    }
}

fn without_padding(text: &str) -> &str {
    text.trim_end_matches(' ')
}

fn expiry(row: &SqlRow) -> Result<Option<Timestamp>, SqlRowError> {
    if !row.has(EXPIRES) {
        return Ok(None);
    }
    let in_micros = |seconds| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
    Ok(row.integer(EXPIRES)?.map(|seconds| Timestamp::from_micros(in_micros(seconds))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sql::row::Value;

    const MD5: &str = "939e7578ed9e3c518a452acee763bce9";
    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned().into())
    }

    fn read(values: Vec<(&str, Value)>) -> Result<Option<User>, FindError> {
        let row = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        User::read(SqlRow::new(row.collect()), |name| name == "alice", NOW)
    }

    /// A row of alice with these values.
    fn alice(mut values: Vec<(&str, Value)>) -> Result<User, FindError> {
        values.insert(0, ("name", text("alice")));
        read(values).map(Option::unwrap)
    }

    #[track_caller]
    fn unusable<T>(result: Result<T, FindError>) -> String {
        match result {
            Err(FindError::Unusable(cause)) => cause.to_string(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it can be used"),
        }
    }

    #[track_caller]
    fn wrong_query<T>(result: Result<T, FindError>) -> String {
        match result {
            Err(FindError::Failed(error)) => error.source().unwrap().to_string(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it can be used"),
        }
    }

    #[test]
    fn a_row_with_another_name_is_not_the_user() {
        for other in ["Alice", " alice", "alic\u{e9}", "alice\0", ""] {
            let row = vec![("name", text(other)), (ENABLED, text("unusable"))];
            assert!(read(row).unwrap().is_none(), "{other:?}");
        }
        assert!(read(vec![("name", Value::Null)]).unwrap().is_none());
        wrong_query(read(vec![("user", text("alice"))]));
        unusable(read(vec![("name", Value::Integer(1))]));
    }

    #[test]
    fn regression_padding_of_a_column_is_not_part_of_its_value() {
        for padding in ["", " ", "       "] {
            let padded = |value: &str| text(&format!("{value}{padding}"));
            let row = vec![("name", padded("alice")), ("ha1_md5", padded(MD5))];
            let user = read(row).unwrap().unwrap();
            assert_eq!(*user.ha1(HashFunction::Md5).unwrap().expose_hex(), MD5);
            let (account, _) = user.into_account([], &[]).unwrap();
            assert_eq!(account.user().as_str(), "alice");
        }
        for other in [" alice", "alice\t", "alice\u{a0}"] {
            assert!(read(vec![("name", text(other))]).unwrap().is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_broken_ha1_is_unusable() {
        let problem =
            "the column ha1_md5 is unusable: a stored H(A1) for MD5 must be 32 hex digits";
        for value in [Value::Null, text(""), text(&MD5[1..]), text(&MD5.replace('9', "g"))] {
            let user = alice(vec![("ha1_md5", value)]).unwrap();
            assert_eq!(unusable(user.ha1(HashFunction::Md5)), problem);
        }
        let without = alice(Vec::new()).unwrap();
        let missing = "the column ha1_md5 is missing from the rows of the query";
        assert_eq!(wrong_query(without.ha1(HashFunction::Md5)), missing);
        let user = alice(vec![("ha1_md5", text(MD5))]).unwrap();
        assert_eq!(*user.ha1(HashFunction::Md5).unwrap().expose_hex(), MD5);
    }

    #[test]
    fn a_broken_password_hash_is_unusable_and_not_shown() {
        let policy = HashPolicy::new();
        for stored in ["", "wonder", "$2y$05$wonder", "$2y$31$wonder"] {
            let user = alice(vec![(PASSWORD_HASH, text(stored))]).unwrap();
            let cause = unusable(user.password_hash(&policy));
            assert!(!cause.contains("wonder"), "{cause}");
        }
        let user = alice(vec![(PASSWORD_HASH, Value::Null)]).unwrap();
        assert!(user.password_hash(&policy).unwrap().is_none());
        wrong_query(alice(Vec::new()).unwrap().password_hash(&policy));
    }

    #[test]
    fn reads_the_status_of_an_account() {
        for (name, values, status) in [
            ("neither column", vec![], AccountStatus::Active),
            ("true", vec![(ENABLED, Value::Boolean(true))], AccountStatus::Active),
            ("false", vec![(ENABLED, Value::Boolean(false))], AccountStatus::Disabled),
            ("0", vec![(ENABLED, Value::Integer(0))], AccountStatus::Disabled),
            ("NULL", vec![(ENABLED, Value::Null)], AccountStatus::Disabled),
            ("no expiry", vec![(EXPIRES, Value::Null)], AccountStatus::Active),
            ("later", vec![(EXPIRES, Value::Integer(1_001))], AccountStatus::Active),
            ("now", vec![(EXPIRES, Value::Integer(1_000))], AccountStatus::Expired),
            ("before 1970", vec![(EXPIRES, Value::Integer(-1))], AccountStatus::Expired),
            ("far ahead", vec![(EXPIRES, Value::Integer(i64::MAX))], AccountStatus::Active),
        ] {
            assert_eq!(alice(values).unwrap().status(), status, "{name}");
        }
        for value in [(ENABLED, Value::Integer(2)), (EXPIRES, text("2030-01-01"))] {
            unusable(alice(vec![value]));
        }
    }

    #[test]
    fn an_account_has_groups_and_its_row_no_secret() {
        let user = alice(vec![
            (GROUPS, text("staff, night")),
            (PASSWORD_HASH, text("x")),
            ("ha1_md5", text(MD5)),
            ("ha1_sha256", text("x")),
            ("ha1_sha512_256", text("x")),
            ("quota", Value::Integer(7)),
        ]);
        let (account, row) = user.unwrap().into_account([PASSWORD_HASH], &[]).unwrap();
        assert_eq!(account.user().as_str(), "alice");
        assert_eq!(account.groups().collect::<Vec<_>>(), ["staff", "night"]);
        assert_eq!(row.columns().collect::<Vec<_>>(), ["name", "groups", "quota"]);
    }

    #[test]
    fn the_change_stamp_covers_groups_and_the_given_columns() {
        let stamp = |values: Vec<(&str, Value)>, column: &str| {
            let (account, _) =
                alice(values).unwrap().into_account([], &[column.to_owned()]).unwrap();
            account.change_stamp().unwrap()
        };
        let row = |groups, hash, quota| {
            vec![(GROUPS, text(groups)), (PASSWORD_HASH, text(hash)), ("quota", quota)]
        };
        let one = || stamp(row("staff,night", "x", Value::Integer(1)), PASSWORD_HASH);
        for (name, values, is_same) in [
            ("the same", row("staff,night", "x", Value::Integer(1)), true),
            ("groups in another order", row("night, staff", "x", Value::Integer(1)), true),
            ("another column", row("staff,night", "x", Value::Null), true),
            ("another hash", row("staff,night", "y", Value::Integer(1)), false),
            ("a group less", row("staff", "x", Value::Integer(1)), false),
        ] {
            assert_eq!(stamp(values, PASSWORD_HASH) == one(), is_same, "{name}");
        }
        let quota = |value| stamp(vec![("quota", value)], "quota");
        let values = || {
            [
                Value::Null,
                Value::Boolean(true),
                Value::Integer(2),
                Value::Real(0.5),
                text("2"),
                Value::Texts(vec!["2".to_owned()]),
                Value::Bytes(vec![2].into()),
            ]
        };
        for (position, value) in values().into_iter().enumerate() {
            let first = quota(value);
            let is_same = |(at, other)| (quota(other) == first) == (at == position);
            assert!(values().into_iter().enumerate().all(is_same), "{position}");
        }
        let without = alice(Vec::new()).unwrap().into_account(["quota"], &[]);
        assert_eq!(wrong_query(without), "the column quota is missing from the rows of the query");
    }

    #[test]
    fn an_account_lasts_until_it_expires() {
        let expires = vec![(EXPIRES, Value::Integer(1_060))];
        for (values, max_age) in [(expires, Some(Duration::from_secs(60))), (vec![], None)] {
            let (account, _) = alice(values).unwrap().into_account([], &[]).unwrap();
            assert_eq!(account.max_age(), max_age);
        }
    }

    #[test]
    fn refuses_a_known_column_in_another_case() {
        for column in ["Name", "ENABLED", "Expires", "gROUPS", "HA1_md5", "Password_Hash"] {
            let error = check_spelling(["name", "quota", column].into_iter()).unwrap_err();
            let expected = format!("the column {column} must be in lower case");
            assert_eq!(error.to_string(), expected);
        }
        assert!(check_spelling(["name", "expires", "Quota", "name2"].into_iter()).is_ok());
    }
}
