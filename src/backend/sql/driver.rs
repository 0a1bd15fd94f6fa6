//! How a database is asked over one connection.

use std::{future::poll_fn, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, Column as _, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments,
    Row as _, SqlSafeStr as _, Statement as _, Type, ValueRef as _,
};

use super::{
    row::{SqlRow, Value},
    source::Prepared,
};

/// A database that can be asked.
pub(super) trait Driver: Database {
    /// How long a connection may stay open: long enough to matter to nobody, short enough to follow
    /// a server that has moved.
    const LIFETIME: Duration = Duration::from_secs(600);

    /// The value of a column that is not NULL, and is of this type.
    fn value(row: &Self::Row, index: usize, kind: &Self::TypeInfo) -> Value;
}

/// The value of a column that is known to be a `T`.
pub(super) fn read<'r, DB: Driver, T: Decode<'r, DB>>(
    row: &'r DB::Row,
    index: usize,
    value: impl FnOnce(T) -> Value,
) -> Value
where
    usize: ColumnIndex<DB::Row>,
{
    let read = row.try_get_unchecked(index).map(value);
    read.unwrap_or_else(|_| Value::Other("unreadable".to_owned()))
}

/// The value of a column.
fn value<DB: Driver>(row: &DB::Row, index: usize) -> Value
where
    usize: ColumnIndex<DB::Row>,
{
    match row.try_get_raw(index) {
        Ok(value) if value.is_null() => Value::Null,
        Ok(value) => DB::value(row, index, &value.type_info()),
        Err(_) => Value::Other("missing".to_owned()),
    }
}

/// Why there is no answer.
pub(super) enum Failed {
    Sql(sqlx::Error),
    TooManyRows,
}

/// Reads the answer to its end, unless there is a second row.
pub(super) async fn one_row<DB>(
    connection: &mut DB::Connection,
    query: Arc<str>,
    parameters: Vec<String>,
) -> Result<Option<SqlRow>, Failed>
where
    DB: Driver,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let query = sqlx::query::<DB>(AssertSqlSafe(query));
    let query = parameters.into_iter().fold(query, |query, parameter| query.bind(parameter));
    let mut rows = connection.fetch(query);
    let mut found = None;
    while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
        let row = row.map_err(Failed::Sql)?;
        if found.is_some() {
            return Err(Failed::TooManyRows);
        }
        let columns = row.columns().iter().enumerate();
        let values = columns.map(|(at, column)| (column.name().to_owned(), value::<DB>(&row, at)));
        found = Some(SqlRow::new(values.collect()));
    }
    Ok(found)
}

/// Has the database read a query.
pub(super) async fn prepare<DB>(
    connection: &mut DB::Connection,
    query: Arc<str>,
) -> Result<Prepared, Failed>
where
    DB: Driver,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let prepared = connection.prepare(AssertSqlSafe(query).into_sql_str()).await;
    let prepared = prepared.map_err(Failed::Sql)?;
    let columns = prepared.columns().iter().map(|column| column.name().to_owned());
    let parameters =
        prepared.parameters().map(|all| all.either(|types| types.len(), |count| count));
    Ok(Prepared { columns: columns.collect(), parameters })
}
