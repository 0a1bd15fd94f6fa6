//! Finds the groups of a user, and whether the required one is among them.

use ldap3::{Scope, SearchEntry, ldap_escape};

use super::{
    connection::Query,
    dn::problem_of_dn,
    failure::Failure,
    lookup::{Entry, LookupError, take},
    server::{Bound, Server, ServiceAccount},
    template::FilterTemplate,
};
use crate::identity::Account;

/// The method of finding the groups of a user.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// An attribute of the user's entry.
    pub(super) attribute: Option<Box<str>>,
    pub(super) search: Option<GroupSearch>,
    /// The group that users must be in: a value of the attribute, the distinguished name of a
    /// group's entry, or the name of a group.
    pub(super) required: Option<Box<str>>,
}

/// A search for the entries of groups.
#[derive(Debug)]
pub(super) struct GroupSearch {
    pub(super) base: Box<str>,
    pub(super) filter: FilterTemplate,
    /// The attribute with the name of a group.
    pub(super) name_attribute: Box<str>,
}

/// Requests entries without their attributes.
const NO_ATTRIBUTES: &[&str] = &["1.1"];

/// Users with more groups are refused, since every group may matter to a rule.
const MAX_GROUPS: usize = 1_000;

/// The rights with which a search is made.
pub(super) enum Reader<'a, 'b> {
    Service(&'a Server, &'a ServiceAccount),
    User(&'a mut Bound<'b>),
}

impl Reader<'_, '_> {
    async fn search(&mut self, query: &Query<'_>) -> Result<Vec<SearchEntry>, Failure> {
        match self {
            Self::Service(server, account) => server.search(account, query).await,
            Self::User(bound) => bound.search(query).await,
        }
    }

    /// Whether there is an entry for the filter.
    async fn finds(&mut self, base: &str, scope: Scope, filter: &str) -> Result<bool, Failure> {
        let query = Query { base, scope, filter, attributes: NO_ATTRIBUTES, limit: 1 };
        Ok(!self.search(&query).await?.is_empty())
    }
}

impl Groups {
    /// The account of a user with all groups, and whether the required one is among them.
    pub(super) async fn account(
        &self,
        mut reader: Reader<'_, '_>,
        entry: Entry,
    ) -> Result<(Account, bool), LookupError> {
        let is_member = self.has_required(&mut reader, &entry).await?;
        let Entry { user, dn, groups: mut names, changes } = entry;
        names.append(&mut self.names(&mut reader, &user, &dn).await?);
        if names.len() > MAX_GROUPS {
            let problem = format!("the user has more than {MAX_GROUPS} groups");
            return Err(LookupError::Unusable(problem));
        }
        let account = Account::new(user);
        let account = names.iter().map(String::as_str).fold(account, Account::with_group);
        // A directory sends them in any order.
        names.sort_unstable();
        Ok((account.with_change_stamp((dn, names, changes)), is_member))
    }

    /// The names of the groups that the search finds.
    pub(super) async fn names(
        &self,
        reader: &mut Reader<'_, '_>,
        user: &str,
        dn: &str,
    ) -> Result<Vec<String>, LookupError> {
        let Some(search) = &self.search else { return Ok(Vec::new()) };
        let filter = search.filter.fill(user, dn);
        let query = Query {
            base: &search.base,
            scope: Scope::Subtree,
            filter: &filter,
            attributes: &[&search.name_attribute],
            limit: MAX_GROUPS,
        };
        let mut names = Vec::new();
        for mut entry in reader.search(&query).await? {
            names.append(&mut take(&mut entry, &search.name_attribute)?);
        }
        Ok(names)
    }

    /// Whether the user is in the required group. The directory compares, since only it knows which
    /// spellings of a name are equal.
    async fn has_required(
        &self,
        reader: &mut Reader<'_, '_>,
        entry: &Entry,
    ) -> Result<bool, Failure> {
        let Some(required) = self.required.as_deref() else { return Ok(true) };
        let value = ldap_escape(required);
        if let Some(attribute) = &self.attribute {
            let filter = format!("({attribute}={value})");
            if reader.finds(&entry.dn, Scope::Base, &filter).await? {
                return Ok(true);
            }
        }
        let Some(GroupSearch { base, filter, name_attribute }) = &self.search else {
            return Ok(false);
        };
        let filter = filter.fill(&entry.user, &entry.dn);
        if problem_of_dn(required).is_none() {
            return reader.finds(required, Scope::Base, &filter).await;
        }
        let filter = format!("(&{filter}({name_attribute}={value}))");
        reader.finds(base, Scope::Subtree, &filter).await
    }
}
