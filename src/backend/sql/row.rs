//! A row of any database.

use std::fmt;

use zeroize::Zeroizing;

use crate::change_stamp::ChangeStamp;

/// One value of a row.
#[cfg_attr(not(test), allow(dead_code, reason = "each database makes some of them"))]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(Zeroizing<String>),
    Texts(Vec<String>),
    Bytes(Zeroizing<Vec<u8>>),
    /// A type that is not supported, by its name.
    Other(String),
}

/// A row that a query found: values by the names of their columns.
///
/// `Debug` shows only the names of the columns. Text and bytes are wiped when dropped.
///
/// | database | types |
/// |---|---|
/// | SQLite | integer, real, text and blob, as each value is stored |
/// | PostgreSQL | `bool`, `smallint` to `bigint`, `real` and `double precision`, text of all kinds, `citext` and enumerations, arrays of text, `bytea` |
/// | MySQL, MariaDB | integers of all kinds and `BIT`, `FLOAT` and `DOUBLE`, text of all kinds, `BINARY` and `BLOB` of all kinds |
///
/// The query must convert other types (`numeric`, `timestamp`, `uuid` ...), with `CAST` or a
/// function of the database.
pub struct SqlRow(Vec<(String, Value)>);

/// A column is missing or has a value of another type. The message does not show the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the column {column} {problem}")]
pub struct SqlRowError {
    column: String,
    problem: String,
    /// Whether the columns of the query are wrong, not the value in this row.
    is_of_query: bool,
}

impl SqlRow {
    #[cfg_attr(not(test), allow(dead_code, reason = "each database makes rows"))]
    pub(super) fn new(values: Vec<(String, Value)>) -> Self {
        Self(values)
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there is a column with exactly this name.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns().any(|name| name == column)
    }

    /// A text, or bytes in UTF-8; `None` for NULL.
    ///
    /// # Errors
    /// There is no such column, or more than one, or its value has another type.
    pub fn text(&self, column: &str) -> Result<Option<&str>, SqlRowError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(SqlRowError::new(column, "contains bytes that are not UTF-8")),
            },
            other => Err(other.is_not(column, "a text")),
        }
    }

    /// An integer; `None` for NULL.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn integer(&self, column: &str) -> Result<Option<i64>, SqlRowError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            other => Err(other.is_not(column, "an integer")),
        }
    }

    /// A boolean, or 0 or 1; `None` for NULL.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn boolean(&self, column: &str) -> Result<Option<bool>, SqlRowError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Boolean(value) => Ok(Some(*value)),
            Value::Integer(value @ 0..=1) => Ok(Some(*value == 1)),
            Value::Integer(_) => Err(SqlRowError::new(column, "is neither 0 nor 1")),
            other => Err(other.is_not(column, "a boolean")),
        }
    }

    /// A number with a fraction, or an integer; `None` for NULL.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn real(&self, column: &str) -> Result<Option<f64>, SqlRowError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Real(number) => Ok(Some(*number)),
            #[allow(clippy::cast_precision_loss, reason = "a real is what was asked for")]
            Value::Integer(number) => Ok(Some(*number as f64)),
            other => Err(other.is_not(column, "a number")),
        }
    }

    /// Bytes, or a text as bytes; `None` for NULL.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn bytes(&self, column: &str) -> Result<Option<&[u8]>, SqlRowError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Text(text) => Ok(Some(text.as_bytes())),
            other => Err(other.is_not(column, "bytes")),
        }
    }

    /// An array of texts, or one text split at its commas and trimmed; empty for NULL.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn texts(&self, column: &str) -> Result<Vec<&str>, SqlRowError> {
        if let Value::Texts(texts) = self.value(column)? {
            return Ok(texts.iter().map(String::as_str).collect());
        }
        let texts = self.text(column)?.unwrap_or_default().split(',').map(str::trim);
        Ok(texts.filter(|text| !text.is_empty()).collect())
    }

    /// A stamp of the value, of any type.
    ///
    /// # Errors
    /// There is no such column, or more than one.
    pub(super) fn stamp(&self, column: &str) -> Result<ChangeStamp, SqlRowError> {
        Ok(match self.value(column)? {
            Value::Null => ChangeStamp::of(()),
            Value::Boolean(value) => ChangeStamp::of(value),
            Value::Integer(number) => ChangeStamp::of(number),
            Value::Real(number) => ChangeStamp::of(number.to_bits()),
            Value::Text(text) => ChangeStamp::of(text.as_str()),
            Value::Texts(texts) => ChangeStamp::of(texts),
            Value::Bytes(bytes) => ChangeStamp::of(bytes.as_slice()),
            other @ Value::Other(_) => return Err(other.is_not(column, "a type that is supported")),
        })
    }

    /// Removes a column.
    pub(super) fn remove(&mut self, column: &str) {
        self.0.retain(|(name, _)| name != column);
    }

    fn value(&self, column: &str) -> Result<&Value, SqlRowError> {
        let mut found = self.0.iter().filter(|(name, _)| name == column);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            (Some(_), Some(_)) => {
                Err(SqlRowError::of_query(column, "occurs twice: rename one with AS"))
            }
            (None, _) => Err(SqlRowError::missing(column)),
        }
    }
}

impl Value {
    fn is_not(&self, column: &str, wanted: &str) -> SqlRowError {
        let kind = match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Real(_) => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::Texts(_) => "an array of texts",
            Self::Bytes(_) => "bytes",
            Self::Other(name) => name,
        };
        let problem = format!("is {kind}, not {wanted}: convert it in the query");
        SqlRowError::new(column, &problem)
    }
}

impl SqlRowError {
    pub(super) fn missing(column: &str) -> Self {
        Self::of_query(column, "is missing from the rows of the query")
    }

    pub(super) fn of_query(column: &str, problem: &str) -> Self {
        Self { is_of_query: true, ..Self::new(column, problem) }
    }

    pub(super) fn new(column: &str, problem: &str) -> Self {
        Self { column: column.to_owned(), problem: problem.to_owned(), is_of_query: false }
    }

    pub(super) const fn is_of_query(&self) -> bool {
        self.is_of_query
    }
}

impl fmt::Debug for SqlRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlRow")?;
        f.debug_set().entries(self.columns()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> SqlRow {
        let text = |text: &str| Value::Text(text.to_owned().into());
        SqlRow::new(
            [
                ("null", Value::Null),
                ("true", Value::Boolean(true)),
                ("one", Value::Integer(1)),
                ("two", Value::Integer(2)),
                ("half", Value::Real(0.5)),
                ("text", text("wonder, land,,")),
                ("texts", Value::Texts(vec!["a, b".to_owned(), "c".to_owned()])),
                ("bytes", Value::Bytes(b"wonder".to_vec().into())),
                ("binary", Value::Bytes(vec![0xFF].into())),
                ("day", Value::Other("TIMESTAMP".to_owned())),
                ("twice", text("a")),
                ("twice", text("b")),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        )
    }

    #[test]
    fn reads_each_type() {
        let row = row();
        assert_eq!(row.text("text"), Ok(Some("wonder, land,,")));
        assert_eq!(row.text("bytes"), Ok(Some("wonder")));
        assert_eq!(row.integer("two"), Ok(Some(2)));
        assert_eq!(row.boolean("true"), Ok(Some(true)));
        assert_eq!(row.boolean("one"), Ok(Some(true)));
        assert_eq!(row.real("half"), Ok(Some(0.5)));
        assert_eq!(row.real("two"), Ok(Some(2.0)));
        assert_eq!(row.bytes("binary"), Ok(Some(&[0xFF][..])));
        assert_eq!(row.bytes("bytes"), Ok(Some(&b"wonder"[..])));
        assert_eq!(row.texts("text").unwrap(), ["wonder", "land"]);
        assert_eq!(row.texts("texts").unwrap(), ["a, b", "c"]);
        assert_eq!(row.texts("null").unwrap(), [""; 0]);
        assert_eq!((row.text("null"), row.integer("null")), (Ok(None), Ok(None)));
        assert_eq!((row.boolean("null"), row.real("null")), (Ok(None), Ok(None)));
        assert_eq!(row.bytes("null"), Ok(None));
    }

    #[test]
    fn errors_name_the_column() {
        let row = row();
        for (error, message) in [
            (
                row.text("one").unwrap_err(),
                "one is an integer, not a text: convert it in the query",
            ),
            (row.text("binary").unwrap_err(), "binary contains bytes that are not UTF-8"),
            (row.text("twice").unwrap_err(), "twice occurs twice: rename one with AS"),
            (row.text("none").unwrap_err(), "none is missing from the rows of the query"),
            (row.text("Text").unwrap_err(), "Text is missing from the rows of the query"),
            (row.boolean("two").unwrap_err(), "two is neither 0 nor 1"),
            (
                row.integer("day").unwrap_err(),
                "day is TIMESTAMP, not an integer: convert it in the query",
            ),
        ] {
            assert_eq!(error.to_string(), format!("the column {message}"));
            let is_of_query = message.contains("occurs twice") || message.contains("is missing");
            assert_eq!(error.is_of_query(), is_of_query, "{message}");
        }
        assert!(row.integer("half").is_err() && row.boolean("text").is_err());
        assert!(row.real("text").is_err() && row.bytes("one").is_err());
    }

    #[test]
    fn debug_shows_no_value() {
        let mut row = row();
        for name in ["null", "true", "one", "two", "half", "texts", "bytes", "binary", "twice"] {
            row.remove(name);
        }
        assert_eq!(format!("{row:?}"), "SqlRow{\"text\", \"day\"}");
    }
}
