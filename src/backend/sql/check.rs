//! Finds mistakes in queries.

use std::sync::Arc;

use super::{
    query::QueryRunner,
    row::SqlRowError,
    user::{NAME, PASSWORD_HASH, check_spelling, ha1_column},
    validator::{Sql, in_hex},
};
use crate::{
    backend::queue::Check,
    error::BackendError,
    wire::{Realm, digest::Userhash},
};

/// A name that no client can send, since it has control characters.
const IMPOSSIBLE_NAME: &str = "\u{1}nobody\u{1}";

impl Sql {
    /// Finds configuration mistakes, such as a missing column, by running each query for a user
    /// that cannot exist, in `realm` if the queries take one. Then learns the cost of checks: see
    /// [`with_cost_query`](super::SqlBuilder::with_cost_query).
    ///
    /// # Errors
    /// The database cannot be reached, refuses a query, or its rows lack a column. Errors that may
    /// pass by themselves are [transient](BackendError::is_transient).
    pub async fn check(&self, realm: &Realm) -> Result<(), BackendError> {
        let by_name = (&self.parts().query, IMPOSSIBLE_NAME.to_owned());
        let by_userhash = self.parts().options.by_userhash.iter().map(|(&function, query)| {
            (query, in_hex(&Userhash::new(function, IMPOSSIBLE_NAME, realm)))
        });
        for (query, key) in [by_name].into_iter().chain(by_userhash) {
            let parameters = self.parameters(key, realm);
            let given = parameters.len();
            let described = parameters.clone();
            let prepare =
                |database: Arc<dyn QueryRunner>| database.prepared(Arc::clone(query), described);
            let prepared = self.run(Check::First(None), prepare).await?;
            if let Some(columns) = prepared.columns {
                self.check_columns(&columns).map_err(BackendError::new)?;
            }
            if let Some(taken) = prepared.parameters.filter(|&taken| taken != given) {
                let text = format!("the query takes {taken} parameters but is given {given}");
                return Err(BackendError::new(text));
            }
            if !self.rows(query, parameters, 1, Check::First(None)).await?.is_empty() {
                return Err(BackendError::new("the query finds a user that cannot exist"));
            }
        }
        self.learn_cost().await
    }

    /// A table without password hashes is correct where Digest is served.
    fn check_columns(&self, columns: &[String]) -> Result<(), SqlRowError> {
        check_spelling(columns.iter().map(String::as_str))?;
        let mut needed: Vec<&str> = self.parts().options.functions.iter().map(ha1_column).collect();
        if needed.is_empty() {
            needed.push(PASSWORD_HASH);
        }
        needed.insert(0, NAME);
        needed.extend(self.parts().options.change_columns.iter().map(String::as_str));
        match needed.into_iter().find(|needed| !columns.iter().any(|column| column == needed)) {
            Some(missing) => Err(SqlRowError::missing(missing)),
            None => Ok(()),
        }
    }
}
